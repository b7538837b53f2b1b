// A subscription's part in a group: keeps what was delivered while the program is at work on what came before.
#ifndef NMQ_CLIENT_CPP_GROUP_MEMBER_H_
#define NMQ_CLIENT_CPP_GROUP_MEMBER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "client/cpp/held.h"
#include "client/cpp/options.h"
#include "client/cpp/session.h"

namespace nmq {
inline namespace client {
namespace internal {

// Stands between a subscription and the program's handler. The subscription reads on while the handler, which is called
// on a thread of its own, is busy; another thread extends what waits. How much that can be is the member's credit.
//
// Thread-safe. Always owned by a shared_ptr: its threads own it, too.
class GroupMember final : public Attachment, public std::enable_shared_from_this<GroupMember> {
 public:
  // What a member has unacknowledged at the most if the program does not say: enough to hide the way to the server, and
  // little enough that other members find work.
  static constexpr uint64_t kCreditMessages = 16;

  // `queue` is the one whose group this is.
  GroupMember(std::shared_ptr<Session> session, std::string queue, v1::GroupOptions group, SubscriptionHandler handler);

  // What the subscription calls instead of the program's handler. Its last call is that of kEnded.
  SubscriptionHandler Handler();

  // Hands out no more messages.
  void Stop() override;
  void BeforeAcknowledging(v1::AcknowledgeRequest* request) override ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the handler was told of the end by then.
  bool WaitUntilOver(Deadline deadline) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until the threads are through, unless called on the handler's; after the subscription has ended.
  void Join();

 private:
  struct State {
    SubscriptionState state;
    absl::Status status;
  };
  using Item = std::variant<Message, Gap, State>;

  void OnMessage(const Message& message) ABSL_LOCKS_EXCLUDED(mu_);
  void OnState(SubscriptionState state, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  void Push(Item item) ABSL_LOCKS_EXCLUDED(mu_);
  // 30 s, what the server takes, if nobody can say.
  absl::Duration FindDeadline();

  void CallHandler() ABSL_LOCKS_EXCLUDED(mu_);
  void HandOut(const Message& message) ABSL_LOCKS_EXCLUDED(mu_);
  bool MayHandOut(const Message& message) ABSL_LOCKS_EXCLUDED(mu_);
  void Keep() ABSL_LOCKS_EXCLUDED(mu_);
  bool WaitToLook() ABSL_LOCKS_EXCLUDED(mu_);

  // While extensions are under way, nothing that the program says may overtake them.
  void BeginAsking() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndAsking() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether the server noted all of them.
  bool Extend(const std::vector<v1::Acknowledgement>& acknowledgements) ABSL_LOCKS_EXCLUDED(mu_);

  const std::shared_ptr<Session> session_;
  const std::string queue_;
  const v1::GroupOptions group_;
  const SubscriptionHandler handler_;
  std::thread handing_;
  std::thread keeping_;

  Mutex mu_;
  CondVar changed_;
  Held held_ ABSL_GUARDED_BY(mu_);
  // Messages are bounded by the member's credit; of states and gaps there are few.
  std::deque<Item> inbox_ ABSL_GUARDED_BY(mu_);
  bool asking_ ABSL_GUARDED_BY(mu_) = false;
  // There are threads: from the first call of the subscription on.
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool over_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_GROUP_MEMBER_H_
