#include "client/cli/connection.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "client/cli/explain.h"

namespace nmq {
namespace cli {

ClientOptions OptionsFor(const Arguments& arguments) {
  ClientOptions options;
  options.server = arguments.server;
  options.token = arguments.token;
  if (arguments.token.empty()) options.token_file = arguments.token_file;
  options.tls_ca = arguments.tls_ca;
  options.tls_certificate = arguments.tls_certificate;
  options.tls_key = arguments.tls_key;
  options.namespace_name = arguments.namespace_name;
  options.name = arguments.name;
  options.labels = arguments.labels;
  options.lazy = true;
  options.publish_with_session = false;
  options.wait_for_server = absl::ZeroDuration();
  return options;
}

void TellError(const absl::Status& status, absl::string_view server, const Asked& asked, Output* err) {
  err->WriteLine(err->json() ? ErrorJson(status, server, asked)
                             : absl::StrCat(err->In(Paint::kRed, "nmq:"), " ", Explain(status, server, asked)));
}

int Fail(const absl::Status& status, const Arguments& arguments, Output* err) {
  TellError(status, arguments.server, arguments.asked, err);
  return kExitFailed;
}

int Done(const Output& out, Output* err) {
  if (out.error() == 0 || out.error() == EPIPE) return kExitDone;
  TellError(absl::ErrnoToStatus(out.error(), "cannot write"), "", {}, err);
  return kExitFailed;
}

v1::ClientFilter FilterOf(const Arguments& arguments) {
  v1::ClientFilter filter;
  filter.set_room(arguments.room);
  filter.set_queue(arguments.queue);
  filter.set_event(arguments.event);
  filter.set_name(arguments.name);
  for (const auto& [name, value] : arguments.labels) (*filter.mutable_labels())[name] = value;
  return filter;
}

absl::StatusOr<std::unique_ptr<RegistryClient>> RegistryClient::Open(const Arguments& arguments) {
  ClientOptions options = OptionsFor(arguments);
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(std::move(options));
  if (!client.ok()) return client.status();
  return std::unique_ptr<RegistryClient>(new RegistryClient(*std::move(client)));
}

}  // namespace cli
}  // namespace nmq
