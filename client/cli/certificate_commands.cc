// cert.
#include "absl/time/time.h"
#include "client/cli/command_line.h"
#include "client/cli/options.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kValidMax = absl::Hours(24 * 3650);

}  // namespace

void AddCertificateCommands(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  CLI::App* noun = AddNoun(app, "cert", "Make certificates for a first try of TLS: a CA, and what it signs");
  auto add = [&](const char* verb, const char* help, Command command, const char* valid, const char* examples) {
    CLI::App* make = AddCommand(noun, verb, help, command, target, examples);
    AddText(make, "--dir", &arguments->directory, "The folder of the files; none is overwritten")
        ->capture_default_str();
    AddSpan(make, "--valid", &target.typed->valid, valid, absl::Hours(1), kValidMax);
    return make;
  };
  add("ca", "Make a CA: ca.pem, which everybody may have, and ca.key, which nobody else may", Command::kCertCa,
      "How long the certificate is valid; 3650d if left out", "nmq cert ca\nnmq cert ca --dir certificates");
  CLI::App* server = add("server", "Make server.pem and server.key, signed by the CA", Command::kCertServer,
                         "How long the certificate is valid; 90d if left out",
                         "nmq cert server\nnmq cert server nmq.example.com 10.0.0.7");
  AddTexts(server, "NAME", &arguments->names,
           "What clients call the server: hosts and IP addresses; localhost, 127.0.0.1 and ::1 if left out")
      ->allow_extra_args();
  CLI::App* client = add("client", "Make NAME.pem and NAME.key, signed by the CA", Command::kCertClient,
                         "How long the certificate is valid; 90d if left out",
                         "nmq cert client api\nnmq cert client api spiffe://example.com/api");
  AddText(client, "NAME", &arguments->name, "Whom it is for; it is a name in the certificate, too")->required();
  AddTexts(client, "ALSO", &arguments->names, "Further names in it: hosts, IP addresses, URIs")->allow_extra_args();
}

}  // namespace cli
}  // namespace nmq
