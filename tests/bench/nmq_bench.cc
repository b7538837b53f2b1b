// Measures nmq and its peers side by side: see README.md. run.sh starts it with all it needs.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/harness/file_limit.h"
#include "tests/bench/harness/machine.h"
#include "tests/bench/harness/report.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/harness/temporary_folder.h"
#include "tests/bench/nats/nats_system.h"
#include "tests/bench/nmq/nmq_system.h"
#include "tests/bench/redis/redis_system.h"
#include "tests/bench/socketio/socketio_system.h"
#include "tests/bench/workloads/cases.h"
#include "tests/bench/workloads/choice.h"
#include "tests/bench/workloads/run_case.h"

ABSL_FLAG(std::string, nmqd, "", "nmqd's program; each measurement starts one of its own.");
ABSL_FLAG(std::vector<std::string>, nmqd_flags, {}, "Flags for it, separated by commas.");
ABSL_FLAG(std::string, floor_server, "", "The bare gRPC server's program.");
ABSL_FLAG(std::string, nghttp2_floor, "", "The bare nghttp2 server's program.");
ABSL_FLAG(std::string, socketio, "", "The folder of Socket.IO's scripts.");
ABSL_FLAG(std::string, log, "/dev/null", "File to which the servers' messages are appended.");
ABSL_FLAG(std::vector<std::string>, only, {},
          "What to measure: workloads (W1), or some of their cases (W1/10, W1/10/128). Empty: everything.");
ABSL_FLAG(
    std::vector<std::string>, systems, {},
    "Systems to measure, by their names. Empty: all but nmq-grpc and nmq-http2 (nmqd's transports), those and the "
    "floors with \" bare reader\" behind, and kinds of nmq with /N behind (nmqd with N threads).");
ABSL_FLAG(int, rounds, 3, "How often each is measured, one system after the other.");
ABSL_FLAG(double, seconds, 3, "Measured time.");
ABSL_FLAG(double, warm_up, 1, "Seconds before that.");
ABSL_FLAG(uint64_t, backlog, 204800, "Stored messages that D2 consumes; hundreds.");
ABSL_FLAG(uint64_t, history, 1000000, "Stored messages that D3 reads; hundreds.");
ABSL_FLAG(uint64_t, survivors, 10000000, "Stored messages with which D5 kills the server; hundreds.");
ABSL_FLAG(std::string, disk, "/var/tmp", "Folder for what is stored, on a disk; emptied again.");
ABSL_FLAG(bool, short, false, "A small version of every workload, by counts: whether it works, not how fast.");
ABSL_FLAG(std::string, channel_settings, "", "Arguments of the raw client's channels: name=number,...");
ABSL_FLAG(std::string, tls, "",
          "Folder with ca.pem, server.pem and server.key, as nmq cert makes them: there are \"nmq TLS\" and \"nats "
          "TLS\", too.");
ABSL_FLAG(std::string, json, "", "File for the figures, as JSON.");
ABSL_FLAG(std::string, table, "", "File for the table that is printed.");
ABSL_FLAG(std::string, commit, "unknown", "What is measured, for the heading.");

