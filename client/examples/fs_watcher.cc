// Publishes what happens to the files of a directory: FS/create, FS/modify, FS/delete, and FS/overflow when some of it
// was missed.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "client/examples/directory_watcher.h"
#include "client/examples/json.h"
#include "client/examples/program.h"
#include "client/examples/rfc3339.h"

ABSL_FLAG(std::string, directory, ".", "the directory to watch, with all directories in it");

namespace nmq {
namespace examples {
namespace {

// nmq's bound of a message's key.
constexpr size_t kKeyMax = 128;
// How long the last changes may take on their way out.
constexpr absl::Duration kFlushTimeout = absl::Seconds(1);
// How often to look whether batches were lost.
constexpr absl::Duration kTick = absl::Seconds(1);

const char* EventName(FileChange::Kind kind) {
  switch (kind) {
    case FileChange::Kind::kCreate:
      return "create";
    case FileChange::Kind::kModify:
      return "modify";
    case FileChange::Kind::kDelete:
      return "delete";
    case FileChange::Kind::kOverflow:
      break;
  }
  return "overflow";
}

Message MakeEvent(const FileChange& change) {
  JsonObject json;
  if (change.kind == FileChange::Kind::kOverflow) {
    json.Text("reason", change.reason);
  } else {
    json.Text("path", change.path).Text("kind", change.directory ? "directory" : "file");
  }
  if (change.size.has_value()) json.Number("size", static_cast<int64_t>(*change.size));
  Message message = MakeMessage("FS", EventName(change.kind), json.Text("time", Rfc3339(change.time)).str());
  message.set_content_type("application/json");
  if (change.path.size() <= kKeyMax && IsUtf8(change.path)) message.set_key(change.path);
  return message;
}

// Takes changes from the watcher to nmqd. While nmqd cannot be reached they wait, here and in the kernel's queue; if
// that overflows, FS/overflow says so.
class Pump {
 public:
  Pump(DirectoryWatcher* watcher, Client* client, Stop* stop)
      : watcher_(watcher),
        stop_(stop),
        publisher_(client->NewPublisher({.give_up_after = absl::InfiniteDuration(),
                                         .on_result = [this](const BatchResult& result) { OnResult(result); }})) {}

  // Until the program is stopped, the client disconnects or the directory is gone.
  absl::Status Run() {
    while (true) {
      pollfd waits[2] = {{.fd = watcher_->fd(), .events = POLLIN, .revents = 0},
                         {.fd = stop_->fd(), .events = POLLIN, .revents = 0}};
      const absl::Duration rest = std::clamp(watcher_->due() - absl::Now(), absl::ZeroDuration(), kTick);
      poll(waits, 2, static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(rest, absl::Milliseconds(1)))));
      std::vector<FileChange> changes;
      absl::Status status = watcher_->Read(absl::Now(), &changes);
      if (const uint64_t lost = lost_.exchange(0); lost > 0) {
        changes.push_back({.kind = FileChange::Kind::kOverflow,
                           .time = absl::Now(),
                           .reason = absl::StrCat("the connection broke: ", lost, " changes may not be published")});
      }
      for (const FileChange& change : changes) status.Update(publisher_->Add(MakeEvent(change)));
      if (!status.ok() || (waits[1].revents != 0 && changes.empty())) return status;
    }
  }

  uint64_t published() const { return published_; }
  FlushResult Flush() { return publisher_->Flush(kFlushTimeout); }

 private:
  void OnResult(const BatchResult& result) {
    switch (result.outcome) {
      case BatchOutcome::kAccepted:
        published_ += result.messages;
        return;
      case BatchOutcome::kUnknown:
        lost_ += result.messages;
        break;
      case BatchOutcome::kRefused:
        break;
    }
    Note(absl::StrCat(result.messages, " changes: ", result.status.message()));
  }

  DirectoryWatcher* const watcher_;
  Stop* const stop_;
  std::atomic<uint64_t> published_ = 0;
  std::atomic<uint64_t> lost_ = 0;
  const std::unique_ptr<Publisher> publisher_;
};

absl::Status Run(const std::string& directory) {
  Stop stop;
  absl::StatusOr<std::unique_ptr<DirectoryWatcher>> watcher = DirectoryWatcher::Open(directory);
  if (!watcher.ok()) return watcher.status();
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(ConnectionFlags());
  if (!client.ok()) return client.status();
  Pump pump(watcher->get(), client->get(), &stop);
  std::cout << "fs_watcher ready directory=" << directory << " directories=" << (*watcher)->directories() << std::endl;

  // A thread of its own: it may wait for nmqd when the end is to come.
  std::future<absl::Status> end = std::async(std::launch::async, [&] {
    absl::Status status = pump.Run();
    stop.Request();
    return status;
  });
  stop.Wait();
  end.wait_for(absl::ToChronoMilliseconds(kFlushTimeout));
  pump.Flush();
  (*client)->Disconnect().IgnoreError();
  const absl::Status status = end.get();
  std::cout << "published " << pump.published() << " changes" << std::endl;
  // Disconnecting is how it ends when it waits for nmqd.
  return absl::IsCancelled(status) ? absl::OkStatus() : status;
}

}  // namespace
}  // namespace examples
}  // namespace nmq

int main(int argc, char** argv) {
  using namespace nmq::examples;
  ParseFlags(argc, argv,
             "publishes what happens in a directory.\n\n"
             "  fs_watcher --directory=/srv/files\n\n"
             "FS/create, FS/modify and FS/delete carry path, kind, size and time; a move is a delete and a create.\n"
             "FS/overflow says that changes were missed, and why.");
  const absl::Status status = Run(absl::GetFlag(FLAGS_directory));
  return status.ok() ? kDone : Fail(status);
}
