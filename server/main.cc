// nmqd: flags, wiring, signals.
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/random.h"
#include "base/version.h"
#include "glog/logging.h"
#include "server/access/file_access.h"
#include "server/broker/broker.h"
#include "server/call/access.h"
#include "server/command_line.h"
#include "server/config/config.h"
#include "server/grpc/server.h"
#include "server/health_check.h"
#include "server/housekeeping/broker_tasks.h"
#include "server/housekeeping/housekeeper.h"
#include "server/housekeeping/memory_tasks.h"
#include "server/http2/server.h"
#include "server/http2/tls_context.h"
#include "server/last_words.h"
#include "server/limits/descriptors.h"
#include "server/limits/heap.h"
#include "server/limits/memory.h"
#include "server/limits/memory_shares.h"
#include "server/queue/lanes.h"
#include "server/queue/storage.h"
#include "server/reference.h"
#include "server/rpc/listen.h"
#include "server/rpc/transport.h"
#include "server/service/services.h"
#include "server/service_manager.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "HOST:PORT to serve gRPC on; port 0 picks a free one; without a host, 127.0.0.1. Without --access "
          "and --tls_client_ca, clients are not asked who they are: with an address that other machines reach, all of "
          "them may do "
          "everything");
ABSL_FLAG(std::string, config, "",
          "file with limits and namespaces, in the text format of nmq.config.v1.Config; empty for the defaults");
ABSL_FLAG(
    std::string, access, "",
    "file with who may do what, in the text format of nmq.config.v1.Access: callers show a token. Read again when it "
    "changes; empty: everybody may do everything");
ABSL_FLAG(
    std::string, data_dir, "",
    "directory for durable and buffered queues, and for what is made while the server runs; without it nmq-data if "
    "the configuration has such queues, and otherwise nothing is kept");
ABSL_FLAG(int, threads, 0, "threads that serve calls; 0 for one for every two processors");
ABSL_FLAG(absl::Duration, drain_grace, absl::Seconds(5),
          "how long clients have to leave when the server is told to stop: it asks them one after the other, about 200 "
          "a second, and all in the first half; at most 8s");
ABSL_FLAG(
    bool, accept_data_loss, false,
    "for one start: serve although messages that were stored are lost from --data_dir; every queue there begins a "
    "new epoch");
ABSL_FLAG(std::string, transport, "http2",
          "what carries calls: http2, the server's own on nghttp2, or grpc, the server of gRPC's library");
ABSL_FLAG(std::string, tls_certificate, "",
          "PEM file with the server's certificate and those up to its CA: serves TLS only; empty "
          "for plain text. It and the other two files are read again when they change");
ABSL_FLAG(std::string, tls_key, "", "PEM file with the private key of --tls_certificate");
ABSL_FLAG(std::string, tls_client_ca, "",
          "PEM file with CAs: only clients with a certificate of one of them are served; empty for any client");
ABSL_FLAG(bool, print_reference, false, "serve nothing: print what can be configured, as Markdown, and end");
ABSL_FLAG(
    bool, health_check, false,
    "serve nothing: ask the server that runs at --listen for its health, and end with 0 if it serves, else with 1");

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr absl::Duration kDrainGraceMax = absl::Seconds(8);
constexpr absl::Duration kHealthCheckPatience = absl::Seconds(3);
constexpr int kThreadsMax = 64;
constexpr absl::Duration kAccessPeriod = absl::Seconds(1);
constexpr char kDataDir[] = "nmq-data";
constexpr char kGrpc[] = "grpc";
constexpr char kHttp2[] = "http2";
// Those that can come from the environment: the others are for one run and not how a server is set up.
constexpr const char* kFlags[] = {"listen",      "config",    "access",          "data_dir", "threads",
                                  "drain_grace", "transport", "tls_certificate", "tls_key",  "tls_client_ca"};

int Fail(int code, const std::string& why) {
  std::cerr << "nmqd: " << why << std::endl;
  return code;
}

const nmq::FlagKinds& Kinds() {
  static const auto* const kinds = new nmq::FlagKinds{
      {"threads", absl::StrCat("a whole number from 0 to ", kThreadsMax)},
      {"drain_grace",
       absl::StrCat("a time from 0s to ", absl::FormatDuration(kDrainGraceMax), ", such as 500ms or 5s")},
      {"transport", absl::StrCat(kHttp2, " or ", kGrpc)}};
  return *kinds;
}

