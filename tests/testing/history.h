// What happened in a test: what clients asked for, were answered and heard. guarantees.h judges it.
#ifndef NMQ_TESTS_TESTING_HISTORY_H_
#define NMQ_TESTS_TESTING_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq {

// In brackets: which fields count.
enum class EventKind {
  kPublishInvoked,       // before the call [name, queue, mode, token, request_id, rooms, batch]
  kPublishAcknowledged,  // after its answer [queue, token, epoch, sequence, id]
  kPublishFailed,        // refused for sure [queue, token]
  kPublishUnknown,       // a deadline, or the connection was lost [queue, token]
  kSubscribing,          // before the call [name, client, queue, group, rooms, replay; resume, epoch, sequence]
  kSubscribed,           // `ready` came [name]
  kDelivered,            // [name, epoch, sequence, id, token, attempt]
  kGap,                  // [name, epoch, sequence, last, count]
  kCaughtUp,             // a subscription with `replay` has heard all that there was [name]
  kJoining,              // before Join, or a call that joins [client, rooms]
  kJoined,               // after its answer [client, rooms]
  kLeaving,              // before Leave, or what ends the client [client, rooms]
  kLeft,                 // after its answer [client, rooms]
  kAcknowledged,         // a group's message was answered to be noted as done [group, queue, epoch, sequence]
  kDeadLetter,           // heard in the queue of dead letters [group; queue, epoch, sequence of the message]
  kKilling,              // before the server's process is killed, or power is lost
  kRestarted,            // the server is there again
  kPowerLost,            // the same, and what was not synced is gone
  kHealed,               // the last fault is over
  kMeasured,             // [name says what; value, bound]
};

enum class Mode { kLive, kBuffered, kDurable };

// One thing that happened.
struct Event {
  EventKind kind = EventKind::kHealed;
  int64_t time_us = 0;  // monotonic
  std::string name_space = "default";
  std::string name;    // of the publisher or subscription; a subscription that comes back has a new one
  std::string client;  // whose subscription, and who is in rooms
  std::string queue;   // a subscription hears one
  Mode mode = Mode::kDurable;
  uint64_t epoch = 0;
  uint64_t sequence = 0;  // of a gap, the first; of a subscription that resumes, the last that was heard
  uint64_t last = 0;
  uint64_t count = 0;
  std::string id;
  std::string token;  // tells messages apart: in each payload another one, but in a repetition with its request_id
  std::string request_id;
  std::string batch;  // publishes with the same one were one call
  std::string group;
  std::vector<std::string> rooms;  // of a message: none is everyone; of a subscription: those of its group
  uint32_t attempt = 0;
  bool replay = false;  // from the first message on
  bool resume = false;
  uint64_t value = 0;
  uint64_t bound = 0;
};

// Events in the order in which they were recorded. An event before a call is recorded before the call, one after it
// after it: so what is recorded in between may have happened on either side. Thread-safe.
class History {
 public:
  void Record(Event event);
  std::vector<Event> events() const;
  // One line for each event, to be kept with a run that failed.
  std::string ToString() const;

 private:
  mutable Mutex mu_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_HISTORY_H_
