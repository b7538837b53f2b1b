#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/connection_news.h"
#include "client/cli/explain.h"
#include "client/cli/filter.h"
#include "client/cli/human.h"
#include "client/cli/message_text.h"
#include "client/cli/stop.h"
#include "client/cpp/client.h"

namespace nmq {
namespace cli {
namespace {

// Of a command, for one message.
constexpr size_t kExecOutputMax = 256 << 20;

// What the subscription's thread does. Ends by asking `stop`.
class Printer {
 public:
  Printer(const Arguments& arguments, Output* out, Output* err, Stop* stop)
      : arguments_(arguments), out_(out), err_(err), stop_(stop) {}

  // With a group, what was printed is acknowledged; to be set before messages come.
  void Acknowledge(Client* client) { client_ = client; }

  // Ends a command that runs.
  void Cancel() { cancelled_ = true; }

  // At the end: whether commands failed, which it says.
  bool TellOfFailed() const {
    if (failed_ == 0) return false;
    err_->Tell(absl::StrCat("the command failed for ", Count(failed_), " of ", Count(messages_), " messages"));
    return true;
  }

  SubscriptionHandler Handler() {
    return {.on_message = [this](const Message& message) { OnMessage(message); },
            .on_gap = [this](const Gap& gap) { OnGap(gap); },
            .on_state = [this](SubscriptionState state, const absl::Status& status) { news_.OnState(state, status); }};
  }

 private:
  std::string namespace_name() const {
    return arguments_.namespace_name.empty() ? "default" : arguments_.namespace_name;
  }

  void Print(const std::string& line) {
    if (!out_->WriteLine(line)) EndHere();
  }

  void EndHere() {
    stop_requested_ = true;
    stop_->Request();
  }

  void OnMessage(const Message& message) {
    if (stop_requested_ || (arguments_.count.has_value() && messages_ >= *arguments_.count)) return;
    absl::Status status;
    if (arguments_.exec.empty()) {
      Print(TextOf(message));
    } else {
      status = Execute(message);
    }
    // A message that was not printed belongs to another member.
    if (client_ != nullptr && !stop_requested_ && !absl::IsCancelled(status)) {
      const v1::Acknowledgement what = status.ok() ? nmq::Done(message) : RetryAfter(message, absl::ZeroDuration());
      const auto noted = client_->Acknowledge(message.queue(), arguments_.group.name, {what});
      if (!noted.ok()) err_->Tell(absl::StrCat("not acknowledged: ", ExplainBriefly(noted.status())));
    }
    if (++messages_ == arguments_.count.value_or(0)) stop_->Request();
  }

  std::string TextOf(const Message& message) const {
    const Look look = {
        .headers_only = arguments_.show.headers_only, .date = arguments_.show.date, .colors = out_->has_colors()};
    if (arguments_.json) return MessageJson(message, namespace_name(), look);
    return arguments_.show.raw ? message.payload() : MessageLine(message, look);
  }

  // Prints what the command prints, and says how it failed.
  absl::Status Execute(const Message& message) {
    std::string partial;
    const absl::StatusOr<std::string> output = RunFilter(
        arguments_.exec, message.payload(),
        {.output_max = kExecOutputMax,
         .environment = {absl::StrCat("NMQ_QUEUE=", message.queue()), absl::StrCat("NMQ_EVENT=", message.event()),
                         absl::StrCat("NMQ_SEQUENCE=", message.sequence()), absl::StrCat("NMQ_KEY=", message.key())},
         .output_of_failed = &partial,
         .cancelled = &cancelled_});
    if (!out_->Write(output.ok() ? *output : partial)) EndHere();
    if (!output.ok() && !cancelled_) {
      ++failed_;
      err_->Tell(absl::StrCat(OneLine(message.queue()), " ", OneLine(message.event()), " ", message.sequence(), ": ",
                              output.status().message(),
                              client_ == nullptr ? "" : "; the group delivers the message again"));
    }
    return output.status();
  }

  void OnGap(const Gap& gap) {
    if (arguments_.json) Print(GapJson(gap, namespace_name()));
    err_->Tell(absl::StrCat("gap: ", Explain(gap)));
  }

  const Arguments& arguments_;
  Output* const out_;
  Output* const err_;
  Stop* const stop_;
  Client* client_ = nullptr;
  uint64_t messages_ = 0;
  // Messages whose command failed.
  uint64_t failed_ = 0;
  bool stop_requested_ = false;
  std::atomic<bool> cancelled_ = false;
  ConnectionNews news_{err_, stop_};
};

v1::GroupOptions GroupOptionsFor(const Arguments::Group& group) {
  v1::GroupOptions options;
  options.set_name(group.name);
  if (group.ack_deadline > absl::ZeroDuration()) {
    options.mutable_ack_deadline()->set_seconds(absl::ToInt64Seconds(group.ack_deadline));
  }
  options.set_attempts_max(group.attempts);
  options.set_by_key(group.by_key);
  return options;
}

std::string ListeningTo(const Arguments& arguments) {
  return absl::StrCat(
      "hears ", arguments.event.empty() ? "every event" : OneLine(arguments.event), " of ", OneLine(arguments.queue),
      arguments.group.name.empty() ? "" : absl::StrCat(" as a member of the group ", arguments.group.name),
      " in the namespace ", arguments.namespace_name.empty() ? "default" : arguments.namespace_name, " of ",
      arguments.server, "; Ctrl-C ends it");
}

}  // namespace

int RunSub(const Arguments& arguments, Output* out, Output* err) {
  Stop stop;
  Printer printer(arguments, out, err, &stop);
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(OptionsFor(arguments));
  if (!client.ok()) return Fail(client.status(), arguments, err);
  SubscribeOptions options = {.patterns = {{arguments.queue, arguments.event}},
                              .rooms = arguments.join,
                              .start = arguments.start,
                              .overflow = arguments.overflow,
                              .overflow_messages = arguments.overflow_messages};
  for (const v1::HeaderFilter& filter : arguments.where) {
    HeaderFilter& header = options.headers.emplace_back();
    header.name = filter.name();
    if (filter.has_value()) header.value = filter.value();
  }
  if (!arguments.group.name.empty()) {
    options.group = GroupOptionsFor(arguments.group);
    printer.Acknowledge(client->get());
  }
  absl::StatusOr<std::unique_ptr<Subscription>> subscription =
      (*client)->Subscribe(std::move(options), printer.Handler());
  if (!subscription.ok()) return Fail(subscription.status(), arguments, err);
  if (err->is_terminal() && !arguments.json) err->Tell(ListeningTo(arguments));
  stop.Wait();
  printer.Cancel();
  // Whether it ended by itself.
  (*subscription)->Cancel();
  const absl::Status end = (*subscription)->Wait();
  if (!end.ok()) return Fail(end, arguments, err);
  const bool failed = printer.TellOfFailed();
  const int code = Done(*out, err);
  return failed ? kExitFailed : code;
}

}  // namespace cli
}  // namespace nmq
