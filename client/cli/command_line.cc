#include "client/cli/command_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/version.h"
#include "client/cli/options.h"

namespace nmq {
namespace cli {
namespace {

constexpr char kExamples[] = R"(Examples:
  nmq pub DB CREATE '{"id": 17}'            publish one message
  tail -f log | nmq pub LOG line -          each line is a message
  nmq pub DB DELETE 17 --room kitchen       only for the members of a room
  nmq sub DB                                hear all events of the queue DB
  nmq sub '**' CREATE --join kitchen        hear CREATE of every queue, as a member of a room
  nmq sub DB --from last:10 --json          the last ten messages and all that follow, as JSON
  nmq sub JOBS --group workers              share the messages of a durable queue with others
  nmq request DB COUNT --room kitchen       ask the members of a room, and print their answers
  nmq reply DB COUNT --exec 'wc -c'         answer each such question with what a command makes of it
  nmq clients --room kitchen                who is in the room
  nmq queue create JOBS --durability durable
  nmq top                                   rates, live
  nmq context add prod --server nmq.example.com:50051 --tls-ca ca.pem

"nmq COMMAND --help" or "nmq help COMMAND" says more. Sizes are written as 4096, 10MB or 64KiB, times as 500ms, 30s, 10m
or 2d. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.)";

void AddServer(CLI::App* app, Arguments* arguments) {
  AddText(app, "--server", &arguments->server, "The server: HOST:PORT")
      ->envname("NMQ_SERVER")
      ->default_str(kDefaultServer);
  AddFile(app, "--tls-ca", &arguments->tls_ca, "PEM file with the CA that the server is checked against, by TLS")
      ->envname("NMQ_TLS_CA");
  AddFile(app, "--tls-certificate", &arguments->tls_certificate,
          "PEM file with a certificate of one's own, for a server that asks for one")
      ->envname("NMQ_TLS_CERTIFICATE");
  AddFile(app, "--tls-key", &arguments->tls_key, "PEM file with the key of that certificate")->envname("NMQ_TLS_KEY");
  AddText(app, "--token", &arguments->token, "Says who you are, to a server that asks; better in the variable")
      ->envname("NMQ_TOKEN");
  AddFile(app, "--token-file", &arguments->token_file,
          "A file whose first line is the token, read again when it changes; where no --token is given")
      ->envname("NMQ_TOKEN_FILE");
  AddText(app, "--context", &arguments->context,
          "The context that says the server, the namespace, the files and the token where no option does; see nmq "
          "context")
      ->envname("NMQ_CONTEXT");
}

}  // namespace

CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& help, Command command,
                     const Target& target, const std::string& examples) {
  CLI::App* sub = app->add_subcommand(name, help);
  sub->footer(absl::StrCat("Examples:\n  ", absl::StrReplaceAll(examples, {{"\n", "\n  "}}),
                           "\n\nAlso: --server, --namespace, --context, --json; see \"nmq --help\"."));
  Arguments* const arguments = target.arguments;
  sub->callback([command, arguments] { arguments->command = command; });
  return sub;
}

CLI::App* AddNoun(CLI::App* app, const std::string& name, const std::string& help) {
  CLI::App* noun = app->add_subcommand(name, help);
  noun->require_subcommand(1);
  noun->footer(absl::StrCat("\"nmq ", name, " COMMAND --help\" says more."));
  return noun;
}

void AddCommands(CLI::App* app, const Target& target) {
  app->fallthrough();
  app->require_subcommand(1);
  app->footer(kExamples);
  app->set_version_flag("--version", absl::StrCat("nmq ", kVersion), "Print the version");
  AddServer(app, target.arguments);
  AddText(app, "--namespace", &target.arguments->namespace_name, "The namespace; the server's \"default\" if left out")
      ->envname("NMQ_NAMESPACE");
  app->add_flag("--json", target.arguments->json, "Print one JSON object a line, errors included");
  AddMessageCommands(app, target);
  AddListCommands(app, target);
  AddChangeCommands(app, target);
  AddBenchCommands(app, target);
  AddContextCommands(app, target);
  AddTokenCommand(app, target);
  AddCertificateCommands(app, target);
  AddRightsCommands(app, target);
}

}  // namespace cli
}  // namespace nmq
