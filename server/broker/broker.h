#ifndef NMQ_SERVER_BROKER_BROKER_H_
#define NMQ_SERVER_BROKER_BROKER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/under_way.h"
#include "base/worker.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/broker/counts_in.h"
#include "server/call/access.h"
#include "server/call/call.h"
#include "server/call/named.h"
#include "server/call/names_in.h"
#include "server/config/config.h"
#include "server/limits/identities.h"
#include "server/namespace/namespace.h"
#include "server/question/questions.h"
#include "server/queue/lanes.h"
#include "server/session/leases.h"
#include "server/session/session_id.h"
#include "server/session/sessions.h"

namespace nmq {
class AuditLog;
}  // namespace nmq

namespace nmq::broker {

// The whole of what the server knows: namespaces with their clients, rooms, queues and subscriptions. It answers the
// requests of the data plane and knows nothing of how they travel. Thread-safe, but where a method says otherwise.
//
// Statuses carry google.rpc.ErrorInfo; see base/errors.h.
class Broker {
 public:
  // `config` must be checked. Subscriptions may be on any of `lanes`. `storage` has opened the queues of
  // `config`; it is null if all of them are live. `clock`, `random`, `storage` and `access` must outlive the broker.
  Broker(const ServerConfig& config, const Clock* clock, Random* random, Lanes lanes, Storage* storage = nullptr,
         const Access* access = &OpenAccess());
  // Waits until what was accepted is on disk.
  ~Broker();

  const Limits& limits() const { return limits_; }
  const Clock& clock() const { return *clock_; }
  Random& random() const { return *random_; }
  uint64_t server_epoch() const { return server_epoch_; }
  Changes& changes() { return changes_; }
  const Changes& changes() const { return changes_; }
  const Access& access() const { return access_; }
  // Where refusals are written, null for nowhere. To be set before calls come; must outlive the broker.
  void set_audit(AuditLog* audit) { audit_ = audit; }
  AuditLog* audit() const { return audit_; }
  Metrics& metrics() { return metrics_; }
  const Metrics& metrics() const { return metrics_; }
  // What those who call have and do.
  Identities& identities() { return identities_; }

  // Whether `call` may do what it needs its right for: as Access::Check says. Whoever finds a namespace or a session
  // with the methods below need not ask for what its request names.
  absl::Status Admit(const Call& call, const Named& what) const;
  // The same for each of the names, in a namespace; NOT_FOUND as of a queue that is not there.
  absl::Status Admit(const Call& call, const Namespace& name_space, const Names& names) const;
  // Of which queues of the namespace an error may tell the caller; null: of all.
  QueueGate Told(const Call& call, const Namespace& name_space) const;
  // The same for names of one call in one namespace, a few after another: each is asked for once.
  struct Admitted {
    std::unique_ptr<AccessView> view = {};
    absl::flat_hash_set<std::tuple<Right, absl::string_view, absl::string_view>> names = {};  // refers to the names
  };
  absl::Status Admit(const Call& call, const Namespace& name_space, const Names& names, Admitted* admitted) const;
  // What a list may show to the caller, where it shows much of one namespace.
  std::unique_ptr<AccessView> View(const Call& call, absl::string_view name_space) const {
    return access_.View(call, name_space);
  }
  // Whether a list may show something to the caller. No refusal if not.
  bool MaySee(const Call& call, const Named& what) const { return access_.Check(call, call.right, what).ok(); }

  // Whether a stream or a question that `call` has begun may go on there. If what the call has shown is good no more,
  // what the last call of its session has shown counts, and is in `call` then. `client` is null without a session.
  absl::Status AdmitAgain(Call* call, const Client* client, absl::string_view name_space) const;

  absl::Status Connect(const Call& call, const v1::ConnectRequest& request, v1::ConnectResponse* response);
  absl::Status Disconnect(const Call& call, const v1::DisconnectRequest& request);
  absl::Status Join(const Call& call, const v1::JoinRequest& request, v1::JoinResponse* response);
  absl::Status Leave(const Call& call, const v1::LeaveRequest& request, v1::LeaveResponse* response);
  // The message in `request` is used up. `done` is called once: before Publish returns, or later on another thread.
  using PublishDone = std::function<void(absl::StatusOr<v1::PublishResponse>)>;
  void Publish(const Call& call, v1::PublishRequest* request, PublishDone done);

  // Asks a question. `done` is called once, at once or later, on any thread and under no lock. The message in `request`
  // is used up.
  void Ask(const Call& call, v1::RequestRequest* request, Questions::Done done);
  absl::Status Reply(const Call& call, v1::ReplyRequest* request);
  // Ends the questions whose time is over.
  void ExpireQuestions() { questions_.Expire(NowUs()); }
  // When to do so next, on the monotonic clock; none if no question waits.
  std::optional<absl::Duration> NextQuestionDeadline() const;
  // Ends those whose callers may not ask any more. To be called about once a second where callers are asked.
  void CheckQuestions() { questions_.EndRefused(); }

