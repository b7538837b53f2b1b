#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/stop.h"
#include "client/cpp/backoff.h"

namespace nmq {
namespace cli {
namespace {

std::string ChangeLine(const v1::Change& change) {
  std::string line =
      absl::StrCat(ClockTime(ToTime(change.time())), " ", change.namespace_(), " ", EnumWords(EnumName(change.kind())));
  if (!change.room().empty()) absl::StrAppend(&line, " room=", change.room());
  if (!change.queue().empty()) absl::StrAppend(&line, " queue=", change.queue());
  if (!change.client_id().empty()) absl::StrAppend(&line, " client=", change.client_id());
  if (!change.client_name().empty() && change.client_name() != change.client_id()) {
    absl::StrAppend(&line, " name=", change.client_name());
  }
  if (!change.subscription_id().empty()) absl::StrAppend(&line, " subscription=", change.subscription_id());
  if (!change.reason().empty()) absl::StrAppend(&line, " reason=", change.reason());
  return line;
}

// A client that was there when changes had been missed.
std::string PresentLine(const v1::ClientInfo& client, bool json) {
  if (json) {
    JsonWriter writer;
    writer.BeginObject().Key("kind").String("CLIENT_PRESENT").Key("client");
    WriteProto(client, &writer);
    return writer.EndObject().json();
  }
  std::string line =
      absl::StrCat(ClockTime(absl::Now()), " ", client.namespace_(), " client present client=", client.id());
  if (client.name() != client.id()) absl::StrAppend(&line, " name=", client.name());
  if (!client.rooms().empty()) absl::StrAppend(&line, " rooms=", absl::StrJoin(client.rooms(), ","));
  return line;
}

// Watches on a thread of its own until it fails or is stopped.
class Watcher {
 public:
  Watcher(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err, Stop* stop)
      : registry_(registry), arguments_(arguments), out_(out), err_(err), stop_(stop), after_(arguments.after) {}

  void Start() {
    thread_ = std::thread([this] {
      end_ = Run();
      stop_->Request();
    });
  }

  // Ends the thread and returns why it ended, OK if it had not failed.
  absl::Status Finish() {
    stopping_.Notify();
    {
      MutexLock lock(&mu_);
      if (context_ != nullptr) context_->TryCancel();
    }
    thread_.join();
    return end_;
  }

 private:
  absl::Status Run() {
    internal::Backoff backoff(BackoffOptions{});
    while (!stopping_.HasBeenNotified()) {
      const absl::Status status = WatchOnce(&backoff);
      if (stopping_.HasBeenNotified() || out_->error() != 0) break;
      if (absl::IsOutOfRange(status)) {
        err_->Tell(absl::StrCat("changes were missed: ", ExplainBriefly(status), "; this is who is there now"));
        const absl::Status listed = ListAgain();
        if (!listed.ok() && !internal::IsPassing(listed)) return listed;
        if (listed.ok()) continue;
      } else if (!connected_ || !internal::IsPassing(status)) {
        return status;
      } else if (!std::exchange(lost_, true)) {
        err_->Tell(absl::StrCat("connection lost, trying again: ", ExplainBriefly(status)));
      }
      stopping_.WaitForNotificationWithTimeout(backoff.Next());
    }
    return absl::OkStatus();
  }

  absl::Status WatchOnce(internal::Backoff* backoff) {
    grpc::ClientContext context;
    {
      MutexLock lock(&mu_);
      if (stopping_.HasBeenNotified()) return absl::OkStatus();
      context_ = &context;
    }
    v1::WatchRequest request;
    request.set_namespace_(arguments_.namespace_name);
    if (after_.has_value()) request.set_after_revision(*after_);
    const std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader = registry_.stub()->Watch(&context, request);
    v1::WatchResponse response;
    while (reader->Read(&response)) {
      connected_ = true;
      if (std::exchange(lost_, false)) err_->Tell("connected again");
      backoff->Reset();
      after_ = response.revision();
      for (const v1::Change& change : response.changes()) {
        if (!out_->WriteLine(arguments_.json ? ProtoToJson(change) : ChangeLine(change))) context.TryCancel();
      }
    }
    absl::Status status = FromGrpc(reader->Finish());
    MutexLock lock(&mu_);
    context_ = nullptr;
    return status.ok() ? absl::UnavailableError("the server ended the stream") : status;
  }

  // Prints the clients that are there, and goes on after what the first page knew.
  absl::Status ListAgain() {
    std::vector<std::string> namespaces = {arguments_.namespace_name};
    std::optional<uint64_t> revision;
    if (arguments_.namespace_name.empty()) {
      namespaces.clear();
      absl::Status status = registry_.ForEachPage<v1::ListNamespacesRequest, v1::ListNamespacesResponse>(
          &v1::Registry::Stub::ListNamespaces, {}, [&](const v1::ListNamespacesResponse& page) {
            if (!revision.has_value()) revision = page.revision();
            for (const v1::NamespaceInfo& info : page.namespaces()) namespaces.push_back(info.name());
            return true;
          });
      if (!status.ok()) return status;
    }
    for (const std::string& name : namespaces) {
      v1::ListClientsRequest request;
      request.set_namespace_(name);
      absl::Status status = registry_.ForEachPage<v1::ListClientsRequest, v1::ListClientsResponse>(
          &v1::Registry::Stub::ListClients, request, [&](const v1::ListClientsResponse& page) {
            if (!revision.has_value()) revision = page.revision();
            for (const v1::ClientInfo& client : page.clients()) out_->WriteLine(PresentLine(client, arguments_.json));
            return out_->error() == 0;
          });
      if (!status.ok()) return status;
    }
    after_ = revision;
    return absl::OkStatus();
  }

  const RegistryClient& registry_;
  const Arguments& arguments_;
  Output* const out_;
  Output* const err_;
  Stop* const stop_;
  std::thread thread_;
  absl::Status end_;
  absl::Notification stopping_;
  Mutex mu_;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;

  // Only the thread uses these.
  std::optional<uint64_t> after_;
  bool connected_ = false;
  bool lost_ = false;
};

}  // namespace

int RunWatch(const Arguments& arguments, Output* out, Output* err) {
  Stop stop;
  absl::StatusOr<std::unique_ptr<RegistryClient>> registry = RegistryClient::Open(arguments);
  if (!registry.ok()) return Fail(registry.status(), arguments, err);
  Watcher watcher(**registry, arguments, out, err, &stop);
  watcher.Start();
  stop.Wait();
  const absl::Status end = watcher.Finish();
  if (!end.ok()) return Fail(end, arguments, err);
  return Done(*out, err);
}

}  // namespace cli
}  // namespace nmq
