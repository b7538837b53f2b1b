// nmqd: wiring, signals.
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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
#include "server/audit/audit_log.h"
#include "server/broker/broker.h"
#include "server/call/access.h"
#include "server/command_line.h"
#include "server/config/config.h"
#include "server/flags.h"
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
#include "server/rpc/transport.h"
#include "server/service/services.h"
#include "server/service_manager.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr absl::Duration kHealthCheckPatience = absl::Seconds(3);
constexpr absl::Duration kAccessPeriod = absl::Seconds(1);
constexpr char kDataDir[] = "nmq-data";
constexpr absl::Duration kAuditPeriod = absl::Seconds(1);
constexpr absl::Duration kWarnPeriod = absl::Hours(1);

int Fail(int code, const std::string& why) {
  std::cerr << "nmqd: " << why << std::endl;
  return code;
}

// "1 thread", "2 threads".
std::string Counted(size_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}
std::string Counted(size_t count, absl::string_view one, absl::string_view several) {
  return absl::StrCat(count, " ", count == 1 ? one : several);
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

// Stops in order at the first signal, at once at a second one. With an audit log, a hangup has it opened again.
void WaitAndStop(const sigset_t& signals, nmq::AuditLog* audit, nmq::Services* services) {
  int signal = 0;
  sigset_t with_hangup = signals;
  if (audit != nullptr) sigaddset(&with_hangup, SIGHUP);
  do {
    sigwait(&with_hangup, &signal);
    if (signal == SIGHUP) audit->Reopen();
  } while (signal == SIGHUP);
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

int CheckHealth() {
  // The answer is all that there is to say.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const nmq::HealthCheckTls tls = {.certificate = absl::GetFlag(FLAGS_tls_certificate),
                                   .key = absl::GetFlag(FLAGS_tls_key)};
  const absl::Status status =
      nmq::CheckHealth(nmq::ListenAddress(), absl::GetFlag(FLAGS_health_check_service), tls, kHealthCheckPatience);
  if (!status.ok()) return Fail(kFailed, std::string(status.message()));
  std::cout << "nmqd at " << nmq::ListenAddress() << " serves" << std::endl;
  return 0;
}

std::unique_ptr<nmq::rpc::Transport> NewTransport(uint64_t descriptors_max,
                                                  const std::vector<nmq::broker::Lane*>& lanes,
                                                  nmq::broker::Broker* broker) {
  if (nmq::UsesHttp2()) {
    const nmq::http2::ServerOptions options = {
        .listen = nmq::ListenAddress(), .tls = nmq::FilesForTls(), .descriptors_max = descriptors_max};
    return std::make_unique<nmq::http2::Server>(options, lanes, broker);
  }
  const nmq::rpc::GrpcServerOptions options = {.listen = nmq::ListenAddress(), .descriptors_max = descriptors_max};
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

// Null if there is to be none. From here on a hangup is not the end of the program, if there is one. Before any other
// thread starts.
absl::StatusOr<std::unique_ptr<nmq::AuditLog>> OpenAudit() {
  const std::string file = absl::GetFlag(FLAGS_audit_log);
  if (file.empty()) return nullptr;
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &hangup, nullptr);
  auto log = nmq::AuditLog::Open(file, &nmq::RealClock());
  if (!log.ok()) return nmq::WithContext(log.status(), "--audit_log");
  return log;
}

void AddAudit(nmq::AuditLog* log, nmq::broker::Broker* broker) {
  broker->set_audit(log);
  broker->metrics().AddGauge("nmq_audit_lines_left_out", "Lines that the audit log left out since the start: too many.",
                             [log] { return static_cast<double>(log->left_out()); });
  broker->metrics().AddGauge("nmq_audit_lines_failed", "Lines that could not be written to the audit log.",
                             [log] { return static_cast<double>(log->failed()); });
}

// What nobody waits for. `access` and `audit` may be null; all must outlive the tasks.
std::vector<nmq::Housekeeper::Task> MaintenanceTasks(nmq::FileAccess* access, nmq::AuditLog* audit,
                                                     nmq::rpc::Transport* server, nmq::broker::Broker* broker) {
  std::vector<nmq::Housekeeper::Task> tasks = nmq::MaintenanceTasks(broker);
  if (access != nullptr) {
    tasks.push_back({"access", kAccessPeriod, [access, server, broker] {
                       if (access->Refresh()) {
                         server->CheckAccess();
                         broker->EndForbidden();
                       }
                       broker->CheckQuestions();
                     }});
  }
  if (audit != nullptr) {
    tasks.push_back({"audit", kAuditPeriod, [audit] { audit->TellLeftOut(); }});
  }
  const std::string exposure = nmq::Exposure();
  if (!exposure.empty()) {
    tasks.push_back({"exposure", kWarnPeriod, [exposure] { LOG(WARNING) << exposure; }});
  }
  return tasks;
}

// That it serves, and whom. `access` may be null.
void TellReady(const std::string& address, int threads, size_t namespaces, const nmq::FileAccess* access) {
  const nmq::http2::TlsFiles tls = nmq::FilesForTls();
  LOG(INFO) << "nmqd " << nmq::kVersion << " serves gRPC " << (tls.certificate.empty() ? "on " : "over TLS on ")
            << address << " with " << Counted(threads, "thread") << " and " << Counted(namespaces, "namespace");
  if (access != nullptr) {
    LOG(INFO) << "serves only those whom " << absl::GetFlag(FLAGS_access)
              << " names: " << Counted(access->identities(), "identity", "identities") << ", and those whom "
              << Counted(access->issuers(), "issuer") << " of tokens names";
  }
  const std::string exposure = nmq::Exposure();
  if (!exposure.empty()) LOG(WARNING) << exposure << "; this is wanted by --insecure_listen";
  std::cout << "nmqd ready grpc=" << address << " version=" << nmq::kVersion << " pid=" << getpid() << std::endl;
  TellManager(absl::StrCat("READY=1\nSTATUS=serves gRPC on ", address, "\n"));
}

int Serve() {
#ifdef NDEBUG
  // The distribution's Abseil looks for cycles in the order of all mutexes, gRPC's too, at each lock. Builds for tests
  // leave that on.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  // Its memory has secrets. Other processes of its user cannot look into it, either.
  if (!absl::GetFlag(FLAGS_core_dumps)) prctl(PR_SET_DUMPABLE, 0);
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
  const auto audit = OpenAudit();
  if (!audit.ok()) return Fail(kFailed, std::string(audit.status().message()));
  const int threads = nmq::Threads();
  const nmq::DescriptorShares descriptors = nmq::ShareDescriptors(nmq::RaiseDescriptorLimit());
  auto storage = OpenStorage(*config, descriptors.store_files);
  if (!storage.ok()) return Fail(kFailed, std::string(storage.status().message()));
  nmq::broker::Lanes lanes;
  const std::vector<nmq::broker::Lane*> grpc_lanes = lanes.Add(threads);
  const nmq::Access* const asked = *access == nullptr ? &nmq::OpenAccess() : access->get();
  nmq::broker::Broker broker(*config, &nmq::RealClock(), &nmq::SystemRandom(), std::move(lanes), storage->get(), asked);
  if (*audit != nullptr) AddAudit(audit->get(), &broker);
  const std::unique_ptr<nmq::rpc::Transport> server = NewTransport(descriptors.connections, grpc_lanes, &broker);
  nmq::Housekeeper housekeeper("housekeeper", nmq::PromptTasks(&broker), &nmq::RealClock());
  nmq::Housekeeper maintenance("maintenance", MaintenanceTasks(access->get(), audit->get(), server.get(), &broker),
                               &nmq::RealClock());
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

  TellReady(server->address(), threads, config->namespaces.size(), access->get());
  WaitAndStop(signals, audit->get(), &services);
  LOG(INFO) << "stopped";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC's traces show tokens and payloads.
  unsetenv("GRPC_TRACE");
  nmq::InstallLastWords();
  // What it writes is for its user only, whatever the directory lets others do.
  umask(S_IRWXG | S_IRWXO);
  constexpr char kWhatItIs[] =
      "the nmq server: namespaces, rooms and queues over gRPC.\n\n"
      "  nmqd                             serve on 127.0.0.1:50051\n"
      "  nmqd --listen=0.0.0.0:50051 ...  for other machines too, with TLS and identities\n"
      "  nmqd --config=nmq.textproto      with declared namespaces and queues\n"
      "  nmqd --health_check              ask the one that runs whether it serves\n\n"
      "The flags of how it serves can be given as environment variables, too: NMQ_LISTEN, NMQ_CONFIG, NMQ_ACCESS,\n"
      "NMQ_DATA_DIR, NMQ_THREADS, NMQ_DRAIN_GRACE, NMQ_TRANSPORT, NMQ_TLS_CERTIFICATE, NMQ_TLS_KEY, "
      "NMQ_TLS_CLIENT_CA,\n"
      "NMQ_INSECURE_LISTEN, NMQ_CORE_DUMPS, NMQ_AUDIT_LOG.";
  absl::SetProgramUsageMessage(kWhatItIs);
  absl::FlagsUsageConfig usage;
  usage.version_string = [] { return absl::StrCat("nmqd ", nmq::kVersion, "\n"); };
  usage.contains_help_flags = [](absl::string_view path) { return absl::EndsWith(path, "server/flags.cc"); };
  absl::SetFlagsUsageConfig(usage);
  std::vector<std::string> words = nmq::PlainFlags({argv + 1, argv + argc});
  if (nmq::AsksForHelp(words)) {
    std::cout << nmq::HelpText(kWhatItIs);
    return 0;
  }
  absl::Status flags = nmq::TakeEnvironment();
  if (flags.ok()) flags = nmq::CheckFlags(words, nmq::KindsOfFlags());
  if (!flags.ok()) return Fail(kUsage, std::string(flags.message()));
  std::vector<char*> arguments = {argv[0]};
  for (std::string& word : words) arguments.push_back(word.data());
  const std::vector<char*> rest = absl::ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
  if (rest.size() > 1) {
    const std::string unknown = absl::StrJoin(rest.begin() + 1, rest.end(), "' '");
    return Fail(kUsage, absl::StrCat("does not understand '", unknown.substr(0, 80), "'; see nmqd --help"));
  }
  if (absl::GetFlag(FLAGS_print_reference)) {
    std::cout << nmq::Reference(nmq::FlagsOfTheEnvironment());
    return 0;
  }
  flags = nmq::CheckFlagValues();
  if (flags.ok() && !absl::GetFlag(FLAGS_health_check)) flags = nmq::CheckExposure();
  if (!flags.ok()) return Fail(kUsage, std::string(flags.message()));
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return absl::GetFlag(FLAGS_health_check) ? CheckHealth() : Serve();
}
