// An HTTP API over a table of records. Each change is written to SQLite first and published as DB/CREATE, DB/UPDATE or
// DB/DELETE afterwards, so that everybody who cares hears of it.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/client.h"
#include "client/examples/api.h"
#include "client/examples/http_server.h"
#include "client/examples/outbox.h"
#include "client/examples/program.h"
#include "client/examples/records.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:8081", "HOST:PORT to serve HTTP on; port 0 picks a free one");
ABSL_FLAG(std::string, db, "records.db", "the SQLite file of the records; made if it is not there");
ABSL_FLAG(uint64_t, max_body, 64 << 10, "bytes of a request's body, at the most; 1 to 131072");
ABSL_FLAG(absl::Duration, patience, absl::Seconds(1), "how long a request waits for nmqd if it cannot be reached");

namespace {

// JSON makes up to six bytes of one; the event must fit into nmqd's largest payload, 1 MiB.
constexpr uint64_t kMaxBody = 128 << 10;
// An nmqd that has the message, but does not answer.
constexpr absl::Duration kAnswerTimeout = absl::Seconds(4);

}  // namespace

int main(int argc, char** argv) {
  using namespace nmq::examples;
  ParseFlags(argc, argv,
             "an HTTP API over records in SQLite, which publishes each change.\n\n"
             "  POST   /records           a JSON or text body: a new record, and DB/CREATE\n"
             "  GET    /records?limit=N   the newest records\n"
             "  GET    /records/ID        one of them\n"
             "  PUT    /records/ID        a new body, and DB/UPDATE\n"
             "  DELETE /records/ID        gone, and DB/DELETE\n\n"
             "It answers 201 or 200 when the change is written and published. It runs without nmqd, too: changes are\n"
             "written then, and answered 503, because nobody hears of them.");
  const uint64_t max_body = absl::GetFlag(FLAGS_max_body);
  if (max_body < 1 || max_body > kMaxBody) return FailUsage(absl::StrCat("--max_body must be 1 to ", kMaxBody));
  const absl::Duration patience = absl::GetFlag(FLAGS_patience);

  Stop stop;
  auto records = Records::Open(absl::GetFlag(FLAGS_db));
  if (!records.ok()) return Fail(records.status());
  nmq::ClientOptions options = ConnectionFlags();
  options.lazy = true;
  options.wait_for_server = patience;
  auto client = nmq::Client::Connect(std::move(options));
  if (!client.ok()) return Fail(client.status());

  NmqOutbox outbox(client->get(), patience);
  Api api(records->get(), &outbox, patience + kAnswerTimeout);
  HttpOptions http;
  http.listen = absl::GetFlag(FLAGS_listen);
  http.max_body_bytes = max_body;
  auto server = HttpServer::Start(std::move(http), [&api](const HttpRequest& request) { return api.Handle(request); });
  if (!server.ok()) return Fail(server.status());

  std::cout << "api ready http=" << (*server)->address() << " db=" << absl::GetFlag(FLAGS_db) << std::endl;
  stop.Wait();
  return kDone;
}
