// Measures an nmqd: see README.md.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/library_client.h"
#include "tests/bench/machine.h"
#include "tests/bench/raw_client.h"
#include "tests/bench/server_process.h"
#include "tests/bench/workload.h"

ABSL_FLAG(std::string, nmqd, "", "The server's program; each measurement starts one of its own.");
ABSL_FLAG(std::vector<std::string>, nmqd_flags, {}, "Flags for the server, separated by commas.");
ABSL_FLAG(std::string, nmqd_log, "/dev/null", "File to which the server's standard error is appended.");
ABSL_FLAG(std::string, server, "", "HOST:PORT of a running server, instead of --nmqd.");
ABSL_FLAG(int, server_pid, 0, "Process id of that server, for its processor time and memory.");
ABSL_FLAG(std::vector<std::string>, only, (std::vector<std::string>{"T1", "T10", "T100", "L", "I"}),
          "What to measure: T<subscribers> throughput, L<subscribers> latency (L: 10), I idle subscriptions.");
ABSL_FLAG(int, rounds, 1, "How often each is measured.");
ABSL_FLAG(double, seconds, 5, "Measured time of T and L.");
ABSL_FLAG(double, warm_up, 1, "Seconds before that.");
ABSL_FLAG(int, payload, 128, "Bytes of a payload, at least 8.");
ABSL_FLAG(int, channels, 10, "Connections of the subscribers at the most.");
ABSL_FLAG(int, threads, 1, "Threads that poll for the subscribers.");
ABSL_FLAG(int, batch, 100, "Messages of a batch of T.");
ABSL_FLAG(int, window, 16, "Unanswered batches of T at the most.");
ABSL_FLAG(uint64_t, lag, 20000, "Messages that the slowest subscriber of T may be behind before publishing pauses.");
ABSL_FLAG(int, rate, 2000, "Messages a second of L.");
ABSL_FLAG(std::string, publish, "stream", "How L publishes: stream (PublishStream, batches of 1) or unary (Publish).");
ABSL_FLAG(int, idle_subscriptions, 10000, "Subscriptions of I.");
ABSL_FLAG(int, idle_connections, 100, "Connections of I.");
ABSL_FLAG(int, idle_clients, 100, "Clients (sessions) of I.");
ABSL_FLAG(double, idle_seconds, 0, "How long idleness is watched; 0: as long as the server's heartbeat.");
ABSL_FLAG(std::string, client, "raw", "raw (gRPC frames, cheap) or library (the C++ client library; not for I).");
ABSL_FLAG(std::string, channel_settings, "", "Arguments of the raw client's channels: name=number,...");
ABSL_FLAG(std::string, json, "", "File for the figures, as JSON.");
ABSL_FLAG(std::string, commit, "unknown", "What was measured, for the heading.");

