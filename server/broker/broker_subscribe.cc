// How a broker reads what a subscription asks for.
#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "server/broker/broker.h"
#include "server/limits/share.h"
#include "server/message/proto_fields.h"

namespace nmq::broker {
namespace {

absl::StatusOr<std::vector<SubscriptionPattern>> ParsePatterns(const v1::SubscribeRequest& request,
                                                               const Limits& limits) {
  if (request.patterns().empty())
    return InvalidArgument("patterns", "is empty; say what to hear, for example queue \"**\"");
  std::vector<SubscriptionPattern> patterns;
  for (int i = 0; i < request.patterns_size(); ++i) {
    const v1::Pattern& wanted = request.patterns(i);
    auto queue = Pattern::Parse(absl::StrCat("patterns[", i, "].queue"), wanted.queue(), limits.name_bytes);
    if (!queue.ok()) return queue.status();
    auto event = Pattern::Parse(absl::StrCat("patterns[", i, "].event"), wanted.event().empty() ? "**" : wanted.event(),
                                limits.name_bytes);
    if (!event.ok()) return event.status();
    patterns.push_back({*std::move(queue), *std::move(event)});
  }
  return patterns;
}

absl::StatusOr<std::vector<HeaderFilter>> ParseHeaders(const v1::SubscribeRequest& request, const Limits& limits) {
  if (static_cast<uint64_t>(request.headers_size()) > limits.headers) {
    return LimitExceeded("headers", request.headers_size(), limits.headers);
  }
  if (request.headers_size() > 0 && request.has_group()) {
    return InvalidArgument("headers", "a group shares all of its queue's messages; leave headers or group unset");
  }
  std::vector<HeaderFilter> headers;
  for (int i = 0; i < request.headers_size(); ++i) {
    const v1::HeaderFilter& wanted = request.headers(i);
    const std::string field = absl::StrCat("headers[", i, "]");
    if (wanted.name().empty()) return InvalidArgument(absl::StrCat(field, ".name"), "a header's name is empty");
    if (wanted.name().size() > limits.header_name_bytes) {
      return LimitExceeded("header_name_bytes", wanted.name().size(), limits.header_name_bytes, field + ".name");
    }
    if (wanted.value().size() > limits.header_value_bytes) {
      return LimitExceeded("header_value_bytes", wanted.value().size(), limits.header_value_bytes, field + ".value");
    }
    HeaderFilter& header = headers.emplace_back();
    header.name = wanted.name();
    if (wanted.has_value()) header.value = wanted.value();
  }
  return headers;
}

}  // namespace

absl::StatusOr<Broker::Wish> Broker::CheckSubscribe(const Call& call, const v1::SubscribeRequest& request, Lane* lane,
                                                    Subscription::Owner* owner) const {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return status;
  auto session = FindSession(call, request);
  if (!session.ok()) return session.status();
  Namespace* const name_space = session->name_space;
  Namespace::SubscribeOptions options;
  auto patterns = ParsePatterns(request, limits());
  if (!patterns.ok()) return Counted(name_space, patterns.status());
  status = CheckRooms(request.rooms());
  if (!status.ok()) return Counted(name_space, status);
  auto headers = ParseHeaders(request, limits());
  if (!headers.ok()) return Counted(name_space, headers.status());
  auto start = Start::Parse(request.start(), limits().queues_per_namespace);
  if (!start.ok()) return Counted(name_space, start.status());
  options.overflow = request.overflow();
  if (!v1::Overflow_IsValid(options.overflow)) {
    return InvalidArgument("overflow", absl::StrCat(static_cast<int>(request.overflow()), " is not a policy"));
  }
  options.overflow_messages =
      request.overflow_messages() == 0 ? limits().overflow_messages : request.overflow_messages();
  if (options.overflow_messages > limits().overflow_messages) {
    return InvalidArgument("overflow_messages", absl::StrCat(options.overflow_messages, " exceeds the limit of ",
                                                             limits().overflow_messages));
  }
  if (request.has_group()) {
    auto group = ParseGroup(request.group(), *patterns, limits());
    if (!group.ok()) return Counted(name_space, group.status());
    options.group = *std::move(group);
    options.group->told = Told(call, *name_space);
    if (call.principal != nullptr) {
      options.admit_to_group = [this, call, name_space](const Group& found) {
        return AdmitToGroup(call, *name_space, found);
      };
    }
  }
  options.gate = GateFor(call, *name_space, session->client, *patterns);
  options.client = std::move(session->client);
  options.patterns = *std::move(patterns);
  options.headers = *std::move(headers);
  options.rooms = Pointers(request.rooms());
  options.start = *std::move(start);
  options.peer = call.peer;
  options.lane = lane;
  options.owner = owner;
  return Wish{name_space, std::move(options)};
}

QueueGate Broker::GateFor(const Call& call, const Namespace& name_space, const std::shared_ptr<Client>& client,
                          const std::vector<SubscriptionPattern>& patterns) const {
  const bool all = std::all_of(patterns.begin(), patterns.end(), [&](const SubscriptionPattern& pattern) {
    return MaySee(call, Named(name_space.name(), pattern.queue.text(), ""));
  });
  if (all) return nullptr;
  return std::make_shared<const std::function<bool(absl::string_view)>>(
      [this, right = call.right, client, &name = name_space.name()](absl::string_view queue) {
        Call later(right, Transport::kGrpc, /*from=*/"");
        later.principal = client->principal();
        return MaySee(later, Named(name, queue, ""));
      });
}

absl::Status Broker::CheckSubscription(const Call& call, const Namespace& name_space,
                                       const Subscription& subscription) const {
  if (call.principal == nullptr) return absl::OkStatus();
  Names names;
  for (const SubscriptionPattern& pattern : subscription.patterns()) {
    if (pattern.queue.IsName()) {
      names.push_back({.queue = pattern.queue.text(), .hidden = Name::Hidden::kNoQueueMade});
    } else if (!subscription.gated()) {
      names.push_back({.queue = pattern.queue.text(), .hidden = Name::Hidden::kForbidden});
    }
  }
  std::vector<std::shared_ptr<Queue>> queues;
  if (subscription.gated()) subscription.ForEachCursor([&](const Cursor* cursor) { queues.push_back(cursor->queue); });
  for (const auto& queue : queues) names.push_back({.queue = queue->name(), .hidden = Name::Hidden::kNoQueueMade});
  absl::Status status = names.empty() ? absl::OkStatus() : Admit(call, name_space, names);
  if (!status.ok() || !subscription.member_of_group()) return status;
  const auto group = name_space.FindGroup(subscription.patterns().front().queue.text(), subscription.group());
  // One that was deleted ends its members itself.
  return group.ok() ? AdmitToGroup(call, name_space, **group) : absl::OkStatus();
}

absl::Status Broker::PrepareSubscribe(Wish* wish, const std::atomic<bool>* stop,
                                      std::function<void(const absl::Status&)> done) {
  Namespace* const name_space = wish->name_space;
  Namespace::SubscribeOptions* const options = &wish->options;
  const std::shared_ptr<Client> client = options->client;
  const uint64_t searches = client->searches().fetch_add(1) + 1;
  if (searches > limits().subscriptions_per_client) {
    client->searches().fetch_sub(1);
    return Counted(name_space, LimitExceeded("subscriptions_per_client", searches, limits().subscriptions_per_client));
  }
  searches_.Begin();
  auto prepared = [this, client, name_space, done = std::move(done)](const absl::Status& status) {
    client->searches().fetch_sub(1);
    done(Counted(name_space, status));
    searches_.End();
  };
  searcher_.Post([name_space, options, stop, prepared = std::move(prepared)]() mutable {
    name_space->PrepareSubscribe(options, stop, std::move(prepared));
  });
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Subscription>> Broker::Subscribe(Wish wish, v1::Ready* ready) {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return status;
  SetDuration(limits().heartbeat, ready->mutable_heartbeat());
  Share share;
  if (const auto& use = wish.options.client->use(); use != nullptr) {
    status = IdentityUse::AddSubscription(use, &share);
    if (!status.ok()) return Counted(wish.name_space, status);
  }
  auto subscription = wish.name_space->Subscribe(std::move(wish.options), ready);
  if (!subscription.ok()) return Counted(wish.name_space, subscription.status());
  (*subscription)->set_share(std::move(share));
  return subscription;
}

void Broker::Acknowledge(const Call& call, v1::AcknowledgeRequest* request, Group::AcknowledgeDone done) {
  auto session = FindSession(call, *request);
  if (!session.ok()) return done(session.status());
  Namespace* const name_space = session->name_space;
  auto group = name_space->FindGroup(request->queue(), request->group());
  if (!group.ok()) return done(group.status());
  absl::Status status = (*group)->Acknowledge(std::move(*request), session->client->id(), done);
  if (!status.ok()) done(Counted(name_space, status));
}

}  // namespace nmq::broker
