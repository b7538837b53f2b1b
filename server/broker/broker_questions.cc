// How questions are asked and answered.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/broker/broker.h"
#include "server/message/message_check.h"
#include "server/question/token.h"

namespace nmq::broker {
namespace {

constexpr absl::Duration kTimeoutDefault = absl::Seconds(5);
constexpr absl::Duration kTimeoutMin = absl::Milliseconds(1);

}  // namespace

absl::StatusOr<absl::Duration> Broker::QuestionTimeout(const v1::RequestRequest& request) const {
  if (!request.has_timeout()) return std::min(kTimeoutDefault, limits().request_max);
  const absl::Duration timeout =
      absl::Seconds(request.timeout().seconds()) + absl::Nanoseconds(request.timeout().nanos());
  if (timeout >= kTimeoutMin && timeout <= limits().request_max) return timeout;
  return InvalidArgument(
      "timeout", absl::StrCat(absl::FormatDuration(timeout), " is not in ", absl::FormatDuration(kTimeoutMin), " to ",
                              absl::FormatDuration(limits().request_max)));
}

absl::Status Broker::PublishQuestion(const Call& call, v1::RequestRequest* request, const Questions::Done& done) {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return status;
  auto origin = FindOrigin(call, *request);
  if (!origin.ok()) return origin.status();
  Namespace* const name_space = origin->name_space;
  if (!request->has_message()) return InvalidArgument("message", "is not set");
  v1::Message* const question = request->mutable_message();
  if (!question->request_id().empty()) {
    return InvalidArgument("message.request_id", "is set; each question is asked anew");
  }
  if (question->has_deliver_at()) {
    return InvalidArgument("message.deliver_at", "is set; a question is asked at once");
  }
  auto timeout = QuestionTimeout(*request);
  if (!timeout.ok()) return timeout.status();
  // To be asked again while the question waits.
  std::optional<v1::Audience> audience;
  if (call.principal != nullptr && question->has_audience()) audience = question->audience();
  Incoming message = FromMessage(question);
  status = CheckMessage(limits(), clock(), message, origin->client != nullptr);
  if (!status.ok()) return Counted(name_space, status);
  google::protobuf::Arena arena;
  EncodeBody(&arena, &message);
  status = CountPublishing(*origin, 1, message.body.size());
  if (!status.ok()) return Counted(name_space, status);

  const std::string token = NewQuestionToken(random_);
  const int64_t deadline_us = NowUs() + absl::ToInt64Microseconds(*timeout);
  Questions::Options options = {name_space->name(), request->replies_max(), deadline_us, done, nullptr};
  if (call.principal != nullptr) {
    options.check = std::make_shared<const Questions::Check>(
        [this, call, client = origin->client, name_space, queue = question->queue(), audience = std::move(audience)] {
          Call again = call;
          const absl::Status admitted = AdmitAgain(&again, client.get(), name_space->name());
          if (!admitted.ok()) return admitted;
          Names names;
          AddMessage(queue, audience.has_value() ? &*audience : nullptr, &names);
          for (Name& name : names) name.hidden = Name::Hidden::kForbidden;
          return Admit(again, *name_space, names);
        });
    options.queue = question->queue();
  }
  status = questions_.Open(token, std::move(options));
  if (!status.ok()) return Counted(name_space, status);
  auto asked = [this, client = origin->client, name_space, token, done,
                bytes = message.body.size()](absl::StatusOr<Namespace::PublishedQuestion> published) {
    if (published.ok()) {
      if (client != nullptr) client->counters().Published(1, bytes);
      Asked(token, *published);
    } else if (questions_.Forget(token)) {
      done(Counted(name_space, published.status()));
    }
  };
  name_space->PublishQuestion(origin->client.get(), message, token, std::move(asked));
  return absl::OkStatus();
}

void Broker::Asked(const std::string& token, const Namespace::PublishedQuestion& published) {
  std::vector<uint64_t> heard;
  for (const auto& client : published.heard) heard.push_back(client->number());
  questions_.Asked(token, heard, published.position);
  // Whoever goes from here on is reported by itself.
  for (const auto& client : published.heard) {
    if (client->gone()) questions_.Gone(client->number());
  }
}

void Broker::Ask(const Call& call, v1::RequestRequest* request, Questions::Done done) {
  absl::Status status = PublishQuestion(call, request, done);
  if (!status.ok()) done(std::move(status));
}

absl::Status Broker::Reply(const Call& call, v1::ReplyRequest* request) {
  auto session = FindSession(call, *request);
  if (!session.ok()) return session.status();
  const Client& client = *session->client;
  Namespace* const name_space = session->name_space;
  absl::Status status = CheckReply(limits(), *request);
  if (!status.ok()) return Counted(name_space, status);
  v1::Answer answer;
  answer.set_client_id(client.id());
  answer.set_payload(std::move(*request->mutable_payload()));
  answer.set_content_type(std::move(*request->mutable_content_type()));
  answer.mutable_headers()->swap(*request->mutable_headers());
  if (request->has_error()) answer.mutable_error()->Swap(request->mutable_error());
  if (call.principal != nullptr) {
    // Who may not hear the question may not answer it either.
    const std::string queue = questions_.QueueOf(request->reply_to(), name_space->name());
    if (!queue.empty() && !MaySee(call, Named(name_space->name(), queue, ""))) return Questions::Unknown();
  }
  status = questions_.Answer(request->reply_to(), name_space->name(), client.number(), std::move(answer));
  return Counted(name_space, status);
}

void Broker::EndQuestions() {
  questions_.End(Unavailable("QUESTION_ABANDONED",
                             "the server is shutting down before enough have answered; who heard the question may have "
                             "acted on it",
                             absl::ZeroDuration()));
}

std::optional<absl::Duration> Broker::NextQuestionDeadline() const {
  const std::optional<int64_t> next_us = questions_.next_deadline_us();
  if (!next_us.has_value()) return std::nullopt;
  return absl::Microseconds(*next_us);
}

}  // namespace nmq::broker