// NMQ_LISTEN stands for --listen, and so on. The command line wins.
absl::Status TakeEnvironment() {
  for (const char* flag : kFlags) {
    const std::string name = nmq::EnvironmentName(flag);
    const char* value = getenv(name.c_str());
    if (value == nullptr) continue;
    absl::Status status = nmq::SetFlag(flag, name, value, Kinds());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Why values that flags can have are none that nmqd takes; empty if it does.
std::string CheckValues() {
  const int threads = absl::GetFlag(FLAGS_threads);
  if (threads < 0 || threads > kThreadsMax) {
    return nmq::WrongValue(absl::StrCat("--threads=", threads), Kinds().at("threads"));
  }
  const std::string transport = absl::GetFlag(FLAGS_transport);
  if (transport != kGrpc && transport != kHttp2) {
    return nmq::WrongValue(absl::StrCat("--transport=", transport), Kinds().at("transport"));
  }
  const absl::Duration grace = absl::GetFlag(FLAGS_drain_grace);
  if (grace < absl::ZeroDuration() || grace > kDrainGraceMax) {
    return nmq::WrongValue(absl::StrCat("--drain_grace=", absl::FormatDuration(grace)), Kinds().at("drain_grace"));
  }
  return "";
}

// "1 thread", "2 threads".
std::string Counted(size_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

void BlockSignals(sigset_t* signals) {
  sigemptyset(signals);
  sigaddset(signals, SIGTERM);
  sigaddset(signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void TellManager(const std::string& state) {
  const absl::Status told = nmq::NotifyServiceManager(state);
  if (!told.ok()) LOG(WARNING) << "the service manager does not hear what nmqd does: " << told.message();
}

// Stops in order at the first signal, at once at a second one.
void WaitAndStop(const sigset_t& signals, nmq::Services* services) {
  int signal = 0;
  sigwait(&signals, &signal);
  TellManager("STOPPING=1\n");
  const absl::Duration grace = absl::GetFlag(FLAGS_drain_grace);
  LOG(INFO) << "stopping after " << strsignal(signal) << ": " << services->streams() << " streams have up to " << grace;
  std::thread hurry([&signals, services] {
    int again = 0;
    sigwait(&signals, &again);
    services->Hurry();
  });
  services->Stop(grace);
  // Takes the second signal, if it has not come by itself.
  pthread_kill(hurry.native_handle(), SIGTERM);
  hurry.join();
}

bool HasQueuesOnDisk(const nmq::ServerConfig& config) {
  for (const nmq::NamespaceConfig& name_space : config.namespaces) {
    for (const nmq::QueueConfig& queue : name_space.queues) {
      if (queue.durability != nmq::v1::DURABILITY_LIVE) return true;
    }
  }
  return false;
}

// Null if nothing is to be kept on disk.
absl::StatusOr<std::unique_ptr<nmq::broker::Storage>> OpenStorage(const nmq::ServerConfig& config, int open_files) {
  const nmq::MemoryShares shares = nmq::ShareMemory(config.limits.memory_bytes);
  nmq::log::Store::Options options;
  options.write_buffer_bytes = shares.write_buffer;
  options.table_buffer_bytes = shares.table_buffer;
  options.block_cache_bytes = shares.block_cache;
  options.log_bytes = shares.logs;
  options.open_files = open_files;
  options.directory = absl::GetFlag(FLAGS_data_dir);
  if (options.directory.empty()) {
    if (!HasQueuesOnDisk(config)) return nullptr;
    options.directory = kDataDir;
  }
  options.accept_loss = absl::GetFlag(FLAGS_accept_data_loss);
  auto storage = nmq::broker::Storage::Open(options, &nmq::RealClock(), &nmq::SystemRandom());
  if (!storage.ok()) return storage.status();
  absl::Status status = (*storage)->OpenQueues(config);
  if (!status.ok()) return status;
  if (options.accept_loss) {
    LOG(WARNING) << "--accept_data_loss is for one start: leave it away at the next one, which would take another loss";
  }
  for (const std::string& queue : (*storage)->UnopenedQueues()) {
    LOG(WARNING) << "queue " << queue << " is in " << options.directory << " and not in the configuration: not served";
  }
  return storage;
}

// Without a host, this machine only.
std::string ListenAddress() {
  const std::string listen = absl::GetFlag(FLAGS_listen);
  return absl::StartsWith(listen, ":") ? absl::StrCat("127.0.0.1", listen) : listen;
}

nmq::http2::TlsFiles FilesForTls() {
  return {.certificate = absl::GetFlag(FLAGS_tls_certificate),
          .key = absl::GetFlag(FLAGS_tls_key),
          .client_ca = absl::GetFlag(FLAGS_tls_client_ca)};
}

// Why the flags of TLS do not go together; empty if they do.
std::string CheckTlsFlags() {
  const nmq::http2::TlsFiles files = FilesForTls();
  if (files.certificate.empty() != files.key.empty()) {
    return files.key.empty() ? "--tls_certificate needs --tls_key, the file with its private key"
                             : "--tls_key needs --tls_certificate, the file with its certificate";
  }
  if (files.certificate.empty()) {
    return files.client_ca.empty() ? "" : "--tls_client_ca needs --tls_certificate and --tls_key";
  }
  if (absl::GetFlag(FLAGS_transport) == kHttp2 || absl::GetFlag(FLAGS_health_check)) return "";
  return absl::StrCat("--tls_certificate needs --transport=", kHttp2, ": --transport=", absl::GetFlag(FLAGS_transport),
                      " has no TLS");
}

int CheckHealth() {
  // The answer is all that there is to say.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const nmq::HealthCheckTls tls = {.certificate = absl::GetFlag(FLAGS_tls_certificate),
                                   .key = absl::GetFlag(FLAGS_tls_key)};
  const absl::Status status = nmq::CheckHealth(ListenAddress(), tls, kHealthCheckPatience);
  if (!status.ok()) return Fail(kFailed, std::string(status.message()));
  std::cout << "nmqd at " << ListenAddress() << " serves" << std::endl;
  return 0;
}

std::unique_ptr<nmq::rpc::Transport> NewTransport(uint64_t descriptors_max,
                                                  const std::vector<nmq::broker::Lane*>& lanes,
                                                  nmq::broker::Broker* broker) {
  if (absl::GetFlag(FLAGS_transport) == kHttp2) {
    const nmq::http2::ServerOptions options = {
        .listen = ListenAddress(), .tls = FilesForTls(), .descriptors_max = descriptors_max};
    return std::make_unique<nmq::http2::Server>(options, lanes, broker);
  }
  const nmq::rpc::GrpcServerOptions options = {.listen = ListenAddress(), .descriptors_max = descriptors_max};
  return std::make_unique<nmq::rpc::GrpcServer>(options, lanes, broker);
}

// Null if everybody may do everything.
absl::StatusOr<std::unique_ptr<nmq::FileAccess>> LoadAccess() {
  const std::string file = absl::GetFlag(FLAGS_access);
  if (file.empty()) return nullptr;
  auto access = nmq::FileAccess::Load(file);
  if (!access.ok()) return nmq::WithContext(access.status(), "--access");
  return access;
}

int Serve() {
#ifdef NDEBUG
  // The distribution's Abseil looks for cycles in the order of all mutexes, gRPC's too, at each lock. Builds for tests
  // leave that on.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  const uint64_t memory = nmq::MemoryLimitBytes();
  nmq::FitHeap(memory);
  const std::string file = absl::GetFlag(FLAGS_config);
  absl::StatusOr<nmq::ServerConfig> config = nmq::DefaultConfig(memory);
  if (!file.empty()) config = nmq::LoadConfigFile(file, memory);
  if (!config.ok()) return Fail(kFailed, std::string(config.status().message()));
  const auto access = LoadAccess();
  if (!access.ok()) return Fail(kFailed, std::string(access.status().message()));

  sigset_t signals;
  BlockSignals(&signals);
  int threads = absl::GetFlag(FLAGS_threads);
  if (threads == 0) threads = std::clamp<int>(std::thread::hardware_concurrency() / 2, 1, kThreadsMax);
  const nmq::DescriptorShares descriptors = nmq::ShareDescriptors(nmq::RaiseDescriptorLimit());
  auto storage = OpenStorage(*config, descriptors.store_files);
  if (!storage.ok()) return Fail(kFailed, std::string(storage.status().message()));
  nmq::broker::Lanes lanes;
  const std::vector<nmq::broker::Lane*> grpc_lanes = lanes.Add(threads);
  const nmq::Access* const asked = *access == nullptr ? &nmq::OpenAccess() : access->get();
  nmq::broker::Broker broker(*config, &nmq::RealClock(), &nmq::SystemRandom(), std::move(lanes), storage->get(), asked);
  const std::unique_ptr<nmq::rpc::Transport> server = NewTransport(descriptors.connections, grpc_lanes, &broker);
  nmq::Housekeeper housekeeper("housekeeper", nmq::PromptTasks(&broker), &nmq::RealClock());
  std::vector<nmq::Housekeeper::Task> tasks = nmq::MaintenanceTasks(&broker);
  if (*access != nullptr) {
    tasks.push_back({"access", kAccessPeriod, [&access, &server] {
                       if ((*access)->Refresh()) server->CheckAccess();
                     }});
  }
  nmq::Housekeeper maintenance("maintenance", std::move(tasks), &nmq::RealClock());
  nmq::Housekeeper keeper("memory",
                          nmq::MemoryTasks(memory, [&server](nmq::MemoryUse use) { server->RelieveMemory(use); }),
                          &nmq::RealClock());
  // What serves comes first: housekeeping makes work for it, and so must end before it.
  nmq::Services services(&nmq::RealClock());
  services.Add(server.get());
  services.Add(&housekeeper);
  services.Add(&maintenance);
  services.Add(&keeper);
  const absl::Status started = services.Start();
  if (!started.ok()) return Fail(kFailed, std::string(started.message()));

  const nmq::http2::TlsFiles tls = FilesForTls();
  LOG(INFO) << "nmqd " << nmq::kVersion << " serves gRPC " << (tls.certificate.empty() ? "on " : "over TLS on ")
            << server->address() << " with " << Counted(threads, "thread") << " and "
            << Counted(config->namespaces.size(), "namespace");
  if (*access != nullptr) {
    LOG(INFO) << "serves only those whom " << absl::GetFlag(FLAGS_access) << " names: " << (*access)->identities();
  }
  if (tls.client_ca.empty() && *access == nullptr && !nmq::rpc::IsLoopback(ListenAddress())) {
    LOG(WARNING)
        << "--listen=" << ListenAddress() << " is open to other machines, and nobody is asked who they are: "
        << "whoever reaches it may read, publish and administer everything. Let only those reach it who may, by "
        << "--access, a firewall, a private network or --tls_client_ca, or listen on 127.0.0.1";
  }
  std::cout << "nmqd ready grpc=" << server->address() << " version=" << nmq::kVersion << " pid=" << getpid()
            << std::endl;
  TellManager(absl::StrCat("READY=1\nSTATUS=serves gRPC on ", server->address(), "\n"));
  WaitAndStop(signals, &services);
  LOG(INFO) << "stopped";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  nmq::InstallLastWords();
  // What it writes is for its user only, whatever the directory lets others do.
  umask(S_IRWXG | S_IRWXO);
  constexpr char kWhatItIs[] =
      "the nmq server: namespaces, rooms and queues over gRPC.\n\n"
      "  nmqd                             serve on 127.0.0.1:50051\n"
      "  nmqd --listen=0.0.0.0:50051      for other machines too\n"
      "  nmqd --config=nmq.textproto      with declared namespaces and queues\n"
      "  nmqd --health_check              ask the one that runs whether it serves\n\n"
      "The flags of how it serves can be given as environment variables, too: NMQ_LISTEN, NMQ_CONFIG, NMQ_ACCESS,\n"
      "NMQ_DATA_DIR, NMQ_THREADS, NMQ_DRAIN_GRACE, NMQ_TRANSPORT, NMQ_TLS_CERTIFICATE, NMQ_TLS_KEY, NMQ_TLS_CLIENT_CA.";
  absl::SetProgramUsageMessage(kWhatItIs);
  absl::FlagsUsageConfig usage;
  usage.version_string = [] { return absl::StrCat("nmqd ", nmq::kVersion, "\n"); };
  usage.contains_help_flags = [](absl::string_view path) { return absl::EndsWith(path, "server/main.cc"); };
  absl::SetFlagsUsageConfig(usage);
  std::vector<std::string> words = nmq::PlainFlags({argv + 1, argv + argc});
  if (nmq::AsksForHelp(words)) {
    std::cout << nmq::HelpText(kWhatItIs);
    return 0;
  }
  absl::Status flags = TakeEnvironment();
  if (flags.ok()) flags = nmq::CheckFlags(words, Kinds());
  if (!flags.ok()) return Fail(kUsage, std::string(flags.message()));
  std::vector<char*> arguments = {argv[0]};
  for (std::string& word : words) arguments.push_back(word.data());
  const std::vector<char*> rest = absl::ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
  if (rest.size() > 1) {
    const std::string unknown = absl::StrJoin(rest.begin() + 1, rest.end(), "' '");
    return Fail(kUsage, absl::StrCat("does not understand '", unknown.substr(0, 80), "'; see nmqd --help"));
  }
  if (absl::GetFlag(FLAGS_print_reference)) {
    std::cout << nmq::Reference(kFlags);
    return 0;
  }
  const std::string value = CheckValues();
  if (!value.empty()) return Fail(kUsage, value);
  const std::string tls = CheckTlsFlags();
  if (!tls.empty()) return Fail(kUsage, tls);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return absl::GetFlag(FLAGS_health_check) ? CheckHealth() : Serve();
}
