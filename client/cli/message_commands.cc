// pub, sub, request, reply.
#include "client/cli/command_line.h"
#include "client/cli/options.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kYear = absl::Hours(24 * 365);
constexpr char kFrom[] =
    "Where to start: new, earliest, last:N, seq:N, time:2026-01-31T12:00:00Z, in local time without the Z, or "
    "time:10m for ten minutes ago";

// Who may hear a message, and what stands beside its payload.
void AddMessage(CLI::App* command, const Target& target) {
  Arguments* const arguments = target.arguments;
  AddTexts(command, "--room", &arguments->rooms, "Only for the members of this room; repeatable");
  AddTexts(command, "--client", &arguments->clients, "Only for the client of this id; repeatable");
  AddTexts(command, "--except", &arguments->except_rooms, "Not for the members of this room; repeatable");
  AddTexts(command, "--except-client", &arguments->except_clients, "Not for the client of this id; repeatable");
  AddPairs(command, "--header", &target.typed->headers, "NAME=VALUE beside the payload; repeatable");
  AddText(command, "--key", &arguments->key, "What the message is about");
  AddText(command, "--content-type", &arguments->content_type, "What the payload is");
}

void AddPub(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  Typed* const typed = target.typed;
  CLI::App* pub =
      AddCommand(app, "pub", "Publish a message, or one for each line of standard input", Command::kPub, target,
                 "nmq pub DB CREATE '{\"id\": 17}'\n"
                 "tail -f log | nmq pub LOG line -        each line is a message\n"
                 "nmq pub IMAGES add --file cat.png       the file is one message\n"
                 "nmq pub DB DELETE 17 --room kitchen     only for the members of a room\n"
                 "nmq pub DB CREATE -- -5                 a payload that begins with \"-\"");
  AddText(pub, "QUEUE", &arguments->queue, "The queue")->required();
  AddText(pub, "EVENT", &arguments->event, "What happened")->required();
  CLI::Option* payload = AddText(pub, "PAYLOAD", &arguments->payload,
                                 "Any text; - stands for the lines of standard input", /*may_be_empty=*/true);
  AddFile(pub, "--file", &arguments->file, "Publish this file as one message; with the payload -, each of its lines");
  pub->add_flag("--stdin", typed->standard_input, "Publish all of standard input as one message")
      ->excludes(payload)
      ->excludes("--file");
  AddMessage(pub, target);
  AddSpan(pub, "--delay", &typed->delay, "To enter the queue after this time: 10s", absl::Nanoseconds(1), kYear);
  AddSpan(pub, "--expire-in", &typed->expire_in, "Not to be delivered any more after this time: 30s",
          absl::Nanoseconds(1), kYear);
  AddText(pub, "--request-id", &arguments->request_id, "To be taken once, however often it is published with this id");
  AddCount(pub, "--expect-last", &typed->expected_last, "Only if this is the queue's last sequence, 0 if it is empty",
           0);
  AddSpan(pub, "--wait", &typed->wait, "How long to wait for a server that is away; 3s between lines, else not",
          absl::ZeroDuration(), kYear);
}

void AddGroup(CLI::App* sub, const Target& target) {
  Arguments::Group* const to = &target.arguments->group;
  CLI::Option* group = AddText(sub, "--group", &to->name,
                               "Share the queue with the other members of this group, and acknowledge each "
                               "message once it is printed");
  AddSpan(sub, "--ack-deadline", &target.typed->ack_deadline,
          "For a new group: how long a member has for a message: 30s", absl::Seconds(1), absl::Hours(12))
      ->needs(group);
  AddCount(sub, "--attempts", &to->attempts, "For a new group: deliveries of a message before it is a dead letter; 5",
           1, 1000)
      ->needs(group);
  sub->add_flag("--by-key", to->by_key, "For a new group: messages of one key go to one member, in order")
      ->needs(group);
}

void AddShow(CLI::App* sub, Arguments* arguments) {
  CLI::Option* raw = sub->add_flag("--raw", arguments->show.raw, "Print payloads only, as they are, a line each");
  CLI::Option* headers = sub->add_flag("--headers-only", arguments->show.headers_only, "Print all but the payload");
  CLI::Option* date = sub->add_flag("--date", arguments->show.date, "Print the date, too");
  AddText(sub, "--exec", &arguments->exec,
          "Run this shell command for each message, with the payload as its input and NMQ_QUEUE, NMQ_EVENT, "
          "NMQ_SEQUENCE, NMQ_KEY in its environment; print what it prints; with --group, acknowledge what it did not "
          "fail with; if it failed for any message, sub ends with 1")
      ->excludes(raw)
      ->excludes(headers)
      ->excludes(date);
  raw->excludes(headers)->excludes(date);
}

