#ifndef NMQ_SERVER_NAMESPACE_NAMESPACE_H_
#define NMQ_SERVER_NAMESPACE_NAMESPACE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"
#include "server/config/config.h"
#include "server/group/group.h"
#include "server/group/group_options.h"
#include "server/group/group_runner.h"
#include "server/limits/limits.h"
#include "server/limits/rate_limit.h"
#include "server/message/incoming.h"
#include "server/metrics/counters.h"
#include "server/metrics/metrics.h"
#include "server/namespace/addressed.h"
#include "server/namespace/delays.h"
#include "server/namespace/epochs.h"
#include "server/namespace/group_factory.h"
#include "server/namespace/group_table.h"
#include "server/namespace/publishing.h"
#include "server/namespace/queue_factory.h"
#include "server/namespace/queue_table.h"
#include "server/namespace/subscription_table.h"
#include "server/presence/changes.h"
#include "server/presence/client.h"
#include "server/presence/numbers.h"
#include "server/presence/roster.h"
#include "server/queue/committer.h"
#include "server/queue/queue.h"
#include "server/queue/storage.h"
#include "server/queue/subscription.h"

namespace nmq::broker {

// An isolated pool of clients, rooms, queues, groups and subscriptions: it holds the mutex under which these know each
// other, and the order in which the mutexes are taken. What each of them is and does is in objects of their own. The
// mutex is held for reading while a message is addressed and for writing while membership changes; messages themselves
// move under the queues' mutexes. Thread-safe.
class Namespace {
 public:
  // What the namespaces of a server have in common. All of it must outlive the namespace.
  struct Environment {
    const Limits* limits;
    const Clock* clock;
    Metrics* metrics;
    Changes* changes;
    const Numbers* numbers;
    Epochs* epochs;
    log::RingTotal* rings;
    std::atomic<uint64_t>* scheduled_bytes;  // of messages that wait in memory for their time
    absl::Span<const std::unique_ptr<Lane>> lanes;
    // Null if nothing is kept on disk.
    Storage* storage;
    GroupRunner* group_runner;
    Committer* committer;
    // Callers are asked who they are, and so may not see all that there is.
    bool asks_callers = false;
  };
  Namespace(const NamespaceConfig& config, bool declared, const Environment& all);

  const std::string& name() const { return name_; }
  bool automatic_queues() const { return automatic_queues_.load(std::memory_order_relaxed); }
  // Whether the configuration file declares it.
  bool declared() const { return declared_; }
  // Whether it was deleted, see Delete.
  bool deleted() const { return deleted_.load(std::memory_order_acquire); }
  Counters& counters() { return counters_; }
  // Counts a request that is refused with `status`, if that is because of a limit.
  void CountRefusal(const absl::Status& status);
  const Limits& limits() const { return *limits_; }
  // How fast all who publish to it may, together. Those who publish ask it.
  PublishRate& publish_rate() { return publish_rate_; }

