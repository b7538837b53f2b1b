// The API server's answers: what is written, what is published, what the caller is told. Knows no sockets.
#ifndef NMQ_CLIENT_EXAMPLES_API_H_
#define NMQ_CLIENT_EXAMPLES_API_H_

#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/examples/http.h"
#include "client/examples/outbox.h"
#include "client/examples/records.h"

namespace nmq {
namespace examples {

// POST /records, GET /records?limit=N, and GET, PUT and DELETE /records/ID. Each change is first written, then
// published as DB/CREATE, DB/UPDATE or DB/DELETE with the record as payload; events have the order of the changes.
// Every answer is a JSON object. Thread-safe.
class Api {
 public:
  // Does not own the two. Waits at most `patience` for an event's fate.
  Api(Records* records, Outbox* outbox, absl::Duration patience);

  HttpResponse Handle(const HttpRequest& request);

 private:
  HttpResponse Create(const HttpRequest& request);
  HttpResponse List(absl::string_view query);
  HttpResponse Get(int64_t id);
  HttpResponse Update(int64_t id, const HttpRequest& request);
  HttpResponse Delete(int64_t id);
  // Writes and publishes, in one step as far as the order of events goes.
  HttpResponse Change(const char* event, int status, absl::FunctionRef<absl::StatusOr<Record>()> write);

  const absl::Duration patience_;
  Outbox* const outbox_;
  Mutex mu_;
  Records* const records_ ABSL_PT_GUARDED_BY(mu_);
};

// The body of a request as a JSON value: "application/json" must be JSON, "text/..." is a string, and anything else is
// whichever it can be (curl -d says "application/x-www-form-urlencoded" of everything).
absl::StatusOr<std::string> BodyToJson(absl::string_view content_type, absl::string_view body);

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_API_H_