  // What a subscription on `lane` is to be, checked, and where. `request` must outlive it.
  struct Wish {
    Namespace* name_space = nullptr;
    Namespace::SubscribeOptions options;
  };
  absl::StatusOr<Wish> CheckSubscribe(const Call& call, const v1::SubscribeRequest& request, Lane* lane,
                                      Subscription::Owner* owner) const;
  // Whether Subscribe would take long, unless it was prepared: its start is looked for on disk or among many messages,
  // or its group is made on disk.
  static bool MayTakeLong(const Wish& wish) { return wish.name_space->MayTakeLong(wish.options); }
  // Does that on another thread, and calls `done` there; only if MayTakeLong. `wish` must live until then; once `stop`
  // is set nobody waits for it. RESOURCE_EXHAUSTED if as many of the client's wait as it may have subscriptions; `done`
  // is not called then.
  absl::Status PrepareSubscribe(Wish* wish, const std::atomic<bool>* stop,
                                std::function<void(const absl::Status&)> done);
  // Only for the thread of its lane, on which the subscription must be ended, too, with its namespace's Unsubscribe.
  absl::StatusOr<std::shared_ptr<Subscription>> Subscribe(Wish wish, v1::Ready* ready);

  // What became of messages that a group delivered. `done` is called once, at once or later, on any thread and under no
  // lock. The request is used up.
  void Acknowledge(const Call& call, v1::AcknowledgeRequest* request, Group::AcknowledgeDone done);

  // From now on answers UNAVAILABLE to whoever wants to connect, publish or subscribe.
  void StartDrain() { draining_.store(true, std::memory_order_release); }
  bool draining() const { return draining_.load(std::memory_order_acquire); }
  // What may be done has changed: sessions end, and rooms lose those, whose clients may not have them any more. Streams
  // are their loops' affair.
  void EndForbidden();
  // Why a subscription must end, if its caller may not hear any more what it hears.
  absl::Status CheckSubscription(const Call& call, const Namespace& name_space, const Subscription& subscription) const;
  // Waits until what was accepted is on disk, and its publishers told.
  void FlushToDisk();
  // Why nothing can be written to disk; OK otherwise.
  absl::Status DiskHealth() const;
  absl::Status CheckNotDraining() const;
  // Answers UNAVAILABLE, reason QUESTION_ABANDONED, to all who wait for answers. After StartDrain.
  void EndQuestions();

  // Housekeeping (server/housekeeping says how often). Each by one thread at a time, but different ones at once.
  // Ends leases that have run out.
  void ExpireLeases();
  // Lets messages whose time has come into their queues. May block on the disk.
  void DeliverDue();
  // Lets the groups look at the time.
  void TickGroups();
  // Gives up messages that are too old. May block on the disk.
  void TrimQueues();
  // What the store does for itself from time to time. May block on the disk, for long.
  void MaintainStore();

  // The namespace that a request is about, "default" if it names none, once the caller has been found to have the right
  // for all that the request names in it. NOT_FOUND or INVALID_ARGUMENT, or what Admit says.
  template <typename Request>
  absl::StatusOr<Namespace*> FindNamespace(const Call& call, const Request& request) const {
    if constexpr (requires { request.namespace_(); }) {
      return FindNamespaceWith(call, request.namespace_(), WantedIn(request));
    } else {
      return FindNamespaceWith(call, request.name(), WantedIn(request));
    }
  }
  // Those after `after`, in the order of their names. They stay valid.
  std::vector<Namespace*> NamespacesAfter(const std::string& after) const ABSL_LOCKS_EXCLUDED(namespaces_mu_);

  // For Admin, by one thread at a time. RESOURCE_EXHAUSTED if there are too many.
  absl::StatusOr<Namespace*> AddNamespace(const NamespaceConfig& config) ABSL_LOCKS_EXCLUDED(namespaces_mu_);
  Storage* storage() const { return storage_; }
  // Makes groups, and looks for starts in memory, one after another.
  Worker& searcher() { return searcher_; }
  Committer* committer() const { return committer_.get(); }
  // Removes a client from everywhere; its streams end with `status`. False if it is gone.
  bool RemoveClient(const std::string& id, absl::string_view reason, const absl::Status& status);

  // The session of a call; its client's lease starts anew. INVALID_ARGUMENT if empty, NOT_FOUND if unknown, or
  // what Admit says.
  template <typename Request>
  absl::StatusOr<Session> FindSession(const Call& call, const Request& request) const {
    return FindSessionWith(call, request.session(), WantedIn(request));
  }
  // Where a publisher publishes: in the namespace of its session, or, without a session, in the one that it names.
  struct Origin {
    std::shared_ptr<Client> client;  // null without a session
    Namespace* name_space = nullptr;
    std::shared_ptr<IdentityUse> use = {};  // null where callers are not asked who they are
  };
  template <typename Request>
  absl::StatusOr<Origin> FindOrigin(const Call& call, const Request& request) const {
    return FindOriginWith(call, request.session(), request.namespace_(), WantedIn(request));
  }
  // For a stream, which asks for what each of its messages names.
  absl::StatusOr<Origin> FindStreamOrigin(const Call& call, absl::string_view session,
                                          absl::string_view name_space) const {
    return FindOriginWith(call, session, name_space, /*wanted=*/{});
  }
  // So much is to be published. RESOURCE_EXHAUSTED, with the limit and RetryInfo, if its identity or its namespace has
  // had too much lately: then it counts for nothing.
  absl::Status CountPublishing(const Origin& origin, uint64_t messages, uint64_t bytes) const;

