// whoami and can: who the server thinks that one is, and what one may do.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/table.h"

namespace nmq {
namespace cli {
namespace {

constexpr int kNo = 1;
// The pattern of all names.
constexpr char kAll[] = "**";
constexpr char kDefaultNamespace[] = "default";

std::string RightWords(const v1::GrantInfo& grant) {
  return absl::StrJoin(grant.rights(), ", ", [](std::string* text, int right) {
    *text += EnumWords(EnumName(static_cast<v1::Right>(right)));
  });
}

std::string NamesOr(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return names.empty() ? "all" : OneLine(absl::StrJoin(names, ", "));
}

absl::StatusOr<v1::ExplainResponse> Ask(const Arguments& arguments, const v1::ExplainRequest& request) {
  auto registry = RegistryClient::Open(arguments);
  if (!registry.ok()) return registry.status();
  v1::ExplainResponse response;
  const absl::Status status = (*registry)->Call(&v1::Registry::Stub::Explain, request, &response);
  if (!status.ok()) return status;
  return response;
}

// "queue DB", "all queues".
std::string Shown(absl::string_view kind, const std::string& name) {
  return name == kAll ? absl::StrCat("all ", kind, "s") : absl::StrCat(kind, " ", name);
}

// What the commands need that use the right without naming a queue or a room: all of them.
void NameAll(v1::Right right, v1::ExplainRequest* request) {
  const bool of_queues = right != v1::RIGHT_CONNECT && right != v1::RIGHT_JOIN;
  const bool of_all = request->queue().empty() && request->room().empty();
  const bool of_rooms = right == v1::RIGHT_PUBLISH || right == v1::RIGHT_JOIN ||
                        (of_all && (right == v1::RIGHT_INSPECT || right == v1::RIGHT_ADMIN));
  if (of_queues && request->queue().empty()) request->set_queue(kAll);
  if (of_rooms && request->room().empty()) request->set_room(kAll);
}

// "queue DB in all rooms of namespace shop".
std::string Where(const v1::ExplainRequest& request) {
  std::string where;
  if (!request.queue().empty()) where = Shown("queue", request.queue());
  if (!request.room().empty()) absl::StrAppend(&where, where.empty() ? "" : " in ", Shown("room", request.room()));
  if (!where.empty()) where += " of ";
  return absl::StrCat(where, "namespace ", request.namespace_());
}

}  // namespace

int RunWhoAmI(const Arguments& arguments, Output* out, Output* err) {
  v1::ExplainRequest request;
  request.set_identity(arguments.name);
  const auto answer = Ask(arguments, request);
  if (!answer.ok()) return Fail(answer.status(), arguments, err);
  if (arguments.json) {
    out->WriteLine(ProtoToJson(*answer));
    return Done(*out, err);
  }
  if (answer->identity().empty()) {
    out->WriteLine("nobody in particular: the server asks nobody who it is, and everybody may do everything");
    return Done(*out, err);
  }
  Table facts({{"identity"}, {OneLine(answer->identity())}});
  if (!answer->known_by().empty()) facts.Add({"known by", OneLine(answer->known_by())});
  if (!answer->token_id().empty()) facts.Add({"token", OneLine(answer->token_id())});
  if (answer->has_expire_time()) {
    facts.Add({"expires", Rfc3339(ToTime(answer->expire_time()))});
  }
  out->Write(facts.Render());
  if (answer->grants().empty()) {
    out->WriteLine(arguments.name.empty() ? "It may do nothing."
                                          : "Nothing is granted to it by its name; what the claims of its tokens grant "
                                            "is not known here.");
    return Done(*out, err);
  }
  Table grants({{"NAMESPACE"}, {"QUEUES"}, {"ROOMS"}, {"RIGHTS"}, {"LINE", Align::kRight}});
  for (const v1::GrantInfo& grant : answer->grants()) {
    grants.Add({OneLine(grant.namespace_()), NamesOr(grant.queues()), NamesOr(grant.rooms()), RightWords(grant),
                absl::StrCat(grant.line())});
  }
  out->Write(grants.Render(out->columns()));
  return Done(*out, err);
}

int RunCan(const Arguments& arguments, Output* out, Output* err) {
  v1::ExplainRequest request;
  v1::Right right = v1::RIGHT_UNSPECIFIED;
  v1::Right_Parse(absl::StrCat("RIGHT_", absl::AsciiStrToUpper(arguments.right)), &right);
  request.set_right(right);
  request.set_namespace_(arguments.namespace_name.empty() ? kDefaultNamespace : arguments.namespace_name);
  request.set_queue(arguments.queue);
  request.set_room(arguments.room);
  request.set_identity(arguments.name);
  NameAll(right, &request);
  const auto answer = Ask(arguments, request);
  if (!answer.ok()) return Fail(answer.status(), arguments, err);
  if (arguments.json) {
    out->WriteLine(ProtoToJson(*answer));
  } else if (!answer->allowed()) {
    out->WriteLine(absl::StrCat("no: nothing grants ", OneLine(answer->identity()), " the right ", arguments.right,
                                " for ", Where(request), "; nmq whoami shows what it may"));
  } else if (!answer->has_by()) {
    out->WriteLine("yes: the server asks nobody who it is, and everybody may do everything");
  } else {
    const v1::GrantInfo& by = answer->by();
    out->WriteLine(absl::StrCat("yes: by line ", by.line(), ", which grants ", OneLine(answer->identity()), " ",
                                RightWords(by), " in namespace ", OneLine(by.namespace_()), ", queues ",
                                NamesOr(by.queues()), ", rooms ", NamesOr(by.rooms())));
  }
  const int done = Done(*out, err);
  return done != 0 || answer->allowed() ? done : kNo;
}

}  // namespace cli
}  // namespace nmq
