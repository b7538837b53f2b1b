#include "server/flags.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/reference.h"
#include "server/rpc/listen.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "HOST:PORT to serve gRPC on; port 0 picks a free one; without a host, 127.0.0.1. An address that "
          "other machines reach needs TLS, and --access or --tls_client_ca, or --insecure_listen");
ABSL_FLAG(std::string, config, "",
          "file with limits and namespaces, in the text format of nmq.config.v1.Config; empty for the defaults");
ABSL_FLAG(
    std::string, access, "",
    "file with who may do what, in the text format of nmq.config.v1.Access: callers show a token. Read again when it "
    "changes; empty: everybody may do everything");
ABSL_FLAG(std::string, audit_log, "",
          "file to which each call of Admin and each refusal is appended as a line of JSON, or stderr; opened again at "
          "SIGHUP; empty: nowhere");
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
ABSL_FLAG(bool, insecure_listen, false,
          "serve on an address that other machines reach although what they send can be read on the way, or nobody "
          "is asked who they are; the log says so every hour");
ABSL_FLAG(bool, core_dumps, false,
          "let the system write a core if the server dies: it holds tokens, the private key and messages");
ABSL_FLAG(bool, print_reference, false, "serve nothing: print what can be configured, as Markdown, and end");
ABSL_FLAG(
    bool, health_check, false,
    "serve nothing: ask the server that runs at --listen for its health, and end with 0 if it serves, else with 1");
ABSL_FLAG(std::string, health_check_service, "",
          "the service that --health_check asks about: liveness, which serves also while the server drains or its disk "
          "fails; empty for the whole");

namespace nmq {
namespace {

constexpr absl::Duration kDrainGraceMax = absl::Seconds(8);
constexpr int kThreadsMax = 64;
constexpr char kGrpc[] = "grpc";
constexpr char kHttp2[] = "http2";

absl::Status CheckTlsFlags() {
  const http2::TlsFiles files = FilesForTls();
  if (files.certificate.empty() != files.key.empty()) {
    return absl::InvalidArgumentError(files.key.empty()
                                          ? "--tls_certificate needs --tls_key, the file with its private key"
                                          : "--tls_key needs --tls_certificate, the file with its certificate");
  }
  if (files.certificate.empty()) {
    if (files.client_ca.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("--tls_client_ca needs --tls_certificate and --tls_key");
  }
  if (UsesHttp2() || absl::GetFlag(FLAGS_health_check)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--tls_certificate needs --transport=", kHttp2,
                                                 ": --transport=", absl::GetFlag(FLAGS_transport), " has no TLS"));
}

}  // namespace

absl::Span<const char* const> FlagsOfTheEnvironment() {
  static constexpr const char* kFlags[] = {
      "listen",          "config",  "access",        "data_dir",        "threads",    "drain_grace", "transport",
      "tls_certificate", "tls_key", "tls_client_ca", "insecure_listen", "core_dumps", "audit_log"};
  return kFlags;
}

const FlagKinds& KindsOfFlags() {
  static const auto* const kinds =
      new FlagKinds{{"threads", absl::StrCat("a whole number from 0 to ", kThreadsMax)},
                    {"drain_grace",
                     absl::StrCat("a time from 0s to ", absl::FormatDuration(kDrainGraceMax), ", such as 500ms or 5s")},
                    {"transport", absl::StrCat(kHttp2, " or ", kGrpc)}};
  return *kinds;
}

absl::Status TakeEnvironment() {
  for (const char* flag : FlagsOfTheEnvironment()) {
    const std::string name = EnvironmentName(flag);
    const char* value = getenv(name.c_str());
    if (value == nullptr) continue;
    absl::Status status = SetFlag(flag, name, value, KindsOfFlags());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckFlagValues() {
  const auto wrong = [](const char* flag, const std::string& value) {
    return absl::InvalidArgumentError(WrongValue(absl::StrCat("--", flag, "=", value), KindsOfFlags().at(flag)));
  };
  const int threads = absl::GetFlag(FLAGS_threads);
  if (threads < 0 || threads > kThreadsMax) return wrong("threads", absl::StrCat(threads));
  const std::string transport = absl::GetFlag(FLAGS_transport);
  if (transport != kGrpc && transport != kHttp2) return wrong("transport", transport);
  const absl::Duration grace = absl::GetFlag(FLAGS_drain_grace);
  if (grace < absl::ZeroDuration() || grace > kDrainGraceMax) return wrong("drain_grace", absl::FormatDuration(grace));
  if (!absl::GetFlag(FLAGS_health_check_service).empty() && !absl::GetFlag(FLAGS_health_check)) {
    return absl::InvalidArgumentError(
        "--health_check_service needs --health_check, which asks a server that runs; this would serve");
  }
  return CheckTlsFlags();
}

std::string Exposure() {
  const http2::TlsFiles tls = FilesForTls();
  const bool plain = tls.certificate.empty();
  const bool unasked = tls.client_ca.empty() && absl::GetFlag(FLAGS_access).empty();
  if ((!plain && !unasked) || rpc::IsLoopback(ListenAddress())) return "";
  return absl::StrCat("--listen=", ListenAddress(), " is open to other machines, and ",
                      plain ? "what they send and hear can be read on the way" : "", plain && unasked ? ", and " : "",
                      unasked ? "nobody is asked who they are: whoever reaches it may read, publish and administer "
                                "everything"
                              : "");
}

absl::Status CheckExposure() {
  if (absl::GetFlag(FLAGS_insecure_listen)) return absl::OkStatus();
  const std::string exposure = Exposure();
  if (exposure.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      exposure,
      "; give it --tls_certificate and --tls_key, and --access or --tls_client_ca, or listen on 127.0.0.1, "
      "or say that it is wanted by --insecure_listen"));
}

std::string ListenAddress() {
  const std::string listen = absl::GetFlag(FLAGS_listen);
  return absl::StartsWith(listen, ":") ? absl::StrCat("127.0.0.1", listen) : listen;
}

http2::TlsFiles FilesForTls() {
  return {.certificate = absl::GetFlag(FLAGS_tls_certificate),
          .key = absl::GetFlag(FLAGS_tls_key),
          .client_ca = absl::GetFlag(FLAGS_tls_client_ca)};
}

bool UsesHttp2() { return absl::GetFlag(FLAGS_transport) == kHttp2; }

int Threads() {
  const int threads = absl::GetFlag(FLAGS_threads);
  return threads == 0 ? std::clamp<int>(std::thread::hardware_concurrency() / 2, 1, kThreadsMax) : threads;
}

}  // namespace nmq
