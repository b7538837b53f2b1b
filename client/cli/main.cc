#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "client/cli/arguments.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"

int main(int argc, char** argv) {
  // What gRPC logs is for programmers, who may still ask for it.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  // A reader that goes away is noticed by the write that fails.
  std::signal(SIGPIPE, SIG_IGN);
  nmq::cli::Output out(1);
  nmq::cli::Output err(2);
  const nmq::cli::Parsed parsed = nmq::cli::Parse(argc, argv);
  if (!parsed.arguments.has_value()) {
    (parsed.exit_code == 0 ? out : err).Write(parsed.text);
    return parsed.exit_code;
  }
  err.set_json(parsed.arguments->json);
  switch (parsed.arguments->command) {
    case nmq::cli::Command::kPub:
      return nmq::cli::RunPub(*parsed.arguments, STDIN_FILENO, &out, &err);
    case nmq::cli::Command::kSub:
      return nmq::cli::RunSub(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kRequest:
      return nmq::cli::RunRequest(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kReply:
      return nmq::cli::RunReply(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kPing:
      return nmq::cli::RunPing(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kInfo:
      return nmq::cli::RunInfo(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kBenchPub:
    case nmq::cli::Command::kBenchSub:
    case nmq::cli::Command::kBenchRequest:
      return nmq::cli::RunBench(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kToken:
      return nmq::cli::RunToken(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kTokenInspect:
    case nmq::cli::Command::kTokenJwt:
    case nmq::cli::Command::kTokenJwks:
      return nmq::cli::RunSignedToken(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kCertCa:
    case nmq::cli::Command::kCertServer:
    case nmq::cli::Command::kCertClient:
      return nmq::cli::RunCertificate(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kWhoAmI:
      return nmq::cli::RunWhoAmI(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kCan:
      return nmq::cli::RunCan(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kContextAdd:
    case nmq::cli::Command::kContextUse:
    case nmq::cli::Command::kContextList:
    case nmq::cli::Command::kContextShow:
    case nmq::cli::Command::kContextRemove:
      return nmq::cli::RunContext(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kWatch:
      return nmq::cli::RunWatch(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kTop:
      return nmq::cli::RunTop(*parsed.arguments, &out, &err);
    case nmq::cli::Command::kNamespaces:
    case nmq::cli::Command::kQueues:
    case nmq::cli::Command::kGroups:
    case nmq::cli::Command::kMetrics:
    case nmq::cli::Command::kRooms:
    case nmq::cli::Command::kClients:
    case nmq::cli::Command::kSubscriptions:
    case nmq::cli::Command::kClient:
    case nmq::cli::Command::kCount:
    case nmq::cli::Command::kDeadList:
      return nmq::cli::RunList(*parsed.arguments, &out, &err);
    default:
      return nmq::cli::RunChange(*parsed.arguments, &out, &err);
  }
}