void AddSub(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  Typed* const typed = target.typed;
  CLI::App* sub = AddCommand(app, "sub", "Print messages as they come", Command::kSub, target,
                             "nmq sub DB                              all events of the queue DB\n"
                             "nmq sub '**' CREATE --join kitchen      CREATE of every queue, as a member of a room\n"
                             "nmq sub DB --from last:10 --json        the last ten and all that follow, as JSON\n"
                             "nmq sub DB --from time:10m              what came in the last ten minutes, and on\n"
                             "nmq sub JOBS --group workers            share a durable queue with others\n"
                             "nmq sub JOBS --group workers --exec ./work.sh");
  AddText(sub, "QUEUE", &arguments->queue,
          "The queue, or a pattern: * is one token between dots, a trailing ** the rest")
      ->required();
  AddText(sub, "EVENT", &arguments->event, "The event, or a pattern; every event if left out");
  AddTexts(sub, "--join", &arguments->join, "Be a member of this room; repeatable");
  AddPairs(sub, "--where", &typed->where,
           "Only with this header, NAME=VALUE or NAME for any value; repeatable: all of them", /*name_only=*/true);
  AddText(sub, "--from", &typed->from, kFrom)->capture_default_str();
  AddCount(sub, "--count", &typed->count, "End after so many messages");
  AddWord(sub, "--overflow", &typed->overflow,
          "When this program is too slow; by default a live queue drops the oldest and a durable one holds",
          {"drop-oldest", "drop-newest", "keep-latest", "disconnect", "hold"});
  AddCount(sub, "--overflow-messages", &arguments->overflow_messages,
           "With drop-newest: how many messages may wait in each queue; the server's limit if left out");
  AddGroup(sub, target);
  AddShow(sub, arguments);
  AddText(sub, "--name", &arguments->name, "What to call this client");
  AddPairs(sub, "--label", &typed->labels, "NAME=VALUE to find this client by; repeatable");
}

void AddRequest(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  CLI::App* request = AddCommand(app, "request", "Ask a question and print the answers", Command::kRequest, target,
                                 "nmq request DB COUNT                    whoever hears COUNT of DB answers\n"
                                 "nmq request DB COUNT --room kitchen     the members of a room\n"
                                 "nmq request MATH double 21 --replies 1 --timeout 500ms");
  AddText(request, "QUEUE", &arguments->queue, "The queue")->required();
  AddText(request, "EVENT", &arguments->event, "What is asked")->required();
  AddText(request, "PAYLOAD", &arguments->payload, "Any text", /*may_be_empty=*/true);
  AddMessage(request, target);
  AddSpan(request, "--timeout", &target.typed->timeout, "How long to wait for answers: 500ms, 5s, 1m",
          absl::Nanoseconds(1), absl::Hours(24))
      ->capture_default_str();
  AddCount(request, "--replies", &arguments->replies,
           "End with so many answers; without it, with one of each who hears it");
}

void AddReply(CLI::App* app, const Target& target) {
  Arguments* const arguments = target.arguments;
  Typed* const typed = target.typed;
  CLI::App* reply = AddCommand(app, "reply", "Answer each question that is heard", Command::kReply, target,
                               "nmq reply DB COUNT --payload 17         always the same answer\n"
                               "nmq reply MATH double --exec \"awk '{print \\$1 * 2}'\"\n"
                               "nmq reply DB --exec ./answer.sh --join kitchen");
  AddText(reply, "QUEUE", &arguments->queue, "The queue, or a pattern as for sub")->required();
  AddText(reply, "EVENT", &arguments->event, "The event, or a pattern; every event if left out");
  CLI::Option_group* answer = reply->add_option_group("Answer", "One of these");
  AddText(answer, "--payload", &arguments->payload, "Answer with this text", /*may_be_empty=*/true);
  AddText(answer, "--exec", &arguments->exec,
          "Answer with the output of this shell command, which gets the question's payload as its input; "
          "with an error if it fails");
  answer->require_option(1);
  AddTexts(reply, "--join", &arguments->join, "Be a member of this room; repeatable");
  AddCount(reply, "--count", &typed->count, "End after so many answers");
  AddText(reply, "--content-type", &arguments->content_type, "What the answer is");
  AddText(reply, "--name", &arguments->name, "What to call this client");
  AddPairs(reply, "--label", &typed->labels, "NAME=VALUE to find this client by; repeatable");
}

}  // namespace

void AddMessageCommands(CLI::App* app, const Target& target) {
  AddPub(app, target);
  AddSub(app, target);
  AddRequest(app, target);
  AddReply(app, target);
}

}  // namespace cli
}  // namespace nmq
