#include <cstdint>
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

// Nobody waits longer for an answer.
constexpr absl::Duration kExecTimeout = absl::Minutes(1);

// What the subscription's thread does: one question after another. Ends by asking `stop`.
class Replier {
 public:
  // All must outlive this; `client` is set before the first question comes.
  Replier(const Arguments& arguments, Output* out, Output* err, Stop* stop)
      : arguments_(arguments), out_(out), err_(err), stop_(stop) {}

  void set_client(Client* client) { client_ = client; }

  SubscriptionHandler Handler() {
    return {.on_message = [this](const Message& message) { OnMessage(message); },
            .on_gap = [this](const Gap& gap) { err_->Tell(absl::StrCat("gap: ", Explain(gap))); },
            .on_state = [this](SubscriptionState state, const absl::Status& status) { news_.OnState(state, status); }};
  }

 private:
  void OnMessage(const Message& message) {
    if (message.reply_to().empty() || answered_ == arguments_.count) return;
    std::string answer = arguments_.payload;
    ReplyOptions options{.content_type = arguments_.content_type};
    if (!arguments_.exec.empty()) {
      absl::StatusOr<std::string> output =
          RunFilter(arguments_.exec, message.payload(),
                    {.output_max = client_->limits().payload_bytes(), .timeout = kExecTimeout});
      options.error = output.status();
      answer = output.ok() ? *std::move(output) : "";
    }
    const absl::Status status = client_->Reply(message, answer, options);
    if (!options.error.ok()) Complain(message, options.error);
    if (!status.ok()) Complain(message, status);
    if (status.ok() && options.error.ok()) Print(message, answer);
    if (status.ok() && ++answered_ == arguments_.count) stop_->Request();
  }

  void Print(const Message& message, const std::string& answer) {
    std::string line;
    if (arguments_.json) {
      line = MessageJson(message, arguments_.namespace_name.empty() ? "default" : arguments_.namespace_name);
    } else {
      line = absl::StrCat(MessageLine(message), " => ", OneLine(answer));
    }
    if (!out_->WriteLine(line)) stop_->Request();
  }

  void Complain(const Message& message, const absl::Status& status) {
    err_->Tell(absl::StrCat(OneLine(message.queue()), " ", OneLine(message.event()), " ", message.sequence(),
                            " not answered: ", Explain(status, arguments_.server, arguments_.asked)));
  }

  const Arguments& arguments_;
  Output* const out_;
  Output* const err_;
  Stop* const stop_;
  Client* client_ = nullptr;
  uint64_t answered_ = 0;
  ConnectionNews news_{err_, stop_};
};

}  // namespace

int RunReply(const Arguments& arguments, Output* out, Output* err) {
  Stop stop;
  Replier replier(arguments, out, err, &stop);
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(OptionsFor(arguments));
  if (!client.ok()) return Fail(client.status(), arguments, err);
  replier.set_client(client->get());
  absl::StatusOr<std::unique_ptr<Subscription>> subscription = (*client)->Subscribe(
      {.patterns = {{arguments.queue, arguments.event}}, .rooms = arguments.join}, replier.Handler());
  if (!subscription.ok()) return Fail(subscription.status(), arguments, err);
  stop.Wait();
  // Whether it ended by itself.
  (*subscription)->Cancel();
  const absl::Status end = (*subscription)->Wait();
  if (!end.ok()) return Fail(end, arguments, err);
  return Done(*out, err);
}

}  // namespace cli
}  // namespace nmq
