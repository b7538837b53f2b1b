#include "tests/bench/workloads/run_case.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/bench/harness/temporary_folder.h"

namespace nmq::bench {
namespace {

absl::Status RunLive(const System& system, const Case& one, const Extent& extent, Report* report) {
  if (system.start == nullptr) return absl::UnimplementedError(absl::StrCat(system.name, " is for what is stored"));
  absl::StatusOr<RunningSystem> running = system.start();
  if (!running.ok()) return running.status();
  const Subject subject = {.client = running->client.get(), .server = running->server->pid()};
  if (absl::Status status = one.run(extent, subject, Record(report, one.name, system.name)); !status.ok()) {
    return status;
  }
  running->client = nullptr;
  return running->server->Stop();
}

// A system that stores messages, and can be killed and started again.
class StoringRun {
 public:
  StoringRun(const System& system, const std::string& folder) : system_(system), folder_(folder) {}

  absl::StatusOr<Restarted> Start() {
    // A server that is left is killed here.
    running_ = {};
    Restarted started;
    started.start = Now();
    absl::StatusOr<RunningSystem> running = system_.start_storing(folder_);
    if (!running.ok()) return running.status();
    started.ready = absl::Nanoseconds(Now() - started.start);
    running_ = *std::move(running);
    started.subject = {
        .client = running_.client.get(), .server = running_.server->pid(), .folder = folder_, .restart = [this] {
          running_.client = nullptr;
          return Start();
        }};
    return started;
  }

  absl::Status Stop() {
    running_.client = nullptr;
    return running_.server->Stop();
  }

 private:
  const System& system_;
  const std::string folder_;
  RunningSystem running_;
};

absl::Status RunStoring(const System& system, const Case& one, const Extent& extent, const std::string& disk,
                        Report* report) {
  if (system.start_storing == nullptr) return absl::UnimplementedError(absl::StrCat(system.name, " stores nothing"));
  const absl::StatusOr<std::unique_ptr<TemporaryFolder>> folder = TemporaryFolder::Make(disk);
  if (!folder.ok()) return folder.status();
  StoringRun run(system, (*folder)->path());
  const absl::StatusOr<Restarted> started = run.Start();
  if (!started.ok()) return started.status();
  if (absl::Status status = one.run(extent, started->subject, Record(report, one.name, system.name)); !status.ok()) {
    return status;
  }
  return run.Stop();
}

}  // namespace

absl::Status RunCase(const System& system, const Case& one, const Extent& extent, const std::string& disk,
                     Report* report) {
  return one.stores ? RunStoring(system, one, extent, disk, report) : RunLive(system, one, extent, report);
}

}  // namespace nmq::bench
