#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/message_template.h"
#include "client/cli/message_text.h"
#include "client/cpp/client.h"
#include "client/cpp/status.h"

namespace nmq {
namespace cli {
namespace {

// True if it is an answer and no error.
bool Print(const Answer& answer, const Arguments& arguments, Output* out, Output* err) {
  if (arguments.json) {
    out->WriteLine(AnswerJson(answer));
  } else if (answer.has_error()) {
    err->Tell(absl::StrCat(OneLine(answer.client_id()),
                           " cannot answer: ", Explain(FromRpc(answer.error()), arguments.server, arguments.asked)));
  } else {
    out->WriteLine(AnswerLine(answer));
  }
  return !answer.has_error();
}

std::string Heard(uint64_t matched) {
  return absl::StrCat(Count(matched), matched == 1 ? " subscription" : " subscriptions", " heard the question");
}

}  // namespace

int RunRequest(const Arguments& arguments, Output* out, Output* err) {
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(OptionsFor(arguments));
  if (!client.ok()) return Fail(client.status(), arguments, err);
  Message question = MakeTemplate(arguments);
  question.set_payload(arguments.payload);
  absl::StatusOr<RequestResult> result =
      (*client)->Request(question, {.timeout = arguments.timeout, .replies_max = arguments.replies});
  if (!result.ok()) return Fail(result.status(), arguments, err);
  bool answered = false;
  for (const Answer& answer : result->answers) answered |= Print(answer, arguments, out, err);
  if (result->answers.empty()) {
    err->Tell(absl::StrCat("nobody answered within ", absl::FormatDuration(arguments.timeout), ", though ",
                           Heard(result->matched)));
  } else if (!result->complete) {
    err->Tell(absl::StrCat("answers are missing: ", Heard(result->matched)));
  }
  return answered ? Done(*out, err) : kExitFailed;
}

}  // namespace cli
}  // namespace nmq
