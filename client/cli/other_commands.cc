// bench, context.
#include "absl/time/time.h"
#include "client/cli/command_line.h"
#include "client/cli/options.h"

namespace nmq {
namespace cli {

void AddBenchCommands(CLI::App* app, const Target& target) {
  Arguments::Bench* const bench = &target.arguments->bench;
  CLI::App* noun = AddNoun(app, "bench", "Measure how fast the server publishes, delivers and answers");
  auto add = [&](const char* verb, const char* help, Command command, const char* examples) {
    CLI::App* run = AddCommand(noun, verb, help, command, target, examples);
    AddText(run, "QUEUE", &target.arguments->queue, "The queue; its messages have the event bench")->required();
    AddCount(run, "--messages", &bench->messages, "How many, all together: 100k, 1M", 1, 1'000'000'000)
        ->capture_default_str();
    AddCount(run, "--clients", &bench->clients, "How many connections share the work", 1, 256)->capture_default_str();
    return run;
  };
  CLI::App* pub = add("pub", "Publish as fast as it goes", Command::kBenchPub,
                      "nmq bench pub BENCH\n"
                      "nmq bench pub BENCH --messages 1M --size 1KiB --clients 4\n"
                      "nmq bench pub BENCH --one-by-one --messages 10k     how long one message takes");
  AddSize(pub, "--size", &bench->bytes, "Bytes of a payload")->capture_default_str();
  pub->add_flag("--one-by-one", bench->one_by_one, "Wait for each answer before the next message");
  add("sub", "Hear what bench pub publishes, and say how late it comes", Command::kBenchSub,
      "nmq bench sub BENCH --messages 100k      in one terminal\n"
      "nmq bench pub BENCH --messages 100k      in another one");
  CLI::App* request = add("req", "Ask questions, one after the other on each connection", Command::kBenchRequest,
                          "nmq bench req BENCH --messages 10k\n"
                          "nmq bench req BENCH --others-answer      what nmq reply BENCH --payload x answers");
  AddSize(request, "--size", &bench->bytes, "Bytes of a question and of its answer")->capture_default_str();
  request->add_flag("--others-answer", bench->others_answer, "Do not answer the questions, too");
}

void AddContextCommands(CLI::App* app, const Target& target) {
  CLI::App* noun = AddNoun(app, "context", "Keep servers by name: what says where nmq connects");
  auto add = [&](const char* verb, const char* help, Command command, const char* examples, bool named) {
    CLI::App* run = AddCommand(noun, verb, help, command, target, examples);
    CLI::Option* name = AddText(run, "NAME", &target.arguments->name, "The context");
    if (named) name->required();
    return run;
  };
  add("add", "Keep --server, --namespace, --token and the files of TLS under a name", Command::kContextAdd,
      "nmq context add prod --server nmq.example.com:50051 --tls-ca ca.pem\n"
      "nmq context add shop --server 10.0.0.7:50051 --namespace shop",
      true);
  add("use", "Let further commands use it; without a name, none", Command::kContextUse,
      "nmq context use prod\nnmq context use", false);
  AddCommand(noun, "list", "List contexts", Command::kContextList, target, "nmq context list");
  add("show", "Show one, or what is used", Command::kContextShow, "nmq context show prod", false);
  add("remove", "Forget one", Command::kContextRemove, "nmq context remove prod", true);
}

void AddTokenCommand(CLI::App* app, const Target& target) {
  CLI::App* token = AddCommand(app, "token", "Make a token, and what nmqd --access is to keep of it", Command::kToken,
                               target, "nmq token api\nnmq token api --json");
  CLI::Option* identity = AddText(token, "IDENTITY", &target.arguments->name, "Whom it stands for");
  Arguments* const arguments = target.arguments;
  token->callback([token, identity, arguments] {
    if (!token->get_subcommands().empty()) return;
    if (identity->count() == 0) throw CLI::RequiredError("IDENTITY");
    arguments->command = Command::kToken;
  });
  AddSignedTokenCommands(token, target);
}

void AddSignedTokenCommands(CLI::App* token, const Target& target) {
  Arguments* const arguments = target.arguments;
  Arguments::Jwt* const jwt = &arguments->jwt;
  CLI::App* inspect = AddCommand(token, "inspect", "Show what a token says, without verifying it",
                                 Command::kTokenInspect, target, "nmq token inspect - <api.token");
  AddText(inspect, "TOKEN", &jwt->token, "The token; - for the first line of standard input")->required();
  CLI::App* sign = AddCommand(token, "jwt", "Sign a token (JWT), for a first try without a login service",
                              Command::kTokenJwt, target,
                              "nmq token jwt --key login.key --issuer https://login.example.com --audience nmq "
                              "--subject api\n"
                              "nmq token jwt --key login.key --issuer i --audience nmq --subject ann --claim role=ops");
  AddFile(sign, "--key", &jwt->key, "PEM file with the private key: of Ed25519, on P-256, or of RSA")->required();
  AddText(sign, "--issuer", &jwt->issuer, "Who signs: iss")->required();
  AddText(sign, "--audience", &jwt->audience, "Whom it is for: aud")->required();
  AddText(sign, "--subject", &jwt->subject, "Whom it stands for: sub")->required();
  AddSpan(sign, "--ttl", &target.typed->valid, "How long it is good; 1h if left out", absl::Seconds(1),
          absl::Hours(24 * 366));
  AddPairs(sign, "--claim", &jwt->claims, "What else it says, each time; a list if a name comes again");
  CLI::App* keys = AddCommand(token, "jwks", "Print the set (JWKS) of public keys, which nmqd verifies tokens with",
                              Command::kTokenJwks, target, "nmq token jwks login.pub >login.jwks");
  AddTexts(keys, "KEY", &arguments->names, "PEM files with public keys")->allow_extra_args()->required();
}

}  // namespace cli
}  // namespace nmq