 private:
  // What a request names, if that is not too much.
  struct Wanted {
    absl::Status counts;  // the limit that it exceeds: then nothing is asked for
    Names names;
  };
  template <typename Request>
  Wanted WantedIn(const Request& request) const {
    absl::Status counts = CheckCounts(limits(), request);
    return counts.ok() ? Wanted{.counts = {}, .names = NamesIn(request)}
                       : Wanted{.counts = std::move(counts), .names = {}};
  }
  absl::StatusOr<Namespace*> FindNamespaceWith(const Call& call, absl::string_view name, const Wanted& wanted) const
      ABSL_LOCKS_EXCLUDED(namespaces_mu_);
  absl::StatusOr<Session> FindSessionWith(const Call& call, absl::string_view session, const Wanted& wanted) const;
  absl::StatusOr<Origin> FindOriginWith(const Call& call, absl::string_view session, absl::string_view name_space,
                                        const Wanted& wanted) const;
  // `asked`: callers are asked who they are.
  static absl::Status NoNamespace(absl::string_view name, bool asked);
  // Counts and writes down a refusal, and gives `told`: what the caller is told.
  absl::Status Refused(const Call& call, const Named& what, const absl::Status& why, absl::Status told) const;
  // Whether the caller may hear what a member of the group hears.
  absl::Status AdmitToGroup(const Call& call, const Namespace& name_space, const Group& group) const;
  // With the right that the name needs.
  absl::Status AdmitName(const Call& call, const Namespace& name_space, const Name& name) const;
  absl::Status AdmitOne(const Call& call, const Namespace& name_space, const Name& name) const;
  // Null if the caller may hear all that the patterns match.
  QueueGate GateFor(const Call& call, const Namespace& name_space, const std::shared_ptr<Client>& client,
                    const std::vector<SubscriptionPattern>& patterns) const;
  void EndForbidden(Namespace* name_space);
  // Of automatic queues in namespaces that Admin makes.
  RetentionConfig AutomaticRetention() const;
  // Counts what the namespace refused because of a limit.
  static absl::Status Counted(Namespace* name_space, absl::Status status);
  absl::Status CheckClientFields(const v1::ConnectRequest& request, Namespace::ClientFields* fields) const;
  absl::StatusOr<Session> NewClient(const Call& call, Namespace* name_space, Namespace::ClientFields fields);
  absl::StatusOr<absl::Duration> QuestionTimeout(const v1::RequestRequest& request) const;
  // Opens the question and publishes it. An error is for the caller to tell.
  absl::Status PublishQuestion(const Call& call, v1::RequestRequest* request, const Questions::Done& done);
  void Asked(const std::string& token, const Namespace::PublishedQuestion& published);
  absl::Status CheckRooms(const google::protobuf::RepeatedPtrField<std::string>& rooms) const;
  // Looks, when `lease` from now is over, whether the lease of the session's client has run out.
  void WatchLease(const Session& session, absl::Duration lease);
  // A client is gone: its session is not found, its lease not looked at, and nobody waits for its answers.
  void Forget(const Client& client);
  // The gauges that only the broker knows.
  void AddGauges();
  // What all namespaces are made with.
  Namespace::Environment Environment();
  int64_t NowUs() const { return absl::ToInt64Microseconds(clock_->Monotonic()); }

  const Limits limits_;
  const Clock* const clock_;
  Random* const random_;
  mutable Metrics metrics_;
  log::RingTotal rings_;  // what queues hold in memory, all together
  Changes changes_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  Epochs epochs_;
  std::atomic<uint64_t> scheduled_bytes_{0};  // of messages that wait in memory for their time
  const Numbers numbers_;
  Storage* const storage_;
  std::unique_ptr<GroupRunner> group_runner_;  // null without storage, like the committer; outlives it
  std::unique_ptr<Committer> committer_;
  const Access& access_;
  mutable Identities identities_;
  AuditLog* audit_ = nullptr;
  const uint64_t server_epoch_;
  mutable Mutex namespaces_mu_;  // a leaf: nothing is locked under it
  // Also those that are deleted: calls may still be at them.
  std::map<std::string, std::unique_ptr<Namespace>> namespaces_ ABSL_GUARDED_BY(namespaces_mu_);
  std::atomic<bool> draining_{false};
  Questions questions_;

  SessionIds session_ids_;
  Sessions sessions_;
  Leases leases_;
  UnderWay searches_;
  Worker searcher_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_BROKER_BROKER_H_
