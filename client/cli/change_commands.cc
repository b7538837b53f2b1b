// namespace, queue, group, dead, move, disconnect; clients and count, which have the same filters.
#include "absl/strings/str_cat.h"
#include "client/cli/command_line.h"
#include "client/cli/options.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kAgeMax = absl::Hours(24 * 3650);

void AddYes(CLI::App* command, const Target& target) {
  command->add_flag("--yes,-y", target.arguments->yes, "Do not ask, on a terminal either");
}

void AddClientFilter(CLI::App* command, const Target& target) {
  Arguments* const arguments = target.arguments;
  AddText(command, "--room", &arguments->room, "Members of this room");
  AddText(command, "--queue", &arguments->queue, "Those who hear this queue");
  AddText(command, "--event", &arguments->event, "Those who hear this event");
  AddText(command, "--name", &arguments->name, "Those of this name");
  AddPairs(command, "--label", &target.typed->labels, "Those with this label, NAME=VALUE; repeatable");
}

// One that changes a queue, or what is of it.
CLI::App* AddChange(CLI::App* noun, const std::string& verb, const std::string& help, Command command,
                    const Target& target, const std::string& examples) {
  CLI::App* change = AddCommand(noun, verb, help, command, target, examples);
  AddText(change, "QUEUE", &target.arguments->queue, "The queue")->required();
  return change;
}

void AddRetention(CLI::App* command, Typed* typed) {
  AddSize(command, "--max-bytes", &typed->bytes_max, "What it holds at the most: 64KiB, 10GB");
  AddCount(command, "--max-messages", &typed->messages_max, "In messages: 5000, 10k");
  AddSpan(command, "--max-age", &typed->age_max, "How long it holds a message: 90s, 12h, 7d", absl::Nanoseconds(1),
          kAgeMax);
}

void AddNamespaceChanges(CLI::App* app, const Target& target) {
  CLI::App* noun = AddNoun(app, "namespace", "Make, change and delete namespaces");
  auto add = [&](const char* verb, const char* help, Command command, const char* example) {
    CLI::App* change = AddCommand(noun, verb, help, command, target, example);
    AddText(change, "NAME", &target.arguments->name, "The namespace")->required();
    return change;
  };
  const std::string automatic = "Whether publishing to an unknown queue makes the queue";
  AddWord(
      add("create", "Make a namespace", Command::kNamespaceCreate, "nmq namespace create shop --automatic-queues true"),
      "--automatic-queues", &target.typed->automatic_queues, automatic, {"true", "false"});
  AddWord(add("update", "Change a namespace", Command::kNamespaceUpdate,
              "nmq namespace update shop --automatic-queues false"),
          "--automatic-queues", &target.typed->automatic_queues, automatic, {"true", "false"})
      ->required();
  AddYes(add("delete", "Delete a namespace with all that is in it", Command::kNamespaceDelete,
             "nmq namespace delete shop"),
         target);
}

void AddQueueChanges(CLI::App* app, const Target& target) {
  Arguments::Change* const to = &target.arguments->change;
  CLI::App* noun = AddNoun(app, "queue", "Make, change, empty and delete queues");
  CLI::App* create = AddChange(noun, "create", "Make a queue", Command::kQueueCreate, target,
                               "nmq queue create JOBS --durability durable --max-age 7d\n"
                               "nmq queue create DB --event CREATE --event DELETE --max-bytes 10MB");
  AddWord(create, "--durability", &target.typed->durability, "Where its messages live",
          {"live", "durable", "buffered"});
  AddTexts(create, "--event", &to->events, "An event that it accepts, any without it; repeatable");
  AddRetention(create, target.typed);
  CLI::App* update = AddChange(noun, "update", "Change a queue", Command::kQueueUpdate, target,
                               "nmq queue update JOBS --max-age 30d\nnmq queue update DB --any-event");
  CLI::Option* event = AddTexts(update, "--event", &to->events, "An event that it accepts from now on; repeatable");
  update->add_flag("--any-event", to->any_event, "Accept all events from now on")->excludes(event);
  AddRetention(update, target.typed);
  AddYes(AddChange(noun, "delete", "Delete a queue with its messages and groups", Command::kQueueDelete, target,
                   "nmq queue delete JOBS\nnmq queue delete JOBS --yes      asks nothing"),
         target);
  CLI::App* purge = AddChange(noun, "purge", "Give up the messages of a queue", Command::kQueuePurge, target,
                              "nmq queue purge JOBS\nnmq queue purge JOBS --up-to 17");
  AddCount(purge, "--up-to", &to->up_to, "Up to this sequence; all without it");
  AddYes(purge, target);
}

