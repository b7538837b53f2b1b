#ifndef NMQ_SERVER_SERVICE_SERVICE_H_
#define NMQ_SERVER_SERVICE_SERVICE_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq {

// A part of the server that runs by itself from Start to Stop: a listener for one protocol, a thread of housekeeping.
// Services (services.h) calls all methods from one thread, but streams(), which any thread may call.
class Service {
 public:
  virtual ~Service() = default;

  // For the log.
  virtual absl::string_view name() const = 0;
  // Begins to run; once. The error says what the operator has to do. Stop need not follow an error.
  virtual absl::Status Start() = 0;
  // Lets nothing new in and asks the clients to leave within `grace`; does not wait for them. At most once.
  virtual void Drain(absl::Duration grace) { (void)grace; }
  // The clients' streams that are still open.
  virtual size_t streams() const { return 0; }
  // Ends what is left, and returns when nothing of the service runs any more. May be called again in vain.
  virtual void Stop() = 0;
};

}  // namespace nmq

#endif  // NMQ_SERVER_SERVICE_SERVICE_H_
