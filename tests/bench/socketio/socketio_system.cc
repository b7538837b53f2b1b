#include "tests/bench/socketio/socketio_system.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/socketio/load_process.h"
#include "tests/bench/socketio/load_publisher.h"
#include "tests/bench/socketio/load_subscribers.h"

namespace nmq::bench {
namespace {

class SocketIoClient final : public Client {
 public:
  explicit SocketIoClient(std::shared_ptr<LoadProcess> load) : load_(std::move(load)) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    return SubscribeInLoad(load_, spec);
  }
  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    return PublishInLoad(load_, spec);
  }
  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) override {
    return PublishPacedInLoad(load_, spec);
  }
  pid_t process() const override { return load_->pid(); }

 private:
  const std::shared_ptr<LoadProcess> load_;
};

absl::StatusOr<RunningSystem> Start(const SocketIoPaths& paths, const std::string& log) {
  RunningSystem running;
  auto server = ServerProcess::Start(
      {.words = {paths.node, absl::StrCat(paths.scripts, "/server.mjs")}, .ready = "ready ", .log = log});
  if (!server.ok()) {
    return absl::Status(server.status().code(),
                        absl::StrCat("Socket.IO does not start: ", server.status().message(),
                                     "; it needs Node.js and tests/bench/node_modules (its messages: ", log, ")"));
  }
  running.server = *std::move(server);
  auto load =
      LoadProcess::Start({paths.node, absl::StrCat(paths.scripts, "/load.mjs"), running.server->address()}, log);
  if (!load.ok()) return load.status();
  running.client = std::make_unique<SocketIoClient>(*std::move(load));
  return running;
}

}  // namespace

System SocketIoSystem(const SocketIoPaths& paths, const std::string& log) {
  return {.name = "socketio", .start = [paths, log] { return Start(paths, log); }};
}

}  // namespace nmq::bench
