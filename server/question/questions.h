#ifndef NMQ_SERVER_QUESTION_QUESTIONS_H_
#define NMQ_SERVER_QUESTION_QUESTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::broker {

// Questions that wait for answers. Each is known by a token, which only those learn who hear it, and ends once: with
// enough answers, when nobody is left to answer, when the next answer does not fit, when its time is over, or by End.
// Clients are known by their numbers. Times are microseconds of the monotonic clock.
//
// A question is opened before it is published, since an answer may come at once, and is complete at the earliest when
// it is known who heard it.
//
// Thread-safe. What ends a question calls its `done`, under no lock.
class Questions {
 public:
  using Done = std::function<void(absl::StatusOr<v1::RequestResponse>)>;

  // Bounds the questions of a namespace, and the bytes of the answers to one question.
  Questions(uint64_t count_max, uint64_t bytes_max) : count_max_(count_max), bytes_max_(bytes_max) {}
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  // Whether who asks may still ask. Any thread, under no lock.
  using Check = std::function<absl::Status()>;

  struct Options {
    std::string name_space;
    uint64_t replies_max = 0;  // answers that are enough; 0: one of each client that hears it
    int64_t deadline_us = 0;
    Done done;
    std::shared_ptr<const Check> check = nullptr;  // null: nobody is asked
    std::string queue = {};                        // where it is asked, if callers are asked who they are
  };
  // `token` must be new. RESOURCE_EXHAUSTED if the namespace has too many questions; what End said if it was called.
  absl::Status Open(std::string token, Options options) ABSL_LOCKS_EXCLUDED(mu_);

  // The question was published. `heard` has the client of each subscription that hears it. Whoever was gone before this
  // call must be reported by Gone after it.
  void Asked(absl::string_view token, absl::Span<const uint64_t> heard, const v1::QueuePosition& position)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The question was not published. Its `done` is not called. False if it has ended before, and was told so.
  bool Forget(absl::string_view token) ABSL_LOCKS_EXCLUDED(mu_);

  // Takes the answer of a client. NOT_FOUND if no such question of the namespace waits for an answer of this client;
  // RESOURCE_EXHAUSTED, and the end of the question, if the answer does not fit.
  absl::Status Answer(absl::string_view token, absl::string_view name_space, uint64_t client, v1::Answer answer)
      ABSL_LOCKS_EXCLUDED(mu_);

  // A client is gone: nobody waits for its answers any more.
  void Gone(uint64_t client) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the questions whose time is over.
  void Expire(int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);
  // When the next one's is; none if there is no question.
  std::optional<int64_t> next_deadline_us() const ABSL_LOCKS_EXCLUDED(mu_);

  // The queue of a question of the namespace; empty if there is none, or it is not known.
  std::string QueueOf(absl::string_view token, absl::string_view name_space) const ABSL_LOCKS_EXCLUDED(mu_);
  // What is said of a question that there is not.
  static absl::Status Unknown();
  // Ends those whose check says no, with what it says.
  void EndRefused() ABSL_LOCKS_EXCLUDED(mu_);

  // Ends all questions with `status`, and takes no more.
  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Question {
    std::string token;
    Options options;
    v1::RequestResponse response;
    uint64_t bytes = 0;                      // of the answers
    absl::flat_hash_set<uint64_t> waiting;   // clients that heard it and have not answered
    absl::flat_hash_set<uint64_t> answered;  // clients
    bool asked = false;
    bool missed = false;  // somebody who heard it went without an answer
  };
  // By token, which is the question's own.
  using Table = absl::flat_hash_map<absl::string_view, std::unique_ptr<Question>>;
  // What is left to do without the lock.
  struct Ended {
    Done done;
    v1::RequestResponse response;
  };

  // Ends the question if it has what it waits for, or nobody is left.
  void EndIfDone(Question* question, std::vector<Ended>* ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StopWaiting(Question* question, uint64_t client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::unique_ptr<Question> Remove(Question* question) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Finish(std::unique_ptr<Question> question, bool complete, std::vector<Ended>* ended);
  static void Tell(std::vector<Ended>* ended);

  const uint64_t count_max_;
  const uint64_t bytes_max_;
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  absl::Status end_ ABSL_GUARDED_BY(mu_);
  Table questions_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, uint64_t> counts_ ABSL_GUARDED_BY(mu_);  // questions, by namespace
  // The table again, by deadline, and by the clients that have not answered.
  absl::btree_set<std::pair<int64_t, Question*>> deadlines_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<uint64_t, absl::flat_hash_set<Question*>> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUESTION_QUESTIONS_H_