namespace nmq::bench {
namespace {

absl::StatusOr<Options> ReadOptions() {
  Options options;
  options.warm_up = absl::Seconds(absl::GetFlag(FLAGS_warm_up));
  options.measured = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  options.payload_bytes = absl::GetFlag(FLAGS_payload);
  options.channels = absl::GetFlag(FLAGS_channels);
  options.threads = absl::GetFlag(FLAGS_threads);
  options.batch = absl::GetFlag(FLAGS_batch);
  options.window = absl::GetFlag(FLAGS_window);
  options.lag = absl::GetFlag(FLAGS_lag);
  options.per_second = absl::GetFlag(FLAGS_rate);
  options.idle_subscriptions = absl::GetFlag(FLAGS_idle_subscriptions);
  options.idle_connections = absl::GetFlag(FLAGS_idle_connections);
  options.idle_clients = absl::GetFlag(FLAGS_idle_clients);
  options.idle_watched = absl::Seconds(absl::GetFlag(FLAGS_idle_seconds));
  const std::string publish = absl::GetFlag(FLAGS_publish);
  if (publish != "stream" && publish != "unary") {
    return absl::InvalidArgumentError(absl::StrCat("--publish is stream or unary, not ", publish));
  }
  const std::vector<std::string> only = absl::GetFlag(FLAGS_only);
  if (absl::GetFlag(FLAGS_client) == "library" && std::find(only.begin(), only.end(), "I") != only.end()) {
    return absl::InvalidArgumentError("I is for --client=raw: the library has a thread for each subscription");
  }
  options.pace = publish == "unary" ? PaceMode::kUnary : PaceMode::kStream;
  if (options.payload_bytes < 8) return absl::InvalidArgumentError("--payload is at least 8");
  for (const int number : {options.channels, options.threads, options.batch, options.window, options.per_second,
                           options.idle_subscriptions, options.idle_connections, options.idle_clients}) {
    if (number < 1) return absl::InvalidArgumentError("a number is below 1");
  }
  return options;
}

// The server that one measurement uses: one of our own, or the one that runs.
struct Server {
  std::unique_ptr<ServerProcess> own;
  std::string address;
  pid_t pid = 0;
};

absl::StatusOr<Server> FindServer() {
  Server server;
  server.address = absl::GetFlag(FLAGS_server);
  server.pid = absl::GetFlag(FLAGS_server_pid);
  if (!server.address.empty()) return server;
  const std::string program = absl::GetFlag(FLAGS_nmqd);
  if (program.empty()) return absl::InvalidArgumentError("neither --nmqd nor --server is given");
  absl::StatusOr<std::unique_ptr<ServerProcess>> own =
      ServerProcess::Start(program, absl::GetFlag(FLAGS_nmqd_flags), absl::GetFlag(FLAGS_nmqd_log));
  if (!own.ok()) {
    return absl::Status(own.status().code(), absl::StrCat(own.status().message(), " (--nmqd_log=FILE shows why)"));
  }
  server.address = (*own)->address();
  server.pid = (*own)->pid();
  server.own = *std::move(own);
  return server;
}

// The number behind the workload's letter, or `otherwise` if there is none.
absl::StatusOr<int> SubscribersOf(absl::string_view workload, int otherwise) {
  const absl::string_view number = workload.substr(1);
  int subscribers = otherwise;
  if ((!number.empty() && !absl::SimpleAtoi(number, &subscribers)) || subscribers < 1) {
    return absl::InvalidArgumentError(absl::StrCat("no such workload: ", workload));
  }
  return subscribers;
}

absl::Status RunWorkload(const Options& options, const Target& target, const std::string& workload, Report* report) {
  const char kind = workload.empty() ? '?' : workload[0];
  if (workload == "I") return RunIdle(options, target, workload, report);
  const absl::StatusOr<int> subscribers = SubscribersOf(workload.empty() ? "?" : workload, kind == 'L' ? 10 : 0);
  if (!subscribers.ok()) return subscribers.status();
  if (kind == 'T') return RunThroughput(options, target, workload, *subscribers, report);
  if (kind == 'L') return RunLatency(options, target, workload, *subscribers, report);
  return absl::InvalidArgumentError(absl::StrCat("no such workload: ", workload));
}

absl::StatusOr<std::unique_ptr<Client>> MakeClient(const std::string& address) {
  const std::string kind = absl::GetFlag(FLAGS_client);
  if (kind == "library") return MakeLibraryClient(address);
  if (kind != "raw") return absl::InvalidArgumentError(absl::StrCat("--client is raw or library, not ", kind));
  absl::StatusOr<ChannelSettings> settings = ParseChannelSettings(absl::GetFlag(FLAGS_channel_settings));
  if (!settings.ok()) return settings.status();
  return MakeRawClient({address, *std::move(settings)});
}

absl::Status RunRound(const Options& options, const std::string& workload, int round, Report* report) {
  absl::StatusOr<Server> server = FindServer();
  if (!server.ok()) return server.status();
  absl::StatusOr<std::unique_ptr<Client>> client = MakeClient(server->address);
  if (!client.ok()) return client.status();
  const Target target = {
      .client = client->get(), .server = server->pid, .queue = absl::StrCat("bench-", workload, "-", round)};
  if (const absl::Status status = RunWorkload(options, target, workload, report); !status.ok()) return status;
  return server->own == nullptr ? absl::OkStatus() : server->own->Stop();
}

void PrintHeading() {
  std::cout << "nmq benchmark, " << absl::FormatTime("%Y-%m-%d %H:%M", absl::Now(), absl::UTCTimeZone())
            << " UTC, commit " << absl::GetFlag(FLAGS_commit) << ", " << DescribeBuild() << "\n"
            << DescribeMachine() << "\nclient: " << absl::GetFlag(FLAGS_client) << "\n"
            << "The server and this client share the machine. T: publishing pauses while the slowest subscriber is "
            << absl::GetFlag(FLAGS_lag) << " messages behind,\nso its latency is mostly that queue.\n\n";
}

absl::Status Run() {
  const absl::StatusOr<Options> options = ReadOptions();
  if (!options.ok()) return options.status();
  PrintHeading();
  Report report;
  for (int round = 1; round <= absl::GetFlag(FLAGS_rounds); ++round) {
    for (const std::string& workload : absl::GetFlag(FLAGS_only)) {
      std::cerr << "round " << round << ": " << workload << std::endl;
      const absl::Status status = RunRound(*options, workload, round, &report);
      if (!status.ok()) return absl::Status(status.code(), absl::StrCat(workload, ": ", status.message()));
    }
  }
  report.PrintTable(std::cout);
  const std::string path = absl::GetFlag(FLAGS_json);
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  report.PrintJson(file);
  file.close();
  return file ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

}  // namespace
}  // namespace nmq::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures an nmqd: nmq_bench --nmqd=PROGRAM, or --server=HOST:PORT --server_pid=PID.");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = nmq::bench::Run();
  if (status.ok()) return 0;
  std::cerr << "nmq_bench: " << status << std::endl;
  return 1;
}
