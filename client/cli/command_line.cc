#include "client/cli/command_line.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/version.h"

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

"nmq COMMAND --help" says more. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.)";

// CLI11's own check of a number names all that a double can be.
CLI::Validator WholeFrom(uint64_t least) {
  return CLI::Validator(
      [least](std::string& text) {
        uint64_t number = 0;
        if (absl::SimpleAtoi(text, &number) && number >= least) return std::string();
        return absl::StrCat("\"", text, "\" is no whole number from ", least, " on");
      },
      least == 0 ? "" : "POSITIVE");
}

// One value for each time that the option is given.
CLI::Option* AddList(CLI::App* app, const std::string& names, std::vector<std::string>* values,
                     const std::string& help) {
  return app->add_option(names, *values, help)->allow_extra_args(false)->option_text("TEXT");
}

CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& help, Command command,
                     Arguments* arguments) {
  CLI::App* sub = app->add_subcommand(name, help);
  sub->footer("Also: --server, --namespace, --json; see \"nmq --help\".");
  sub->callback([command, arguments] { arguments->command = command; });
  return sub;
}

// A word that commands follow, such as "queue".
CLI::App* AddNoun(CLI::App* app, const std::string& name, const std::string& help) {
  CLI::App* noun = app->add_subcommand(name, help);
  noun->require_subcommand(1);
  noun->footer(absl::StrCat("\"nmq ", name, " COMMAND --help\" says more."));
  return noun;
}

// Who may hear a message, and what stands beside its payload.
void AddMessage(CLI::App* command, Arguments* arguments, Typed* typed) {
  AddList(command, "--room", &arguments->rooms, "Only for the members of this room; repeatable");
  AddList(command, "--client", &arguments->clients, "Only for the client of this id; repeatable");
  AddList(command, "--except", &arguments->except_rooms, "Not for the members of this room; repeatable");
  AddList(command, "--except-client", &arguments->except_clients, "Not for the client of this id; repeatable");
  AddList(command, "--header", &typed->headers, "NAME=VALUE beside the payload; repeatable");
  command->add_option("--key", arguments->key, "What the message is about");
  command->add_option("--content-type", arguments->content_type, "What the payload is");
}

void AddPub(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* pub =
      AddCommand(app, "pub", "Publish a message, or one for each line of standard input", Command::kPub, arguments);
  pub->add_option("QUEUE", arguments->queue, "The queue")->required();
  pub->add_option("EVENT", arguments->event, "What happened")->required();
  pub->add_option("PAYLOAD", arguments->payload, "Any text; - stands for the lines of standard input");
  AddMessage(pub, arguments, typed);
  pub->add_option("--delay", typed->delay, "To enter the queue after this time: 10s");
  pub->add_option("--expire-in", typed->expire_in, "Not to be delivered any more after this time: 30s");
  pub->add_option("--request-id", arguments->request_id,
                  "To be taken once, however often it is published with this id");
  pub->add_option("--expect-last", typed->expected_last, "Only if this is the queue's last sequence, 0 if it is empty")
      ->check(WholeFrom(0));
  pub->footer("A payload that begins with \"-\" goes behind \"--\": nmq pub Q E -- -5");
}

void AddServer(CLI::App* app, Arguments* arguments) {
  app->add_option("--server", arguments->server, "The server: HOST:PORT")
      ->envname("NMQ_SERVER")
      ->default_val("127.0.0.1:50051");
  app->add_option("--tls-ca", arguments->tls_ca, "PEM file with the CA that the server is checked against, by TLS")
      ->envname("NMQ_TLS_CA");
  app->add_option("--tls-certificate", arguments->tls_certificate,
                  "PEM file with a certificate of one's own, for a server that asks for one")
      ->envname("NMQ_TLS_CERTIFICATE");
  app->add_option("--tls-key", arguments->tls_key, "PEM file with the key of that certificate")->envname("NMQ_TLS_KEY");
}

void AddGroup(CLI::App* sub, Arguments* arguments, Typed* typed) {
  CLI::Option* group = sub->add_option("--group", arguments->group.name,
                                       "Share the queue with the other members of this group, and acknowledge each "
                                       "message once it is printed");
  sub->add_option("--ack-deadline", typed->ack_deadline, "For a new group: how long a member has for a message: 30s")
      ->needs(group);
  sub->add_option("--attempts", arguments->group.attempts,
                  "For a new group: deliveries of a message before it is a dead letter; 5")
      ->needs(group);
  sub->add_flag("--by-key", arguments->group.by_key, "For a new group: messages of one key go to one member, in order")
      ->needs(group);
}

