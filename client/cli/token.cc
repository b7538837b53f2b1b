// The command that makes tokens.
#include "base/token.h"

#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/random.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/json.h"

namespace nmq {
namespace cli {

int RunToken(const Arguments& arguments, Output* out, Output* err) {
  const absl::Status named = CheckName("IDENTITY", arguments.name);
  if (!named.ok()) return Fail(named, arguments, err);
  const NewToken made = MakeToken(SystemRandom());
  const std::string kept = absl::StrCat("identity { name: \"", arguments.name, "\" token: \"", made.kept, "\" }");
  if (arguments.json) {
    JsonWriter json;
    json.BeginObject().Key("identity").String(arguments.name).Key("token").String(made.token);
    out->WriteLine(json.Key("kept").String(made.kept).EndObject().json());
    return Done(*out, err);
  }
  out->WriteLine(made.token);
  err->WriteLine(absl::StrCat("# That is the token of ", arguments.name,
                              ", which is shown this once. In the file of nmqd --access, keep:\n", kept));
  return Done(*out, err);
}

}  // namespace cli
}  // namespace nmq
