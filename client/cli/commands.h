// The commands. Each returns the exit code of the process, and says on `err` what went wrong.
#ifndef NMQ_CLIENT_CLI_COMMANDS_H_
#define NMQ_CLIENT_CLI_COMMANDS_H_

#include "client/cli/arguments.h"
#include "client/cli/output.h"

namespace nmq {
namespace cli {

// `in` is a file descriptor, as standard input is.
int RunPub(const Arguments& arguments, int in, Output* out, Output* err);
int RunSub(const Arguments& arguments, Output* out, Output* err);
int RunRequest(const Arguments& arguments, Output* out, Output* err);
int RunReply(const Arguments& arguments, Output* out, Output* err);
// namespaces, queues, rooms, clients, subscriptions, client, count
int RunList(const Arguments& arguments, Output* out, Output* err);
// namespace, queue, group, dead, move, disconnect
int RunChange(const Arguments& arguments, Output* out, Output* err);
int RunWatch(const Arguments& arguments, Output* out, Output* err);
int RunPing(const Arguments& arguments, Output* out, Output* err);
int RunInfo(const Arguments& arguments, Output* out, Output* err);
int RunBench(const Arguments& arguments, Output* out, Output* err);
// context
int RunContext(const Arguments& arguments, Output* out, Output* err);
// token: asks no server.
int RunToken(const Arguments& arguments, Output* out, Output* err);
int RunSignedToken(const Arguments& arguments, Output* out, Output* err);
// cert: asks no server.
int RunCertificate(const Arguments& arguments, Output* out, Output* err);
int RunWhoAmI(const Arguments& arguments, Output* out, Output* err);
// 1 if not.
int RunCan(const Arguments& arguments, Output* out, Output* err);
int RunTop(const Arguments& arguments, Output* out, Output* err);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_COMMANDS_H_