void AddSub(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* sub = AddCommand(app, "sub", "Print messages as they come", Command::kSub, arguments);
  sub->add_option("QUEUE", arguments->queue,
                  "The queue, or a pattern: * is one token between dots, a trailing ** the rest")
      ->required();
  sub->add_option("EVENT", arguments->event, "The event, or a pattern; every event if left out");
  AddList(sub, "--join", &arguments->join, "Be a member of this room; repeatable");
  AddList(sub, "--where", &typed->where,
          "Only with this header, NAME=VALUE or NAME for any value; repeatable: all of them");
  sub->add_option("--from", typed->from, "Where to start: new, earliest, last:N, seq:N, time:2026-01-31T12:00:00Z")
      ->capture_default_str();
  sub->add_option("--count", typed->count, "End after so many messages")->check(WholeFrom(1));
  sub->add_option(
         "--overflow", typed->overflow,
         "When this program is too slow: drop-oldest, drop-newest, keep-latest (of each key), disconnect, hold; "
         "by default a live queue drops the oldest and a durable one holds")
      ->check(CLI::IsMember({"drop-oldest", "drop-newest", "keep-latest", "disconnect", "hold"}));
  sub->add_option("--overflow-messages", arguments->overflow_messages,
                  "With drop-newest: how many messages may wait in each queue; the server's limit if left out")
      ->check(WholeFrom(1));
  AddGroup(sub, arguments, typed);
  sub->add_option("--name", arguments->name, "What to call this client");
  AddList(sub, "--label", &typed->labels, "NAME=VALUE to find this client by; repeatable");
}

void AddRequest(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* request = AddCommand(app, "request", "Ask a question and print the answers", Command::kRequest, arguments);
  request->add_option("QUEUE", arguments->queue, "The queue")->required();
  request->add_option("EVENT", arguments->event, "What is asked")->required();
  request->add_option("PAYLOAD", arguments->payload, "Any text");
  AddMessage(request, arguments, typed);
  request->add_option("--timeout", typed->timeout, "How long to wait for answers: 500ms, 5s, 1m")
      ->capture_default_str();
  request
      ->add_option("--replies", arguments->replies,
                   "End with so many answers; without it, with one of each who hears it")
      ->check(WholeFrom(1));
}

void AddReply(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* reply = AddCommand(app, "reply", "Answer each question that is heard", Command::kReply, arguments);
  reply->add_option("QUEUE", arguments->queue, "The queue, or a pattern as for sub")->required();
  reply->add_option("EVENT", arguments->event, "The event, or a pattern; every event if left out");
  CLI::Option_group* answer = reply->add_option_group("Answer", "One of these");
  answer->add_option("--payload", arguments->payload, "Answer with this text");
  answer->add_option("--exec", arguments->exec,
                     "Answer with the output of this shell command, which gets the question's payload as its input; "
                     "with an error if it fails");
  answer->require_option(1);
  AddList(reply, "--join", &arguments->join, "Be a member of this room; repeatable");
  reply->add_option("--count", typed->count, "End after so many answers")->check(WholeFrom(1));
  reply->add_option("--content-type", arguments->content_type, "What the answer is");
  reply->add_option("--name", arguments->name, "What to call this client");
  AddList(reply, "--label", &typed->labels, "NAME=VALUE to find this client by; repeatable");
}

void AddClientFilter(CLI::App* command, Arguments* arguments, Typed* typed) {
  command->add_option("--room", arguments->room, "Members of this room");
  command->add_option("--queue", arguments->queue, "Those who hear this queue");
  command->add_option("--event", arguments->event, "Those who hear this event");
  command->add_option("--name", arguments->name, "Those of this name");
  AddList(command, "--label", &typed->labels, "Those with this label, NAME=VALUE; repeatable");
}