namespace nmq::bench {
namespace {

// Messages that the short version publishes.
constexpr uint64_t kShortMessages = 1000;
// Stored messages are published in batches of so many.
constexpr uint64_t kStoredBatch = 100;
// Stands above the figures of what is stored.
constexpr char kStoringNote[] =
    "nats (JetStream) syncs its files every two minutes, nmq buffered leaves that to the operating system; nmq and "
    "redis "
    "sync before they answer";

void AddFloor(const std::string& name, const std::string& program, std::vector<System>* systems) {
  const ServerCommand command = {
      .words = {program}, .ready = "floor_server ready grpc=", .log = absl::GetFlag(FLAGS_log)};
  systems->push_back(FloorSystem(name, command));
  systems->push_back(BareFloorSystem(name, command));
  systems->back().on_request = true;
}

// The kinds of nmq, of nmqd with that many threads; 0 for its default.
absl::Status AddNmq(int threads, std::vector<System>* systems) {
  absl::StatusOr<ChannelSettings> channel = ParseChannelSettings(absl::GetFlag(FLAGS_channel_settings));
  if (!channel.ok()) return channel.status();
  NmqSettings nmq = {.nmqd = absl::GetFlag(FLAGS_nmqd),
                     .flags = absl::GetFlag(FLAGS_nmqd_flags),
                     .threads = threads,
                     .log = absl::GetFlag(FLAGS_log),
                     .channel = *std::move(channel)};
  for (const System& system : {NmqSystem(nmq), BareNmqSystem(nmq), NmqLibrarySystem(nmq), NmqBufferedSystem(nmq)}) {
    systems->push_back(system);
  }
  const std::string tls = absl::GetFlag(FLAGS_tls);
  if (threads == 0 && !tls.empty()) {
    nmq.tls = tls;
    systems->push_back(NmqSystem(nmq));
    systems->push_back(TlsNatsSystem(nmq.log, tls));
    nmq.tls.clear();
  }
  for (const char* const transport : {"grpc", "http2"}) {
    nmq.transport = transport;
    for (System system : {NmqSystem(nmq), BareNmqSystem(nmq)}) {
      system.on_request = true;
      systems->push_back(system);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<System>> Systems() {
  const std::vector<std::string> names = absl::GetFlag(FLAGS_systems);
  const std::string log = absl::GetFlag(FLAGS_log);
  std::vector<System> all;
  if (absl::Status status = AddNmq(0, &all); !status.ok()) return status;
  for (const int threads : ThreadsIn(names)) {
    if (absl::Status status = AddNmq(threads, &all); !status.ok()) return status;
  }
  for (const System& peer : {NatsSystem(log), RawNatsSystem(log), RedisSystem(log),
                             SocketIoSystem({.scripts = absl::GetFlag(FLAGS_socketio)}, log)}) {
    all.push_back(peer);
  }
  AddFloor("bare gRPC", absl::GetFlag(FLAGS_floor_server), &all);
  AddFloor("nghttp2", absl::GetFlag(FLAGS_nghttp2_floor), &all);
  return ChooseSystems(all, names);
}

absl::StatusOr<std::vector<Case>> Cases() {
  absl::StatusOr<std::vector<Case>> cases =
      ChooseCases(AllCases(absl::GetFlag(FLAGS_short) ? Scale::kShort : Scale::kFull), absl::GetFlag(FLAGS_only));
  if (!cases.ok()) return cases.status();
  if (absl::Status status = CheckFileLimit(*cases, RaiseFileLimit()); !status.ok()) return status;
  return cases;
}

absl::StatusOr<Extent> ReadExtent() {
  const double seconds = absl::GetFlag(FLAGS_seconds);
  const double warm_up = absl::GetFlag(FLAGS_warm_up);
  if (seconds <= 0 || warm_up < 0)
    return absl::InvalidArgumentError("--seconds and --warm_up: a time must be positive");
  if (absl::GetFlag(FLAGS_rounds) < 1) return absl::InvalidArgumentError("--rounds: at least 1");
  for (const uint64_t stored :
       {absl::GetFlag(FLAGS_backlog), absl::GetFlag(FLAGS_history), absl::GetFlag(FLAGS_survivors)}) {
    if (stored == 0 || stored % kStoredBatch != 0) {
      return absl::InvalidArgumentError("--backlog, --history, --survivors: hundreds of messages");
    }
  }
  return Extent{.warm_up = absl::Seconds(warm_up),
                .measured = absl::Seconds(seconds),
                .messages = absl::GetFlag(FLAGS_short) ? kShortMessages : 0,
                .backlog = absl::GetFlag(FLAGS_backlog),
                .history = absl::GetFlag(FLAGS_history),
                .survivors = absl::GetFlag(FLAGS_survivors)};
}

std::string Date() { return absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::Now(), absl::UTCTimeZone()); }

absl::Status Write(const std::string& path, const std::function<void(std::ostream&)>& print) {
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  print(file);
  file.close();
  return file ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

absl::Status RunAll(const std::vector<System>& systems, const std::vector<Case>& cases, const Extent& extent,
                    Report* report) {
  const int rounds = absl::GetFlag(FLAGS_rounds);
  for (int round = 1; round <= rounds; ++round) {
    for (size_t i = 0; i < cases.size(); ++i) {
      for (const System& system : systems) {
        if (cases[i].only_nmq && !system.is_nmq) continue;
        std::cerr << absl::StrCat("round ", round, " of ", rounds, ", ", i + 1, " of ", cases.size(), ": ",
                                  cases[i].name, ", ", system.name, "\n");
        const absl::Status status = RunCase(system, cases[i], extent, absl::GetFlag(FLAGS_disk), report);
        // What a system cannot do is no figure of it.
        if (absl::IsUnimplemented(status)) continue;
        if (!status.ok()) {
          return absl::Status(status.code(), absl::StrCat(cases[i].name, ", ", system.name, ": ", status.message(),
                                                          " (--log=FILE shows what the server said)"));
        }
      }
    }
  }
  AddGrowth(report);
  return absl::OkStatus();
}

absl::Status Run() {
  const absl::StatusOr<Extent> extent = ReadExtent();
  if (!extent.ok()) return extent.status();
  const absl::StatusOr<std::vector<System>> systems = Systems();
  if (!systems.ok()) return systems.status();
  const absl::StatusOr<std::vector<Case>> cases = Cases();
  if (!cases.ok()) return cases.status();
  const bool stores = std::any_of(cases->begin(), cases->end(), [](const Case& one) { return one.stores; });
  const bool is_short = absl::GetFlag(FLAGS_short);
  if (stores && !is_short) {
    if (absl::Status status = CheckOnDisk(absl::GetFlag(FLAGS_disk)); !status.ok()) return status;
  }
  std::vector<std::pair<std::string, std::string>> heading = {{"machine", DescribeMachine()},
                                                              {"date", Date()},
                                                              {"commit", absl::GetFlag(FLAGS_commit)},
                                                              {"build", DescribeBuild()}};
  if (stores) heading.emplace_back("D1 to D5", kStoringNote);
  Report report;
  if (absl::Status status = RunAll(*systems, *cases, *extent, &report); !status.ok()) return status;
  if (is_short) {
    std::cout << absl::StrCat(cases->size(), " workloads on ", systems->size(),
                              " systems: everything that was published was heard, once and in order\n");
    return absl::OkStatus();
  }
  const auto print = [&](std::ostream& out) {
    for (const auto& [name, text] : heading) out << name << ": " << text << "\n";
    out << "\n";
    report.PrintTable(out);
  };
  print(std::cout);
  if (absl::Status status = Write(absl::GetFlag(FLAGS_table), print); !status.ok()) return status;
  return Write(absl::GetFlag(FLAGS_json), [&](std::ostream& out) { report.PrintJson(heading, out); });
}

}  // namespace
}  // namespace nmq::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures nmq and its peers: nmq_bench --nmqd=PROGRAM --floor_server=PROGRAM ...");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = nmq::bench::Run();
  if (status.ok()) return 0;
  std::cerr << "nmq_bench: " << status << std::endl;
  return 1;
}
