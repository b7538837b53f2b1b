// A small HTTP/1.1 server.
#ifndef NMQ_CLIENT_EXAMPLES_HTTP_SERVER_H_
#define NMQ_CLIENT_EXAMPLES_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/examples/http.h"

namespace nmq {
namespace examples {

// May block; called by several threads at once.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpOptions {
  // HOST:PORT, the host an address; port 0 picks a free one.
  std::string listen = "127.0.0.1:8081";
  int threads = 8;
  // More are closed at once.
  int max_connections = 256;
  // Of a request; a larger one is answered 413.
  uint64_t max_body_bytes = 64 << 10;
  // Of a request's headers; more is answered 431.
  uint32_t max_header_bytes = 8 << 10;
  // For a request to come in, an answer to go out, a connection to be used again.
  absl::Duration timeout = absl::Seconds(30);
};

// Thread-safe.
class HttpServer {
 public:
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpOptions options, HttpHandler handler);
  // Stops listening, closes all connections and waits for running handlers.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // HOST:PORT
  const std::string& address() const;

 private:
  struct State;

  explicit HttpServer(std::unique_ptr<State> state);

  const std::unique_ptr<State> state_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_HTTP_SERVER_H_