void AddLists(CLI::App* app, Arguments* arguments, Typed* typed) {
  AddCommand(app, "namespaces", "List namespaces", Command::kNamespaces, arguments);

  CLI::App* queues = AddCommand(app, "queues", "List queues", Command::kQueues, arguments);
  queues->add_option("--queue", arguments->queue, "Only those that this name or pattern matches");

  CLI::App* metrics =
      AddCommand(app, "metrics", "List what the server counts and measures", Command::kMetrics, arguments);
  metrics->add_option("PREFIX", arguments->metric, "Only those whose names begin so, such as nmq_commit");

  CLI::App* groups = AddCommand(app, "groups", "List groups, and how far they are", Command::kGroups, arguments);
  groups->add_option("--queue", arguments->queue, "Only those of queues that this name or pattern matches");

  CLI::App* rooms = AddCommand(app, "rooms", "List rooms", Command::kRooms, arguments);
  rooms->add_option("--room", arguments->room, "Only those that this name or pattern matches");

  AddClientFilter(AddCommand(app, "clients", "List clients", Command::kClients, arguments), arguments, typed);

  CLI::App* subscriptions = AddCommand(app, "subscriptions", "List subscriptions", Command::kSubscriptions, arguments);
  subscriptions->add_option("--client", arguments->client, "Only those of the client of this id");
  subscriptions->add_option("--queue", arguments->queue, "Only those that hear this queue");
  subscriptions->add_option("--event", arguments->event, "Only those that hear this event");

  CLI::App* client = AddCommand(app, "client", "Show one client", Command::kClient, arguments);
  client->add_option("ID", arguments->client, "The client's id")->required();

  AddClientFilter(AddCommand(app, "count", "Count clients", Command::kCount, arguments), arguments, typed);
}

void AddLive(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* watch = AddCommand(app, "watch", "Print who comes and goes, as it happens", Command::kWatch, arguments);
  watch->add_option("--after", typed->after, "Begin after this revision; otherwise with what happens from now on");

  CLI::App* top = AddCommand(app, "top", "Show rates, refreshed each second; q ends it", Command::kTop, arguments);
  top->add_option("--count", typed->count, "End after so many frames")->check(WholeFrom(1));
}

// A queue of the commands that change something.
CLI::App* AddChange(CLI::App* noun, const std::string& verb, const std::string& help, Command command,
                    Arguments* arguments) {
  CLI::App* change = AddCommand(noun, verb, help, command, arguments);
  change->add_option("QUEUE", arguments->queue, "The queue")->required();
  return change;
}

void AddRetention(CLI::App* command, Typed* typed) {
  command->add_option("--max-bytes", typed->bytes_max, "What it holds at the most, in bytes")->check(WholeFrom(1));
  command->add_option("--max-messages", typed->messages_max, "In messages")->check(WholeFrom(1));
  command->add_option("--max-age", typed->age_max, "How long it holds a message: 90s, 12h");
}

void AddNamespaceChanges(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* noun = AddNoun(app, "namespace", "Make, change and delete namespaces");
  auto add = [&](const char* verb, const char* help, Command command) {
    CLI::App* change = AddCommand(noun, verb, help, command, arguments);
    change->add_option("NAME", arguments->name, "The namespace")->required();
    return change;
  };
  const auto booleans = CLI::IsMember({"true", "false"});
  const std::string automatic = "Whether publishing to an unknown queue makes the queue: true or false";
  add("create", "Make a namespace", Command::kNamespaceCreate)
      ->add_option("--automatic-queues", typed->automatic_queues, automatic)
      ->check(booleans);
  add("update", "Change a namespace", Command::kNamespaceUpdate)
      ->add_option("--automatic-queues", typed->automatic_queues, automatic)
      ->required()
      ->check(booleans);
  add("delete", "Delete a namespace with all that is in it", Command::kNamespaceDelete);
}

void AddQueueChanges(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* noun = AddNoun(app, "queue", "Make, change, empty and delete queues");
  CLI::App* create = AddChange(noun, "create", "Make a queue", Command::kQueueCreate, arguments);
  create->add_option("--durability", typed->durability, "Where its messages live: live, durable, buffered")
      ->check(CLI::IsMember({"live", "durable", "buffered"}));
  AddList(create, "--event", &arguments->change.events, "An event that it accepts, any without it; repeatable");
  AddRetention(create, typed);
  CLI::App* update = AddChange(noun, "update", "Change a queue", Command::kQueueUpdate, arguments);
  CLI::Option* event =
      AddList(update, "--event", &arguments->change.events, "An event that it accepts from now on; repeatable");
  update->add_flag("--any-event", arguments->change.any_event, "Accept all events from now on")->excludes(event);
  AddRetention(update, typed);
  AddChange(noun, "delete", "Delete a queue with its messages and groups", Command::kQueueDelete, arguments);
  AddChange(noun, "purge", "Give up the messages of a queue", Command::kQueuePurge, arguments)
      ->add_option("--up-to", arguments->change.up_to, "Up to this sequence; all without it")
      ->check(WholeFrom(1));
}

