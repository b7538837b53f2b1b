// whoami, can.
#include "client/cli/command_line.h"
#include "client/cli/options.h"

namespace nmq {
namespace cli {

void AddRightsCommands(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  CLI::App* whoami = AddCommand(app, "whoami", "Show who the server takes you for, and what you may do",
                                Command::kWhoAmI, target, "nmq whoami\nnmq whoami --json");
  AddText(whoami, "--identity", &arguments->name, "Another identity, for who may administer everything");

  CLI::App* can = AddCommand(app, "can", "Say whether you may do something, and what decides it", Command::kCan, target,
                             "nmq can publish orders\n"
                             "nmq --namespace shop can join --room kitchen\n"
                             "nmq --namespace '**' can inspect      what concerns all namespaces, such as metrics\n"
                             "nmq can publish orders --room kitchen && nmq pub orders NEW x --room kitchen");
  AddWord(can, "RIGHT", &arguments->right, "The right: connect, publish, subscribe, join, inspect or admin",
          {"connect", "publish", "subscribe", "join", "inspect", "admin"})
      ->required();
  AddText(can, "QUEUE", &arguments->queue, "The queue, a name or a pattern; all queues if left out");
  AddText(can, "--room", &arguments->room, "The room, a name or a pattern; all rooms if left out");
  AddText(can, "--identity", &arguments->name, "Another identity, for who may administer everything");
}

}  // namespace cli
}  // namespace nmq
