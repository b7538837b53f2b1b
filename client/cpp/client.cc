#include "client/cpp/client.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "base/deadline.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "client/cpp/group_member.h"
#include "client/cpp/publisher_loop.h"
#include "client/cpp/session.h"
#include "client/cpp/shared_subscription.h"
#include "client/cpp/subscription_loop.h"
#include "client/cpp/tls.h"
#include "client/cpp/token.h"

namespace nmq {
inline namespace client {
namespace {

// Of calls that take no timeout of their own.
constexpr absl::Duration kCallTimeout = absl::Seconds(10);

absl::Status CheckOptions(const ClientOptions& options) {
  if (options.server.empty()) return absl::InvalidArgumentError("ClientOptions.server: is empty");
  if (options.connect_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("ClientOptions.connect_timeout: must be more than zero");
  }
  const BackoffOptions& backoff = options.backoff;
  if (backoff.initial <= absl::ZeroDuration() || backoff.max < backoff.initial || backoff.factor < 1) {
    return absl::InvalidArgumentError("ClientOptions.backoff: needs 0 < initial <= max and factor >= 1");
  }
  return absl::OkStatus();
}

// Null outside groups, and where callbacks return at once: then nothing waits here.
std::shared_ptr<internal::GroupMember> MakeGroupMember(const std::shared_ptr<internal::Session>& session,
                                                       SubscribeOptions* options, SubscriptionHandler* handler) {
  if (!options->group.has_value() || options->brief_callbacks || options->patterns.empty()) return nullptr;
  if (options->group->credit_messages() == 0) {
    options->group->set_credit_messages(internal::GroupMember::kCreditMessages);
  }
  auto member = std::make_shared<internal::GroupMember>(session, options->patterns[0].queue, *options->group,
                                                        std::move(*handler));
  *handler = member->Handler();
  session->Attach(member);
  return member;
}

}  // namespace

Client::Client(std::shared_ptr<internal::Session> session) : session_(std::move(session)) {}

Client::~Client() { session_->Disconnect().IgnoreError(); }

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ClientOptions options) {
  absl::Status checked = CheckOptions(options);
  if (!checked.ok()) return checked;
  // A file has a line end behind it.
  absl::StripTrailingAsciiWhitespace(&options.token);
  absl::Status secured = internal::CheckToken(options);
  if (secured.ok()) secured = internal::UseTls(&options);
  if (!secured.ok()) return secured;
  const bool lazy = options.lazy;
  auto session = std::make_shared<internal::Session>(std::move(options));
  if (!lazy) {
    absl::StatusOr<internal::Session::Handle> handle = session->Ensure(Deadline::Never());
    if (!handle.ok()) return handle.status();
  }
  return std::unique_ptr<Client>(new Client(std::move(session)));
}

absl::StatusOr<std::vector<RoomCount>> Client::Join(const std::vector<std::string>& rooms) {
  v1::JoinRequest request;
  request.mutable_rooms()->Add(rooms.begin(), rooms.end());
  v1::JoinResponse response;
  absl::Status status = session_->CallWithSession(Deadline::In(kCallTimeout),
                                                  [&](grpc::ClientContext* context, const std::string& session) {
                                                    request.set_session(session);
                                                    return session_->stub()->Join(context, request, &response);
                                                  });
  if (!status.ok()) return status;
  session_->AddRooms(request.rooms());
  return std::vector<RoomCount>(response.rooms().begin(), response.rooms().end());
}

absl::StatusOr<std::vector<RoomCount>> Client::Leave(const std::vector<std::string>& rooms) {
  v1::LeaveRequest request;
  request.mutable_rooms()->Add(rooms.begin(), rooms.end());
  // First, so that a reconnect in between does not join them again.
  session_->RemoveRooms(request.rooms());
  v1::LeaveResponse response;
  absl::Status status = session_->CallWithSession(Deadline::In(kCallTimeout),
                                                  [&](grpc::ClientContext* context, const std::string& session) {
                                                    request.set_session(session);
                                                    return session_->stub()->Leave(context, request, &response);
                                                  });
  if (!status.ok()) return status;
  return std::vector<RoomCount>(response.rooms().begin(), response.rooms().end());
}

absl::StatusOr<PublishResult> Client::Publish(const Message& message, const PublishOptions& options) {
  v1::PublishRequest request;
  request.set_namespace_(session_->options().namespace_name);
  *request.mutable_message() = message;
  request.set_count_matches(options.count_matches);
  if (options.expected_last_sequence.has_value()) {
    request.set_expected_last_sequence(*options.expected_last_sequence);
  }
  v1::PublishResponse response;
  absl::Status status = session_->CallOnce(
      Deadline::In(options.timeout),
      [&](grpc::ClientContext* context, const std::string& session) {
        request.set_session(session);
        return session_->stub()->Publish(context, request, &response);
      },
      /*known=*/!message.request_id().empty());
  if (!status.ok()) return status;
  PublishResult result{.id = response.id(),
                       .epoch = response.epoch(),
                       .sequence = response.sequence(),
                       .duplicate = response.duplicate(),
                       .storage = response.storage()};
  if (response.has_matched()) result.matched = response.matched();
  return result;
}

absl::StatusOr<RequestResult> Client::Request(const Message& question, const RequestOptions& options) {
  v1::RequestRequest request;
  request.set_namespace_(session_->options().namespace_name);
  *request.mutable_message() = question;
  request.set_replies_max(options.replies_max);
  SetDuration(options.timeout, request.mutable_timeout());
  v1::RequestResponse response;
  absl::Status status = session_->CallOnce(Deadline::In(options.timeout + kCallTimeout),
                                           [&](grpc::ClientContext* context, const std::string& session) {
                                             request.set_session(session);
                                             return session_->stub()->Request(context, request, &response);
                                           });
  if (!status.ok()) return status;
  RequestResult result;
  for (Answer& answer : *response.mutable_answers()) result.answers.push_back(std::move(answer));
  result.matched = response.matched();
  result.complete = response.complete();
  result.position = std::move(*response.mutable_position());
  return result;
}

absl::Status Client::Reply(const Message& question, absl::string_view payload, const ReplyOptions& options) {
  v1::ReplyRequest request;
  request.set_reply_to(question.reply_to());
  request.set_payload(payload.data(), payload.size());
  request.set_content_type(options.content_type);
  request.mutable_headers()->insert(options.headers.begin(), options.headers.end());
  if (!options.error.ok()) ToProto(options.error, request.mutable_error());
  v1::ReplyResponse response;
  int attempts = 0;
  const absl::Status status = session_->CallWithSession(Deadline::In(kCallTimeout),
                                                        [&](grpc::ClientContext* context, const std::string& session) {
                                                          ++attempts;
                                                          request.set_session(session);
                                                          return session_->stub()->Reply(context, request, &response);
                                                        });
  // The first attempt arrived, and only its outcome was lost.
  if (attempts > 1 && absl::IsNotFound(status) && ReasonOf(status) == "ALREADY_ANSWERED") return absl::OkStatus();
  return status;
}

absl::StatusOr<AcknowledgeResult> Client::Acknowledge(const std::string& queue, const std::string& group,
                                                      const std::vector<v1::Acknowledgement>& acknowledgements) {
  v1::AcknowledgeRequest request;
  request.set_queue(queue);
  request.set_group(group);
  request.mutable_acknowledgements()->Add(acknowledgements.begin(), acknowledgements.end());
  session_->BeforeAcknowledging(&request);
  v1::AcknowledgeResponse response;
  const absl::Status status = session_->CallWithSession(
      Deadline::In(kCallTimeout), [&](grpc::ClientContext* context, const std::string& session) {
        request.set_session(session);
        return session_->stub()->Acknowledge(context, request, &response);
      });
  if (!status.ok()) return status;
  return AcknowledgeResult{.noted = response.noted(), .not_pending = response.not_pending()};
}

std::unique_ptr<Publisher> Client::NewPublisher(PublisherOptions options) {
  auto loop = std::make_shared<internal::PublisherLoop>(session_, std::move(options));
  loop->Start();
  session_->Attach(loop);
  return std::make_unique<Publisher>(std::move(loop));
}

absl::StatusOr<std::unique_ptr<Subscription>> Client::Subscribe(SubscribeOptions options, SubscriptionHandler handler) {
  if (options.thread != nullptr && (options.group.has_value() || options.brief_callbacks)) {
    return absl::InvalidArgumentError(
        options.brief_callbacks
            ? "SubscribeOptions.thread: excludes brief_callbacks, which another thread calls"
            : "SubscribeOptions.thread: is not for a member of a group, whose messages have deadlines; leave it out");
  }
  const std::shared_ptr<internal::GroupMember> member = MakeGroupMember(session_, &options, &handler);
  std::shared_ptr<internal::SubscriptionCore> loop;
  if (options.thread != nullptr) {
    loop = std::make_shared<internal::SharedSubscription>(session_, std::move(options), std::move(handler));
  } else {
    loop = std::make_shared<internal::SubscriptionLoop>(session_, std::move(options), std::move(handler));
  }
  session_->Attach(loop);
  absl::Status status = loop->Start();
  if (!status.ok()) {
    loop->Join();
    if (member != nullptr) member->Join();
    return status;
  }
  return std::make_unique<Subscription>(std::move(loop), member);
}

std::unique_ptr<Registry> Client::NewRegistry() { return std::make_unique<Registry>(session_); }

std::unique_ptr<Admin> Client::NewAdmin() { return std::make_unique<Admin>(session_); }

absl::Status Client::Disconnect() { return session_->Disconnect(); }

std::string Client::client_id() const { return session_->client_id(); }

std::string Client::session() const { return session_->session(); }

v1::Limits Client::limits() const { return session_->limits(); }

std::vector<std::string> Client::rooms() const { return session_->rooms(); }

std::shared_ptr<grpc::Channel> Client::channel() const { return session_->channel(); }

}  // namespace client
}  // namespace nmq
