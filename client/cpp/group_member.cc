#include "client/cpp/group_member.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/proto_time.h"
#include "nmq/v1/registry.grpc.pb.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kExtendTimeout = absl::Seconds(1);
constexpr absl::Duration kDeadlineDefault = absl::Seconds(30);
// Entries of a request if the server names no limit.
constexpr size_t kRequestMax = 1000;

absl::Duration Now() { return RealClock().Monotonic(); }

Held::Key KeyOf(const Message& message) { return {message.delivery(), message.sequence()}; }

}  // namespace

GroupMember::GroupMember(std::shared_ptr<Session> session, std::string queue, v1::GroupOptions group,
                         SubscriptionHandler handler)
    : session_(std::move(session)),
      queue_(std::move(queue)),
      group_(std::move(group)),
      handler_(std::move(handler)),
      held_(Now()) {}

SubscriptionHandler GroupMember::Handler() {
  const std::shared_ptr<GroupMember> self = shared_from_this();
  return {
      .on_message = [self](const Message& message) { self->OnMessage(message); },
      .on_gap = [self](const Gap& gap) { self->Push(gap); },
      .on_state = [self](SubscriptionState state, const absl::Status& status) { self->OnState(state, status); },
  };
}

void GroupMember::Stop() {
  MutexLock lock(&mu_);
  stopped_ = true;
  changed_.SignalAll();
}

void GroupMember::BeforeAcknowledging(v1::AcknowledgeRequest* request) {
  if (request->queue() != queue_ || request->group() != group_.name()) return;
  MutexLock lock(&mu_);
  while (asking_) changed_.Wait(&mu_);
  held_.Settle(request);
}

bool GroupMember::WaitUntilOver(Deadline deadline) {
  MutexLock lock(&mu_);
  while (!over_) {
    if (deadline.IsOver()) return false;
    changed_.WaitWithTimeout(&mu_, deadline.Left());
  }
  return true;
}

void GroupMember::Join() {
  if (keeping_.joinable()) keeping_.join();
  if (!handing_.joinable()) return;
  if (std::this_thread::get_id() == handing_.get_id()) {
    handing_.detach();
  } else {
    handing_.join();
  }
}

void GroupMember::OnMessage(const Message& message) {
  {
    MutexLock lock(&mu_);
    held_.Add(KeyOf(message), Now());
  }
  Push(message);
}

void GroupMember::OnState(SubscriptionState state, const absl::Status& status) {
  if (state == SubscriptionState::kConnected) {
    const absl::Duration deadline = FindDeadline();
    MutexLock lock(&mu_);
    held_.set_deadline(deadline);
  } else {
    MutexLock lock(&mu_);
    held_.DropAll();
    if (state == SubscriptionState::kEnded) stopped_ = true;
  }
  Push(State{state, status});
}

void GroupMember::Push(Item item) {
  MutexLock lock(&mu_);
  if (!std::exchange(started_, true)) {
    handing_ = std::thread([self = shared_from_this()] { self->CallHandler(); });
    keeping_ = std::thread([self = shared_from_this()] { self->Keep(); });
  }
  inbox_.push_back(std::move(item));
  changed_.SignalAll();
}

absl::Duration GroupMember::FindDeadline() {
  if (group_.has_ack_deadline()) return ToDuration(group_.ack_deadline());
  const std::unique_ptr<v1::Registry::Stub> registry = v1::Registry::NewStub(session_->channel());
  v1::ListGroupsRequest request;
  request.set_namespace_(session_->options().namespace_name);
  request.set_queue(queue_);
  v1::ListGroupsResponse page;
  do {
    page.Clear();
    const absl::Status status = session_->CallWithSession(
        Deadline::In(kCallTimeout), [&](grpc::ClientContext* context, const std::string& /*session*/) {
          return registry->ListGroups(context, request, &page);
        });
    if (!status.ok()) return kDeadlineDefault;
    for (const v1::GroupInfo& group : page.groups()) {
      if (group.options().name() == group_.name()) return ToDuration(group.options().ack_deadline());
    }
    request.set_page_token(page.next_page_token());
  } while (!page.next_page_token().empty());
  return kDeadlineDefault;
}

void GroupMember::CallHandler() {
  bool ended = false;
  while (!ended) {
    std::optional<Item> item;
    {
      MutexLock lock(&mu_);
      while (inbox_.empty()) changed_.Wait(&mu_);
      item = std::move(inbox_.front());
      inbox_.pop_front();
    }
    if (const auto* message = std::get_if<Message>(&*item)) {
      HandOut(*message);
    } else if (const auto* gap = std::get_if<Gap>(&*item)) {
      if (handler_.on_gap) handler_.on_gap(*gap);
    } else if (const auto* state = std::get_if<State>(&*item)) {
      if (handler_.on_state) handler_.on_state(state->state, state->status);
      ended = state->state == SubscriptionState::kEnded;
    }
  }
  MutexLock lock(&mu_);
  over_ = true;
  changed_.SignalAll();
}

void GroupMember::HandOut(const Message& message) {
  if (MayHandOut(message) && handler_.on_message) handler_.on_message(message);
}

bool GroupMember::MayHandOut(const Message& message) {
  const Held::Key key = KeyOf(message);
  absl::Duration asked;
  absl::Duration deadline;
  {
    MutexLock lock(&mu_);
    if (stopped_) return false;
    const std::optional<bool> may = held_.HandOut(key, Now());
    if (may.has_value()) return *may;
    BeginAsking();
    asked = Now();
    deadline = held_.deadline();
  }
  const bool noted = Extend({Held::Extension(key, deadline)});
  MutexLock lock(&mu_);
  EndAsking();
  return held_.OnAsked(key, noted, asked) && !stopped_;
}

bool GroupMember::WaitToLook() {
  MutexLock lock(&mu_);
  const Deadline look = Deadline::In(held_.look_after());
  while (!stopped_ && !look.IsOver()) changed_.WaitWithTimeout(&mu_, look.Left());
  return !stopped_;
}

void GroupMember::Keep() {
  while (WaitToLook()) {
    Held::Extensions due;
    absl::Duration asked;
    {
      MutexLock lock(&mu_);
      BeginAsking();
      asked = Now();
      due = held_.Due(asked);
    }
    const bool complete = Extend(due.acknowledgements);
    MutexLock lock(&mu_);
    held_.OnExtended(due, complete, asked);
    EndAsking();
  }
}

void GroupMember::BeginAsking() {
  while (asking_) changed_.Wait(&mu_);
  asking_ = true;
}

void GroupMember::EndAsking() {
  asking_ = false;
  changed_.SignalAll();
}

bool GroupMember::Extend(const std::vector<v1::Acknowledgement>& acknowledgements) {
  const size_t limit = session_->limits().batch_messages() == 0 ? kRequestMax : session_->limits().batch_messages();
  for (size_t first = 0; first < acknowledgements.size(); first += limit) {
    v1::AcknowledgeRequest request;
    request.set_queue(queue_);
    request.set_group(group_.name());
    const size_t last = std::min(first + limit, acknowledgements.size());
    request.mutable_acknowledgements()->Add(acknowledgements.begin() + first, acknowledgements.begin() + last);
    v1::AcknowledgeResponse response;
    const absl::Status status = session_->CallWithSession(
        Deadline::In(kExtendTimeout), [&](grpc::ClientContext* context, const std::string& session) {
          request.set_session(session);
          return session_->stub()->Acknowledge(context, request, &response);
        });
    if (!status.ok() || response.not_pending() > 0) return false;
  }
  return true;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