  using ClientFields = broker::ClientFields;
  absl::Status AddClient(const std::shared_ptr<Client>& client, ClientFields fields) ABSL_LOCKS_EXCLUDED(mu_);
  // The client is there again; unset fields stay. False if it is gone.
  bool ResumeClient(const Client& client, const ClientFields& fields, bool lease_set, absl::Duration* lease,
                    std::vector<std::string>* rooms) ABSL_LOCKS_EXCLUDED(mu_);
  // Removes the client from everywhere and ends its subscriptions with `status`. False if it is gone already.
  bool RemoveClient(Client* client, absl::string_view reason, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // Removes the client if its lease has run out. Otherwise the answer is when to look again, in microseconds of the
  // monotonic clock; none if the client is gone.
  std::optional<int64_t> ExpireClient(Client* client, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  absl::StatusOr<std::vector<v1::RoomCount>> Join(Client* client, absl::Span<const std::string* const> rooms)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::vector<v1::RoomCount>> Leave(Client* client, absl::Span<const std::string* const> rooms)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Publishes all messages or none. They are checked and have their bodies.
  using Published = broker::Published;
  using PublishOptions = broker::PublishOptions;
  void Publish(const Client* publisher, absl::Span<const Incoming> messages, const PublishOptions& options,
               Publishing::Done done) ABSL_LOCKS_EXCLUDED(mu_);

  // Publishes a question, if anybody hears it; UNAVAILABLE, reason NOBODY_LISTENS, otherwise: then no queue holds it.
  using PublishedQuestion = broker::PublishedQuestion;
  void PublishQuestion(const Client* publisher, const Incoming& question, absl::string_view reply_to,
                       Publishing::QuestionDone done) ABSL_LOCKS_EXCLUDED(mu_);

  // What a subscription is to be.
  struct SubscribeOptions {
    std::shared_ptr<Client> client;
    std::vector<SubscriptionPattern> patterns;
    std::vector<HeaderFilter> headers = {};
    std::vector<const std::string*> rooms;
    Start start;
    v1::Overflow overflow;
    uint64_t overflow_messages = 0;  // of those that drop the newest: how many wait in each queue
    std::string peer;
    Lane* lane;
    Subscription::Owner* owner;
    std::optional<GroupWish> group = {};
    QueueGate gate = nullptr;
    // Asked before the group that is found gets the member, under no lock; null: everybody may.
    std::function<absl::Status(const Group&)> admit_to_group = nullptr;
    // Set by PrepareSubscribe.
    bool prepared = false;
    std::shared_ptr<Group> found_group = {};  // null without a group
  };
  // Whether PrepareSubscribe may block on the disk, or look at many messages.
  bool MayTakeLong(const SubscribeOptions& options) const ABSL_LOCKS_EXCLUDED(mu_);
  // Finds the start, and finds or makes the group. It may look at many messages in memory before it returns, and waits
  // for the disk if a group is to be made; for what is looked for on disk it does not wait. `done` is called once, here
  // or on another thread, under no lock: CANCELLED once `stop` is set, if it is not null. Both pointers must be valid
  // until then.
  using Prepared = std::function<void(const absl::Status&)>;
  void PrepareSubscribe(SubscribeOptions* options, const std::atomic<bool>* stop, Prepared done)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // Starts a subscription, which was prepared if it needs the disk; `ready` is set to what its stream begins with.
  absl::StatusOr<std::shared_ptr<Subscription>> Subscribe(SubscribeOptions options, v1::Ready* ready)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Ends a subscription for good. Only for its lane's thread.
  void Unsubscribe(Subscription* subscription, absl::string_view reason) ABSL_LOCKS_EXCLUDED(mu_);

  // What is said of a queue that is not there; `made`: where it would be made, if the namespace made queues by itself.
  absl::Status NoQueue(absl::string_view queue, bool made) const ABSL_LOCKS_EXCLUDED(mu_);
  // NOT_FOUND if there is no such queue or group.
  absl::StatusOr<std::shared_ptr<Group>> FindGroup(const std::string& queue, const std::string& group) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Gives up messages that are too old. May block on the disk.
  void TrimQueues() ABSL_LOCKS_EXCLUDED(mu_);
  // Lets messages whose time has come into their queues. May block on the disk.
  void DeliverDue() ABSL_LOCKS_EXCLUDED(mu_);

  // For Admin; all may block on the disk and on each other, and are done when they return.
  void set_automatic_queues(bool automatic) { automatic_queues_.store(automatic, std::memory_order_relaxed); }
  absl::StatusOr<std::shared_ptr<Queue>> FindQueue(const std::string& queue) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::shared_ptr<Queue>> CreateQueue(const QueueConfig& config) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // FAILED_PRECONDITION, reason DECLARED, if the queue is the configuration file's; so for DeleteQueue.
  absl::StatusOr<std::shared_ptr<Queue>> ChangeQueue(const QueueConfig& config) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // The answer is how many messages went with it.
  // `told`: of which other queues the error may tell; null: of all.
  absl::StatusOr<uint64_t> DeleteQueue(const std::string& queue, const QueueGate& told = nullptr)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  absl::StatusOr<uint64_t> PurgeQueue(const std::string& queue, uint64_t last) ABSL_LOCKS_EXCLUDED(mu_);
  // ALREADY_EXISTS if there is one.
  absl::StatusOr<std::shared_ptr<Group>> CreateGroup(const GroupWish& wish, const Start& start)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  absl::Status DeleteGroup(const std::string& queue, const std::string& group) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  absl::StatusOr<std::shared_ptr<Group>> SeekGroup(const std::string& queue, const std::string& group, Start start)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::shared_ptr<Group>> PauseGroup(const std::string& queue, const std::string& group, bool paused)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Makes a client leave and join rooms, in one step. NOT_FOUND if it is gone; RESOURCE_EXHAUSTED if it may not join,
  // then nothing is changed.
  absl::Status MoveClient(const std::string& id, absl::Span<const std::string* const> join,
                          absl::Span<const std::string* const> leave) ABSL_LOCKS_EXCLUDED(mu_);
  // Makes a client leave those of the rooms into which it went by itself; if there are any, its subscriptions end with
  // `status`.
  void TakeOut(const std::string& id, absl::Span<const std::string> rooms, const absl::Status& status)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Deletes its queues and groups; from now on nothing can be made in it. Its clients are the caller's affair. A
  // deleted one stays in memory, since calls may still be at it, and can be taken into use again with Undelete.
  absl::Status Delete() ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  void Undelete(const NamespaceConfig& config) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);

  // Reading, for the Registry. Lists go on after `after`, a name or id, until `visit` says stop (false), `looks_max`
  // have been looked at, or the end; they return where they stopped, empty at the end.
  struct ClientView {
    Client* client;
    const std::string* name;
    const std::map<std::string, std::string>* labels;
    absl::Duration lease;
    const std::string* peer;
    std::vector<absl::string_view> rooms;
    std::vector<Subscription*> subscriptions;
  };
  // All, or those in `room` if it is not empty.
  std::string VisitClients(const std::string& room, const std::string& after, int looks_max,
                           absl::FunctionRef<bool(const ClientView&)> visit) const ABSL_LOCKS_EXCLUDED(mu_);
  bool VisitClient(const std::string& id, absl::FunctionRef<void(const ClientView&)> visit) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // All, or those of the client `client_id` if it is not empty.
  std::string VisitSubscriptions(const std::string& client_id, const std::string& after, int looks_max,
                                 absl::FunctionRef<bool(Subscription&, const std::string& client_name)> visit) const
      ABSL_LOCKS_EXCLUDED(mu_);
  struct RoomView {
    const std::string* name;
    uint64_t members;
    absl::Time create_time;
  };
  std::string VisitRooms(const std::string& after, int looks_max, absl::FunctionRef<bool(const RoomView&)> visit) const
      ABSL_LOCKS_EXCLUDED(mu_);
  std::string VisitQueues(const std::string& after, int looks_max, absl::FunctionRef<bool(const Queue&)> visit) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Keys are "queue/group".
  std::string VisitGroups(const std::string& after, int looks_max, absl::FunctionRef<bool(const Group&)> visit) const
      ABSL_LOCKS_EXCLUDED(mu_);
  void Describe(v1::NamespaceInfo* info) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Makes a client join or leave a room, and its subscriptions hear what is for the room, or hear it no more.
  void JoinLocked(Roster::Entry* entry, const std::string& room) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LeaveLocked(Roster::Entry* entry, const std::string& room) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::RoomCount CountLocked(const std::string& room) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Returns the subscriptions that the client had; they are still to be ended.
  SubscriptionTable::ById RemoveClientLocked(Roster::Entry* entry, absl::string_view reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AppendSubscriptionChange(v1::ChangeKind kind, const Roster::Entry& entry, const std::string& subscription,
                                absl::string_view reason) ABSL_SHARED_LOCKS_REQUIRED(mu_);
  ClientView ViewOf(const Roster::Entry& entry) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  // Where the messages go; makes the queues that are missing, if the namespace does.
  absl::StatusOr<Addressed> AddressAll(const Client* publisher, absl::Span<const Incoming> messages)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Addressed> AddressQuestion(const Client* publisher, const Incoming& question) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Address(const Client* publisher, absl::Span<const Incoming> messages, Addressed* addressed) const
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status MakeQueues(absl::Span<const Incoming> messages) ABSL_LOCKS_EXCLUDED(mu_);
  bool HasQueue(absl::string_view name) const ABSL_LOCKS_EXCLUDED(mu_);
  bool AnyHears(const Incoming& message) const ABSL_LOCKS_EXCLUDED(mu_);
  // The queues that the namespace has now.
  std::vector<std::shared_ptr<Queue>> ServedQueues() const ABSL_LOCKS_EXCLUDED(mu_);
  void DropRequestIds(const std::shared_ptr<Queue>& queue);

  // Where a subscription starts in the queues that there are now and that have all messages in memory.
  absl::Status FindStartsInMemory(SubscribeOptions* options, const std::atomic<bool>* stop) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The same in those on disk.
  void FindStartsOnDisk(SubscribeOptions* options, const std::atomic<bool>* stop, Prepared done) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The start and the group of a subscription, as far as they are known without the disk.
  absl::Status FindPrepared(SubscribeOptions* options) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status SubscribeCheckLocked(const SubscribeOptions& options) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  std::shared_ptr<Subscription> NewSubscriptionLocked(SubscribeOptions* options, v1::Ready* ready)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Start StartOfLaterQueuesLocked(const Start& start) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // What of a queue a subscription is to hear; false if nothing. `options` must outlive the filter.
  static bool FilterFor(const SubscribeOptions& options, absl::string_view queue, EventFilter* filter);
  static std::vector<uint64_t> TargetsOf(const Roster::Entry& entry);
  static void Attach(Subscription* subscription, const std::shared_ptr<Queue>& queue, const Start& start,
                     absl::Span<const uint64_t> targets, v1::Ready* ready);

  // Takes a queue into the namespace: those who wait for one of its name hear it from its beginning.
  void AddQueueLocked(const std::shared_ptr<Queue>& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes in a queue that was made for a name that had none. If somebody has published to that name meanwhile, the
  // queue that this made stays, and is the answer.
  absl::StatusOr<std::shared_ptr<Queue>> AddMadeQueue(const std::shared_ptr<Queue>& queue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes it out, with its groups. The answer is how many messages it held.
  uint64_t RemoveQueue(const std::shared_ptr<Queue>& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status CheckNewQueue(const QueueConfig& config) const ABSL_LOCKS_EXCLUDED(mu_);
  // The queues and groups that the configuration has, and that are on disk; at the start.
  void LoadLocked(const std::vector<QueueConfig>& queues) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LoadQueueLocked(const QueueConfig& config, QueueOrigin origin) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LoadGroupsLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::StatusOr<std::shared_ptr<Group>> FindOrMakeGroup(const GroupWish& wish, const Start& start)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // The queue of a group that is to be made, if it may have one more.
  absl::StatusOr<std::shared_ptr<Queue>> QueueForGroup(const GroupWish& wish) const ABSL_LOCKS_EXCLUDED(mu_);
  // Null if there is none; FAILED_PRECONDITION if it is another than is wished.
  absl::StatusOr<std::shared_ptr<Group>> FindSameGroup(const GroupWish& wish) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::shared_ptr<Group>> MakeGroup(const GroupWish& wish, const Start& start)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::shared_ptr<Queue>> FindOrMakeDeadLetters(const std::string& name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  static absl::StatusOr<uint64_t> FindGroupStart(const Queue& queue, const Start& start);
  void AppendGroupChange(v1::ChangeKind kind, const std::string& queue, const std::string& group);

  absl::Status DeletedStatus() const;
  absl::Status CheckNotDeclared(const Queue& queue) const;
  void WakeLanes() const;
  int64_t NowUs() const { return absl::ToInt64Microseconds(clock_->Monotonic()); }

  const std::string name_;
  const bool declared_;
  std::atomic<bool> automatic_queues_;
  std::atomic<bool> deleted_{false};  // set under mu_
  const Limits* const limits_;
  const Clock* const clock_;
  Metrics* const metrics_;
  Changes* const changes_;
  const Numbers* const numbers_;
  const absl::Span<const std::unique_ptr<Lane>> lanes_;
  Storage* const storage_;      // null if nothing is kept on disk
  Committer* const committer_;  // likewise
  Counters counters_;
  PublishRate publish_rate_{"messages_per_second_per_namespace", "bytes_per_second_per_namespace"};
  std::atomic<uint64_t> stamps_{0};
  Delays delays_;
  const QueueFactory queue_factory_;
  const GroupFactory group_factory_;
  const Publishing publishing_;

  // Held while queues and groups are made and deleted, one after another, for as long as the disk takes; before mu_. No
  // call that publishes, joins, leaves, acknowledges or lists takes it.
  Mutex changing_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  // Taken before a subscription's, a queue's, a leaf. Nobody who holds it touches the disk.
  mutable Mutex mu_;
  Roster roster_ ABSL_GUARDED_BY(mu_);
  QueueTable queues_ ABSL_GUARDED_BY(mu_);
  GroupTable groups_ ABSL_GUARDED_BY(mu_);
  SubscriptionTable subscriptions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_NAMESPACE_H_
