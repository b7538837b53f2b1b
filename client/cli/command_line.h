// Which commands and options there are.
#ifndef NMQ_CLIENT_CLI_COMMAND_LINE_H_
#define NMQ_CLIENT_CLI_COMMAND_LINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/cli/arguments.h"

namespace nmq {
namespace cli {

inline constexpr char kDefaultServer[] = "127.0.0.1:50051";

// Texts and numbers as they were typed, which are moved over later.
struct Typed {
  std::vector<std::string> headers;
  std::vector<std::string> labels;
  std::vector<std::string> where;
  std::string from = "new";
  std::string overflow = {};
  std::string timeout = "5s";
  std::string wait = "3s";
  std::string ack_deadline = {};
  std::string delay = {};
  std::string expire_in = {};
  bool standard_input = false;
  uint64_t count = 0;
  uint64_t after = 0;
  uint64_t expected_last = 0;
  std::string durability = {};
  uint64_t bytes_max = 0;
  uint64_t messages_max = 0;
  std::string age_max = {};
  std::string automatic_queues = {};
  std::string valid = {};
};

// What options are read into. Both must outlive the CLI::App.
struct Target {
  Arguments* arguments;
  Typed* typed;
};

// Adds all commands and options. When `app` parses, the arguments get the command and what needs no check, and what was
// typed gets the rest.
void AddCommands(CLI::App* app, const Target& target);

// The parts of that. pub, sub, request, reply:
void AddMessageCommands(CLI::App* app, const Target& target);
// The lists, count, watch, top, ping, info:
void AddListCommands(CLI::App* app, const Target& target);
// namespace, queue, group, dead, move, disconnect:
void AddChangeCommands(CLI::App* app, const Target& target);
// bench, context:
void AddBenchCommands(CLI::App* app, const Target& target);
void AddContextCommands(CLI::App* app, const Target& target);
void AddTokenCommand(CLI::App* app, const Target& target);
void AddSignedTokenCommands(CLI::App* token, const Target& target);
// cert:
void AddCertificateCommands(CLI::App* app, const Target& target);
void AddRightsCommands(CLI::App* app, const Target& target);

// A command with what it does and examples of it, a line each.
CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& help, Command command,
                     const Target& target, const std::string& examples);
// A word that commands follow, such as "queue".
CLI::App* AddNoun(CLI::App* app, const std::string& name, const std::string& help);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_COMMAND_LINE_H_
