#include "client/examples/http_server.h"

#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/examples/json.h"

namespace nmq {
namespace examples {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;

// What is still read of a request that was refused, so that the client gets to read the answer.
constexpr size_t kLingerBytes = 4 << 20;
constexpr absl::Duration kLingerTime = absl::Seconds(2);
constexpr std::chrono::milliseconds kAcceptRetry{100};

absl::StatusOr<tcp::endpoint> ParseListen(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  int port = 0;
  error_code error;
  std::string host = listen.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const asio::ip::address address = asio::ip::make_address(host.empty() ? "127.0.0.1" : host, error);
  if (colon == std::string::npos || error || !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("'", listen, "' is not HOST:PORT with an address as HOST"));
  }
  return tcp::endpoint(address, static_cast<uint16_t>(port));
}

// The answer to what could not be read, if there is one.
std::optional<HttpResponse> Refusal(const error_code& error, const HttpOptions& options) {
  const auto refuse = [](int status, const std::string& why) {
    return HttpResponse{.status = status, .body = JsonObject().Text("error", why).str()};
  };
  if (error == http::error::body_limit) {
    return refuse(413, absl::StrCat("the body is larger than ", options.max_body_bytes, " bytes"));
  }
  if (error == http::error::header_limit) {
    return refuse(431, absl::StrCat("the headers are larger than ", options.max_header_bytes, " bytes"));
  }
  if (error.category() == make_error_code(http::error::end_of_stream).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return refuse(400, absl::StrCat("this is no HTTP request: ", error.message()));
  }
  return std::nullopt;
}

}  // namespace

struct HttpServer::State {
  State(HttpOptions the_options, HttpHandler the_handler)
      : options(std::move(the_options)), handler(std::move(the_handler)) {}

  void Accept();

  const HttpOptions options;
  const HttpHandler handler;
  std::atomic<int> connections = 0;
  std::string address;
  asio::io_context io;
  tcp::acceptor acceptor{io};
  asio::steady_timer retry{io};
  std::vector<std::thread> threads;
};

namespace {

// Lives as long as an operation on it does. All its calls are on one strand.
template <typename State>
class Connection : public std::enable_shared_from_this<Connection<State>> {
 public:
  Connection(tcp::socket socket, State* state) : state_(state), stream_(std::move(socket)) { ++state_->connections; }
  ~Connection() { --state_->connections; }

  void Start() {
    asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] { self->Read(); });
  }

 private:
  void Read() {
    parser_.emplace();
    parser_->body_limit(state_->options.max_body_bytes);
    parser_->header_limit(state_->options.max_header_bytes);
    stream_.expires_after(absl::ToChronoMilliseconds(state_->options.timeout));
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](const error_code& error, size_t) { self->OnRead(error); });
  }

  void OnRead(const error_code& error) {
    if (error) {
      std::optional<HttpResponse> refusal = Refusal(error, state_->options);
      if (refusal.has_value()) return Write(*refusal, /*keep_alive=*/false, /*head=*/false);
      return Close();
    }
    const http::request<http::string_body>& message = parser_->get();
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    request.content_type = std::string(message[http::field::content_type]);
    request.body = message.body();
    Write(state_->handler(request), message.keep_alive(), message.method() == http::verb::head);
  }

  void Write(const HttpResponse& response, bool keep_alive, bool head) {
    response_ = {};
    response_.result(response.status);
    response_.set(http::field::server, "nmq api_server");
    response_.set(http::field::content_type, "application/json");
    if (!response.location.empty()) response_.set(http::field::location, response.location);
    if (!response.allow.empty()) response_.set(http::field::allow, response.allow);
    response_.keep_alive(keep_alive);
    response_.body() = response.body + "\n";
    response_.prepare_payload();
    if (head) response_.body().clear();
    stream_.expires_after(absl::ToChronoMilliseconds(state_->options.timeout));
    http::async_write(stream_, response_,
                      [self = this->shared_from_this(), keep_alive](const error_code& error, size_t) {
                        if (error) return;
                        if (keep_alive) return self->Read();
                        self->Close();
                      });
  }

  // Says that there is nothing more to come, and reads what the other side still sends: closing at once would reset the
  // connection and may take the answer with it.
  void Close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(absl::ToChronoMilliseconds(kLingerTime));
    Linger(0);
  }

  void Linger(size_t bytes) {
    if (bytes > kLingerBytes) return;
    stream_.async_read_some(asio::buffer(waste_),
                            [self = this->shared_from_this(), bytes](const error_code& error, size_t more) {
                              if (!error) self->Linger(bytes + more);
                            });
  }

  State* const state_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  std::array<char, 16 << 10> waste_;
};

}  // namespace

void HttpServer::State::Accept() {
  acceptor.async_accept(asio::make_strand(io), [this](const error_code& error, tcp::socket socket) {
    if (error) {
      // Out of files, most likely: some connection has to end first.
      retry.expires_after(kAcceptRetry);
      retry.async_wait([this](const error_code&) { Accept(); });
      return;
    }
    // Without a slot the socket closes here.
    if (connections < options.max_connections) std::make_shared<Connection<State>>(std::move(socket), this)->Start();
    Accept();
  });
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpOptions options, HttpHandler handler) {
  const absl::StatusOr<tcp::endpoint> endpoint = ParseListen(options.listen);
  if (!endpoint.ok()) return endpoint.status();
  auto state = std::make_unique<State>(std::move(options), std::move(handler));
  tcp::acceptor& acceptor = state->acceptor;
  error_code error;
  acceptor.open(endpoint->protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnknownError(absl::StrCat("cannot listen on ", state->options.listen, ": ", error.message()));
  }
  const tcp::endpoint bound = acceptor.local_endpoint(error);
  const std::string host = bound.address().to_string();
  state->address = absl::StrCat(bound.address().is_v6() ? "[" + host + "]" : host, ":", bound.port());
  state->Accept();
  for (int i = 0; i < state->options.threads; ++i) {
    state->threads.emplace_back([io = &state->io] { io->run(); });
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->io.stop();
  for (std::thread& thread : state_->threads) thread.join();
}

const std::string& HttpServer::address() const { return state_->address; }

}  // namespace examples
}  // namespace nmq