void AddGroupChanges(CLI::App* app, const Target& target) {
  Arguments::Group* const to = &target.arguments->group;
  CLI::App* noun = AddNoun(app, "group", "Make, pause, set back and delete groups");
  auto add = [&](const char* verb, const char* help, Command command, const char* examples) {
    CLI::App* change = AddChange(noun, verb, help, command, target, examples);
    AddText(change, "GROUP", &to->name, "The group")->required();
    return change;
  };
  const std::string from =
      "Where: new, earliest, seq:N, time:2026-01-31T12:00:00Z, in local time without the Z, or time:10m for ten "
      "minutes "
      "ago";
  CLI::App* create = add("create", "Make a group", Command::kGroupCreate,
                         "nmq group create JOBS workers\n"
                         "nmq group create JOBS audit --from earliest --ack-deadline 5m --attempts 3");
  AddText(create, "--from", &target.typed->from, from)->capture_default_str();
  AddSpan(create, "--ack-deadline", &target.typed->ack_deadline, "How long a member has for a message: 30s",
          absl::Seconds(1), absl::Hours(12));
  AddCount(create, "--attempts", &to->attempts, "Deliveries of a message before it is a dead letter; 5", 1, 1000);
  create->add_flag("--by-key", to->by_key, "Messages of one key go to one member, in order");
  AddText(create, "--dead-letters", &to->dead_letters, "The queue for dead letters; QUEUE.dead");
  AddTexts(create, "--room", &target.arguments->rooms, "A room whose messages it hears, too; repeatable");
  AddTexts(create, "--event", &target.arguments->change.events,
           "An event or pattern that it hears, all without it; repeatable");
  AddYes(
      add("delete", "Delete a group; its members' streams end", Command::kGroupDelete, "nmq group delete JOBS workers"),
      target);
  add("pause", "Stop a group's deliveries", Command::kGroupPause, "nmq group pause JOBS workers");
  add("resume", "Go on with them", Command::kGroupResume, "nmq group resume JOBS workers");
  AddText(add("seek", "Set a group to another place", Command::kGroupSeek,
              "nmq group seek JOBS workers --from earliest\nnmq group seek JOBS workers --from time:2d"),
          "--from", &target.typed->from, from)
      ->required();
}

void AddDeadChanges(CLI::App* app, const Target& target) {
  CLI::App* noun = AddNoun(app, "dead", "See and try again what groups gave up");
  AddCommand(noun, "list", "List the queues of dead letters; 'nmq sub QUEUE --from earliest' shows them",
             Command::kDeadList, target, "nmq dead list\nnmq sub JOBS.dead --from earliest    why, and where from");
  CLI::App* redrive =
      AddChange(noun, "redrive", "Publish dead letters anew where they come from", Command::kDeadRedrive, target,
                "nmq dead redrive JOBS.dead\nnmq dead redrive JOBS.dead --count 10");
  AddCount(redrive, "--count", &target.typed->count, "So many, the oldest first; all without it");
}

void AddClientChanges(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  const std::string all = "All clients of the namespace";
  AddClientFilter(AddCommand(app, "clients", "List clients", Command::kClients, target,
                             "nmq clients\nnmq clients --room kitchen --label team=ops"),
                  target);
  AddClientFilter(AddCommand(app, "count", "Count clients", Command::kCount, target, "nmq count --room kitchen"),
                  target);
  CLI::App* move = AddCommand(app, "move", "Make clients join and leave rooms", Command::kMove, target,
                              "nmq move --room kitchen --join pantry --leave kitchen");
  AddClientFilter(move, target);
  move->add_flag("--all", arguments->change.all, all);
  AddTexts(move, "--join", &arguments->join, "A room to join; repeatable");
  AddTexts(move, "--leave", &arguments->change.leave, "A room to leave; repeatable");
  AddYes(move, target);
  CLI::App* disconnect = AddCommand(app, "disconnect", "Disconnect clients", Command::kDisconnect, target,
                                    "nmq disconnect --name dashboard --reason 'new version'");
  AddClientFilter(disconnect, target);
  disconnect->add_flag("--all", arguments->change.all, all);
  AddText(disconnect, "--reason", &arguments->change.reason, "What they are told");
  AddYes(disconnect, target);
}

}  // namespace

void AddChangeCommands(CLI::App* app, const Target& target) {
  AddNamespaceChanges(app, target);
  AddQueueChanges(app, target);
  AddGroupChanges(app, target);
  AddDeadChanges(app, target);
  AddClientChanges(app, target);
}

}  // namespace cli
}  // namespace nmq
