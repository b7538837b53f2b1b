// The lists, count, watch, top, ping, info.
#include "client/cli/command_line.h"
#include "client/cli/options.h"

namespace nmq {
namespace cli {
namespace {

void AddLists(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  AddCommand(app, "namespaces", "List namespaces", Command::kNamespaces, target, "nmq namespaces");
  CLI::App* queues = AddCommand(app, "queues", "List queues", Command::kQueues, target,
                                "nmq queues\nnmq queues --queue 'DB.*' --json");
  AddText(queues, "--queue", &arguments->queue, "Only those that this name or pattern matches");

  CLI::App* metrics = AddCommand(app, "metrics", "List what the server counts and measures", Command::kMetrics, target,
                                 "nmq metrics\nnmq metrics nmq_commit");
  AddText(metrics, "PREFIX", &arguments->prefix, "Only those whose names begin so, such as nmq_commit");

  CLI::App* groups = AddCommand(app, "groups", "List groups, and how far they are", Command::kGroups, target,
                                "nmq groups\nnmq groups --queue JOBS");
  AddText(groups, "--queue", &arguments->queue, "Only those of the queue of this name");

  CLI::App* rooms =
      AddCommand(app, "rooms", "List rooms", Command::kRooms, target, "nmq rooms\nnmq rooms --room 'floor1.*'");
  AddText(rooms, "--room", &arguments->room, "Only those that this name or pattern matches");

  CLI::App* subscriptions = AddCommand(app, "subscriptions", "List subscriptions", Command::kSubscriptions, target,
                                       "nmq subscriptions\nnmq subscriptions --queue DB --event CREATE");
  AddText(subscriptions, "--client", &arguments->client, "Only those of the client of this id");
  AddText(subscriptions, "--queue", &arguments->queue, "Only those that hear this queue");
  AddText(subscriptions, "--event", &arguments->event, "Only those that hear this event");

  CLI::App* client =
      AddCommand(app, "client", "Show one client", Command::kClient, target, "nmq client c-sf5ld4cgyomni");
  AddText(client, "ID", &arguments->client, "The client's id, as nmq clients lists it")->required();
}

void AddLive(CLI::App* app, const Target& target) {
  CLI::App* watch = AddCommand(app, "watch", "Print who comes and goes, as it happens", Command::kWatch, target,
                               "nmq watch\nnmq --namespace shop watch --json");
  AddCount(watch, "--after", &target.typed->after, "Begin after this revision; otherwise with what happens from now on",
           0);

  CLI::App* top = AddCommand(app, "top", "Show rates, refreshed each second", Command::kTop, target,
                             "nmq top                       q ends it\n"
                             "nmq top --filter DB --sort in\n"
                             "nmq top --count 1 --json      one frame, for scripts");
  AddCount(top, "--count", &target.typed->count, "End after so many frames");
  AddText(top, "--filter", &target.arguments->prefix, "Only rows with this text");
  AddWord(top, "--sort", &target.arguments->sort, "What comes first: the busiest, or by one of these",
          {"busy", "in", "out", "held", "dropped", "name"});
}

void AddServerCommands(CLI::App* app, const Target& target) {
  CLI::App* ping = AddCommand(app, "ping", "Ask the server whether it is there, and how long that takes",
                              Command::kPing, target, "nmq ping\nnmq ping --count 3");
  AddCount(ping, "--count", &target.typed->count, "So many times, a second apart; until Ctrl-C without it", 1,
           1'000'000);
  AddCommand(app, "info", "Show what the server is and holds", Command::kInfo, target, "nmq info\nnmq info --json");
}

}  // namespace

void AddListCommands(CLI::App* app, const Target& target) {
  AddServerCommands(app, target);
  AddLists(app, target);
  AddLive(app, target);
}

}  // namespace cli
}  // namespace nmq