void AddGroupChanges(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* noun = AddNoun(app, "group", "Make, pause, set back and delete groups");
  auto add = [&](const char* verb, const char* help, Command command) {
    CLI::App* change = AddChange(noun, verb, help, command, arguments);
    change->add_option("GROUP", arguments->group.name, "The group")->required();
    return change;
  };
  const std::string from = "Where: new, earliest, seq:N, time:2026-01-31T12:00:00Z";
  CLI::App* create = add("create", "Make a group", Command::kGroupCreate);
  create->add_option("--from", typed->from, from)->capture_default_str();
  create->add_option("--ack-deadline", typed->ack_deadline, "How long a member has for a message: 30s");
  create->add_option("--attempts", arguments->group.attempts, "Deliveries of a message before it is a dead letter; 5");
  create->add_flag("--by-key", arguments->group.by_key, "Messages of one key go to one member, in order");
  create->add_option("--dead-letters", arguments->group.dead_letters, "The queue for dead letters; QUEUE.dead");
  AddList(create, "--room", &arguments->rooms, "A room whose messages it hears, too; repeatable");
  AddList(create, "--event", &arguments->change.events,
          "An event or pattern that it hears, all without it; repeatable");
  add("delete", "Delete a group; its members' streams end", Command::kGroupDelete);
  add("pause", "Stop a group's deliveries", Command::kGroupPause);
  add("resume", "Go on with them", Command::kGroupResume);
  add("seek", "Set a group to another place", Command::kGroupSeek)->add_option("--from", typed->from, from)->required();
}

void AddDeadChanges(CLI::App* app, Arguments* arguments, Typed* typed) {
  CLI::App* noun = AddNoun(app, "dead", "See and try again what groups gave up");
  AddCommand(noun, "list", "List the queues of dead letters; 'nmq sub QUEUE --from earliest' shows them",
             Command::kDeadList, arguments);
  AddChange(noun, "redrive", "Publish dead letters anew where they come from", Command::kDeadRedrive, arguments)
      ->add_option("--count", typed->count, "So many, the oldest first; all without it")
      ->check(WholeFrom(1));
}

void AddClientChanges(CLI::App* app, Arguments* arguments, Typed* typed) {
  const std::string all = "All clients of the namespace";
  CLI::App* move = AddCommand(app, "move", "Make clients join and leave rooms", Command::kMove, arguments);
  AddClientFilter(move, arguments, typed);
  move->add_flag("--all", arguments->change.all, all);
  AddList(move, "--join", &arguments->join, "A room to join; repeatable");
  AddList(move, "--leave", &arguments->change.leave, "A room to leave; repeatable");
  CLI::App* disconnect = AddCommand(app, "disconnect", "Disconnect clients", Command::kDisconnect, arguments);
  AddClientFilter(disconnect, arguments, typed);
  disconnect->add_flag("--all", arguments->change.all, all);
  disconnect->add_option("--reason", arguments->change.reason, "What they are told");
}

}  // namespace

void AddCommands(CLI::App* app, Arguments* arguments, Typed* typed) {
  app->fallthrough();
  app->require_subcommand(1);
  app->footer(kExamples);
  app->set_version_flag("--version", absl::StrCat("nmq ", kVersion), "Print the version");
  AddServer(app, arguments);
  app->add_option("--namespace", arguments->namespace_name, "The namespace; the server's \"default\" if left out")
      ->envname("NMQ_NAMESPACE");
  app->add_flag("--json", arguments->json, "Print one JSON object a line");
  AddPub(app, arguments, typed);
  AddSub(app, arguments, typed);
  AddRequest(app, arguments, typed);
  AddReply(app, arguments, typed);
  AddLists(app, arguments, typed);
  AddLive(app, arguments, typed);
  AddNamespaceChanges(app, arguments, typed);
  AddQueueChanges(app, arguments, typed);
  AddGroupChanges(app, arguments, typed);
  AddDeadChanges(app, arguments, typed);
  AddClientChanges(app, arguments, typed);
}

}  // namespace cli
}  // namespace nmq
