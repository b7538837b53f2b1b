// How nmqd is told to serve: its flags, and what stands for them in the environment.
#ifndef NMQ_SERVER_FLAGS_H_
#define NMQ_SERVER_FLAGS_H_

#include <string>

#include "absl/flags/declare.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/command_line.h"
#include "server/http2/tls_context.h"

ABSL_DECLARE_FLAG(std::string, listen);
ABSL_DECLARE_FLAG(std::string, config);
ABSL_DECLARE_FLAG(std::string, access);
ABSL_DECLARE_FLAG(std::string, audit_log);
ABSL_DECLARE_FLAG(std::string, data_dir);
ABSL_DECLARE_FLAG(int, threads);
ABSL_DECLARE_FLAG(absl::Duration, drain_grace);
ABSL_DECLARE_FLAG(bool, accept_data_loss);
ABSL_DECLARE_FLAG(std::string, transport);
ABSL_DECLARE_FLAG(std::string, tls_certificate);
ABSL_DECLARE_FLAG(std::string, tls_key);
ABSL_DECLARE_FLAG(std::string, tls_client_ca);
ABSL_DECLARE_FLAG(bool, insecure_listen);
ABSL_DECLARE_FLAG(bool, core_dumps);
ABSL_DECLARE_FLAG(bool, print_reference);
ABSL_DECLARE_FLAG(bool, health_check);
ABSL_DECLARE_FLAG(std::string, health_check_service);

namespace nmq {

// Those that can come from the environment: the others are for one run and not how a server is set up.
absl::Span<const char* const> FlagsOfTheEnvironment();

// What the flags are whose values a type alone does not tell.
const FlagKinds& KindsOfFlags();

// NMQ_LISTEN stands for --listen, and so on. The command line, read later, wins.
absl::Status TakeEnvironment();

// INVALID_ARGUMENT for values, and combinations of them, that nmqd does not take.
absl::Status CheckFlagValues();

// INVALID_ARGUMENT if other machines can reach the address, and what they send can be read on the way or nobody is
// asked who they are, and --insecure_listen does not say that this is wanted. May look up the host.
absl::Status CheckExposure();

// What CheckExposure would refuse without --insecure_listen; empty if that would be nothing.
std::string Exposure();

// --listen; without a host, this machine only.
std::string ListenAddress();

// The files of --tls_certificate, --tls_key and --tls_client_ca.
http2::TlsFiles FilesForTls();

// Whether --transport names the server's own.
bool UsesHttp2();

// --threads, or as many as are right for this machine.
int Threads();

}  // namespace nmq

#endif  // NMQ_SERVER_FLAGS_H_
