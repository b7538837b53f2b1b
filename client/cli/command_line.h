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

// Texts and numbers as they were typed, which are checked later.
struct Typed {
  std::vector<std::string> headers;
  std::vector<std::string> labels;
  std::vector<std::string> where;
  std::string from = "new";
  std::string overflow = {};
  std::string timeout = "5s";
  std::string ack_deadline = {};
  std::string delay = {};
  std::string expire_in = {};
  uint64_t count = 0;
  uint64_t after = 0;
  uint64_t expected_last = 0;
  std::string durability = {};
  uint64_t bytes_max = 0;
  uint64_t messages_max = 0;
  std::string age_max = {};
  std::string automatic_queues = {};
};

// Adds all commands and options. When `app` parses, `arguments` get the command and what needs no check, and `typed`
// gets the rest. Both must outlive `app`.
void AddCommands(CLI::App* app, Arguments* arguments, Typed* typed);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_COMMAND_LINE_H_
