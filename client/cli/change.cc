// The commands that change something.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "client/cli/commands.h"
#include "client/cli/confirm.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/progress.h"
#include "nmq/v1/admin.grpc.pb.h"

namespace nmq {
namespace cli {
namespace {

using v1::Admin;

// "1 client", "2 clients".
std::string Several(uint64_t count, absl::string_view what) {
  return absl::StrCat(Count(count), " ", what, count == 1 ? "" : "s");
}

// One change: how it is asked for, and what is said of it.
class Changer {
 public:
  Changer(const RegistryClient& server, const Arguments& arguments, Output* out, Output* err)
      : server_(server), arguments_(arguments), out_(out), err_(err) {}

  int CreateNamespace() const {
    v1::CreateNamespaceRequest request;
    request.set_name(arguments_.name);
    request.set_automatic_queues(change().automatic_queues.value_or(false));
    v1::CreateNamespaceResponse response;
    return Tell(server_.Change(&Admin::Stub::CreateNamespace, request, &response), response,
                [&] { return absl::StrCat("namespace ", arguments_.name, " is there", Kept(response.kept())); });
  }
  int UpdateNamespace() const {
    v1::UpdateNamespaceRequest request;
    request.set_name(arguments_.name);
    if (change().automatic_queues.has_value()) request.set_automatic_queues(*change().automatic_queues);
    v1::UpdateNamespaceResponse response;
    return Tell(server_.Change(&Admin::Stub::UpdateNamespace, request, &response), response,
                [&] { return absl::StrCat("namespace ", arguments_.name, " is changed"); });
  }
  int DeleteNamespace() const {
    if (!Agreed([&] { return absl::StrCat("Delete the namespace ", arguments_.name, " with all that is in it?"); }))
      return kExitFailed;
    v1::DeleteNamespaceRequest request;
    request.set_name(arguments_.name);
    v1::DeleteNamespaceResponse response;
    return Tell(server_.Change(&Admin::Stub::DeleteNamespace, request, &response), response,
                [&] { return absl::StrCat("namespace ", arguments_.name, " is gone"); });
  }

  int CreateQueue() const {
    auto request = ForQueue<v1::CreateQueueRequest>();
    request.set_durability(change().durability);
    for (const std::string& event : change().events) request.add_events(event);
    SetRetention(request.mutable_retention());
    v1::CreateQueueResponse response;
    return Tell(server_.Change(&Admin::Stub::CreateQueue, request, &response), response, [&] {
      return absl::StrCat("queue ", arguments_.queue, " is there, ", EnumWords(EnumName(response.queue().durability())),
                          Kept(response.kept()));
    });
  }
  // What is not said stays as it is.
  int UpdateQueue() const {
    auto request = ForQueue<v1::UpdateQueueRequest>();
    if (change().any_event || !change().events.empty()) request.mutable_events();
    for (const std::string& event : change().events) request.mutable_events()->add_names(event);
    if (change().bytes_max.has_value() || change().messages_max.has_value() || change().age_max.has_value()) {
      v1::ListQueuesRequest list;
      list.set_namespace_(arguments_.namespace_name);
      list.set_queue(arguments_.queue);
      v1::ListQueuesResponse queues;
      absl::Status status = server_.Call(&v1::Registry::Stub::ListQueues, list, &queues);
      if (!status.ok()) return Fail(status, arguments_, err_);
      if (queues.queues_size() == 1) *request.mutable_retention() = queues.queues(0).retention();
      SetRetention(request.mutable_retention());
    }
    v1::UpdateQueueResponse response;
    return Tell(server_.Change(&Admin::Stub::UpdateQueue, request, &response), response,
                [&] { return absl::StrCat("queue ", arguments_.queue, " is changed"); });
  }
  int DeleteQueue() const {
    if (!Agreed([&] { return absl::StrCat("Delete the queue ", arguments_.queue, Holdings(), " and its groups?"); }))
      return kExitFailed;
    v1::DeleteQueueResponse response;
    return Tell(
        server_.Change(&Admin::Stub::DeleteQueue, ForQueue<v1::DeleteQueueRequest>(), &response), response, [&] {
          return absl::StrCat("queue ", arguments_.queue, " is gone, with ", Several(response.messages(), "message"));
        });
  }
  int PurgeQueue() const {
    const std::string what = change().up_to > 0 ? absl::StrCat(" up to ", change().up_to, " of") : " of";
    if (!Agreed([&] {
          return absl::StrCat("Give up the messages", what, " the queue ", arguments_.queue, Holdings(), "?");
        })) {
      return kExitFailed;
    }
    uint64_t before = 0;
    const absl::Status stepped = PurgeInSteps(&before);
    if (!stepped.ok()) return Fail(stepped, arguments_, err_);
    auto request = ForQueue<v1::PurgeQueueRequest>();
    request.set_up_to_sequence(change().up_to);
    v1::PurgeQueueResponse response;
    const absl::Status status = server_.Change(&Admin::Stub::PurgeQueue, request, &response);
    response.set_messages(response.messages() + before);
    return Tell(status, response, [&] { return absl::StrCat(Several(response.messages(), "message"), " given up"); });
  }

  int CreateGroup() const {
    v1::CreateGroupRequest request;
    request.set_namespace_(arguments_.namespace_name);
    request.set_queue(arguments_.queue);
    v1::GroupOptions* options = request.mutable_options();
    const Arguments::Group& group = arguments_.group;
    options->set_name(group.name);
    if (group.ack_deadline > absl::ZeroDuration()) SetDuration(group.ack_deadline, options->mutable_ack_deadline());
    options->set_attempts_max(group.attempts);
    options->set_by_key(group.by_key);
    options->set_dead_letter_queue(group.dead_letters);
    for (const std::string& room : arguments_.rooms) options->add_rooms(room);
    for (const std::string& event : change().events) request.add_events(event);
    *request.mutable_start() = arguments_.start;
    v1::CreateGroupResponse response;
    return TellGroup(server_.Change(&Admin::Stub::CreateGroup, request, &response), response, "is there");
  }
  int DeleteGroup() const {
    if (!Agreed([&] {
          return absl::StrCat("Delete the group ", arguments_.group.name, " of the queue ", arguments_.queue,
                              " and what it has done?");
        })) {
      return kExitFailed;
    }
    v1::DeleteGroupResponse response;
    return TellGroup(server_.Change(&Admin::Stub::DeleteGroup, ForGroup<v1::DeleteGroupRequest>(), &response), response,
                     "is gone");
  }
  int PauseGroup() const {
    v1::PauseGroupResponse response;
    return TellGroup(server_.Change(&Admin::Stub::PauseGroup, ForGroup<v1::PauseGroupRequest>(), &response), response,
                     "is paused");
  }
  int ResumeGroup() const {
    v1::ResumeGroupResponse response;
    return TellGroup(server_.Change(&Admin::Stub::ResumeGroup, ForGroup<v1::ResumeGroupRequest>(), &response), response,
                     "goes on");
  }
  int SeekGroup() const {
    auto request = ForGroup<v1::SeekGroupRequest>();
    *request.mutable_start() = arguments_.start;
    v1::SeekGroupResponse response;
    absl::Status status = server_.Change(&Admin::Stub::SeekGroup, request, &response);
    return TellGroup(status, response, absl::StrCat("goes on after sequence ", response.group().floor_sequence()));
  }

  // In steps, so that the bar has something to show.
  int RedriveDeadLetters() const {
    constexpr uint64_t kStep = 1000;
    v1::RedriveDeadLettersRequest request;
    request.set_namespace_(arguments_.namespace_name);
    request.set_queue(arguments_.queue);
    const uint64_t total =
        std::min(Held().value_or(kStep), arguments_.count.value_or(std::numeric_limits<uint64_t>::max()));
    Progress progress(total, /*bytes=*/false, err_);
    v1::RedriveDeadLettersResponse all;
    do {
      request.set_messages_max(std::clamp<uint64_t>(total - all.messages(), 1, kStep));
      v1::RedriveDeadLettersResponse response;
      absl::Status status = server_.Change(&Admin::Stub::RedriveDeadLetters, request, &response);
      if (!status.ok()) return Fail(status, arguments_, err_);
      response.set_messages(response.messages() + all.messages());
      const bool further = response.messages() > all.messages();
      all = response;
      progress.Set(all.messages());
      if (!further) break;
    } while (all.stopped_at_sequence() == 0 && all.messages() < total);
    progress.Clear();
    const int code = Tell(absl::OkStatus(), all,
                          [&] { return absl::StrCat(Several(all.messages(), "dead letter"), " published anew"); });
    if (code != kExitDone || all.stopped_at_sequence() == 0) return code;
    const std::string where =
        absl::StrCat("stopped at sequence ", all.stopped_at_sequence(), ": ", all.stopped_because());
    // It may be work, and not to be given up.
    err_->Tell(
        all.messages() == 0 && absl::StrContains(all.stopped_because(), "no dead letter")
            ? absl::StrCat(where, "; \"", arguments_.asked.Command("dead list"), "\" shows which queues have some")
            : absl::StrCat(where, "; \"",
                           arguments_.asked.Command(
                               absl::StrCat("queue purge ", arguments_.queue, " --up-to ", all.stopped_at_sequence())),
                           "\" gives it up"));
    return kExitFailed;
  }

  int MoveClients() const {
    if (change().all && !Agreed([&] { return AllClients("Move"); })) return kExitFailed;
    v1::MoveClientsRequest request;
    request.set_namespace_(arguments_.namespace_name);
    *request.mutable_filter() = FilterOf(arguments_);
    request.set_all(change().all);
    for (const std::string& room : arguments_.join) request.add_join(room);
    for (const std::string& room : change().leave) request.add_leave(room);
    v1::MoveClientsResponse response;
    return Tell(server_.Change(&Admin::Stub::MoveClients, request, &response), response, [&] {
      const std::string refused = response.refused() == 0 ? "" : absl::StrCat("; refused: ", Count(response.refused()));
      return absl::StrCat(Several(response.clients(), "client"), " moved", refused);
    });
  }
  int DisconnectClients() const {
    if (change().all && !Agreed([&] { return AllClients("Disconnect"); })) return kExitFailed;
    v1::DisconnectClientsRequest request;
    request.set_namespace_(arguments_.namespace_name);
    *request.mutable_filter() = FilterOf(arguments_);
    request.set_all(change().all);
    request.set_reason(change().reason);
    v1::DisconnectClientsResponse response;
    return Tell(server_.Change(&Admin::Stub::DisconnectClients, request, &response), response,
                [&] { return absl::StrCat(Several(response.clients(), "client"), " disconnected"); });
  }

 private:
  const Arguments::Change& change() const { return arguments_.change; }

  bool Agreed(absl::FunctionRef<std::string()> question) const { return Confirm(question, arguments_, err_); }

  // The queue, if the server says so.
  std::optional<v1::QueueInfo> Found() const {
    v1::ListQueuesRequest request;
    request.set_namespace_(arguments_.namespace_name);
    request.set_queue(arguments_.queue);
    v1::ListQueuesResponse response;
    if (!server_.Call(&v1::Registry::Stub::ListQueues, request, &response).ok() || response.queues_size() != 1) {
      return std::nullopt;
    }
    return response.queues(0);
  }
  // Its messages.
  std::optional<uint64_t> Held() const {
    const std::optional<v1::QueueInfo> queue = Found();
    if (!queue.has_value()) return std::nullopt;
    return queue->last_sequence() + 1 - queue->first_sequence();
  }

  // For a person who watches: all but the last part of many messages, so that the bar has something to show. Elsewhere
  // nothing: one change then gives up all.
  absl::Status PurgeInSteps(uint64_t* messages) const {
    constexpr uint64_t kStepMin = 10'000;
    constexpr uint64_t kSteps = 20;
    const std::optional<v1::QueueInfo> queue = err_->is_terminal() && !arguments_.json ? Found() : std::nullopt;
    if (!queue.has_value()) return absl::OkStatus();
    const uint64_t last =
        change().up_to > 0 ? std::min(change().up_to, queue->last_sequence()) : queue->last_sequence();
    const uint64_t total = last + 1 - std::min(last + 1, queue->first_sequence());
    const uint64_t step = std::max(kStepMin, total / kSteps);
    Progress progress(total, /*bytes=*/false, err_);
    auto request = ForQueue<v1::PurgeQueueRequest>();
    for (uint64_t done = step; done < total; done += step) {
      request.set_up_to_sequence(queue->first_sequence() + done - 1);
      v1::PurgeQueueResponse response;
      absl::Status status = server_.Change(&Admin::Stub::PurgeQueue, request, &response);
      if (!status.ok()) return status;
      *messages += response.messages();
      progress.Set(done);
    }
    return absl::OkStatus();
  }

  // " with 3 messages"
  std::string Holdings() const {
    const std::optional<uint64_t> held = Held();
    return held.has_value() ? absl::StrCat(" with ", Several(*held, "message")) : "";
  }

  std::string AllClients(absl::string_view what) const {
    v1::CountClientsRequest request;
    request.set_namespace_(arguments_.namespace_name);
    v1::CountClientsResponse response;
    const bool counted = server_.Call(&v1::Registry::Stub::CountClients, request, &response).ok();
    return absl::StrCat(what, " all ", counted ? Count(response.count()) : "", counted ? " " : "",
                        "clients of the namespace ",
                        arguments_.namespace_name.empty() ? "default" : arguments_.namespace_name, "?");
  }

  static std::string Kept(bool kept) { return kept ? "" : ", until the server ends: it has no data directory"; }

  template <typename Request>
  Request ForQueue() const {
    Request request;
    request.set_namespace_(arguments_.namespace_name);
    request.set_name(arguments_.queue);
    return request;
  }
  template <typename Request>
  Request ForGroup() const {
    Request request;
    request.set_namespace_(arguments_.namespace_name);
    request.set_queue(arguments_.queue);
    request.set_group(arguments_.group.name);
    return request;
  }

  void SetRetention(v1::Retention* retention) const {
    if (change().bytes_max.has_value()) retention->set_bytes(*change().bytes_max);
    if (change().messages_max.has_value()) retention->set_messages(*change().messages_max);
    if (change().age_max.has_value()) SetDuration(*change().age_max, retention->mutable_age());
  }

  // Prints the response as JSON, or the line that `words` makes.
  template <typename Response, typename Words>
  int Tell(const absl::Status& status, const Response& response, Words words) const {
    if (!status.ok()) return Fail(status, arguments_, err_);
    out_->WriteLine(arguments_.json ? ProtoToJson(response) : words());
    return Done(*out_, err_);
  }
  template <typename Response>
  int TellGroup(const absl::Status& status, const Response& response, const std::string& what) const {
    return Tell(status, response, [&] {
      return absl::StrCat("group ", arguments_.group.name, " of queue ", arguments_.queue, " ", what);
    });
  }

  const RegistryClient& server_;
  const Arguments& arguments_;
  Output* const out_;
  Output* const err_;
};

}  // namespace

int RunChange(const Arguments& arguments, Output* out, Output* err) {
  absl::StatusOr<std::unique_ptr<RegistryClient>> server = RegistryClient::Open(arguments);
  if (!server.ok()) return Fail(server.status(), arguments, err);
  const Changer changer(**server, arguments, out, err);
  switch (arguments.command) {
    case Command::kNamespaceCreate:
      return changer.CreateNamespace();
    case Command::kNamespaceUpdate:
      return changer.UpdateNamespace();
    case Command::kNamespaceDelete:
      return changer.DeleteNamespace();
    case Command::kQueueCreate:
      return changer.CreateQueue();
    case Command::kQueueUpdate:
      return changer.UpdateQueue();
    case Command::kQueueDelete:
      return changer.DeleteQueue();
    case Command::kQueuePurge:
      return changer.PurgeQueue();
    case Command::kGroupCreate:
      return changer.CreateGroup();
    case Command::kGroupDelete:
      return changer.DeleteGroup();
    case Command::kGroupPause:
      return changer.PauseGroup();
    case Command::kGroupResume:
      return changer.ResumeGroup();
    case Command::kGroupSeek:
      return changer.SeekGroup();
    case Command::kDeadRedrive:
      return changer.RedriveDeadLetters();
    case Command::kMove:
      return changer.MoveClients();
    case Command::kDisconnect:
      return changer.DisconnectClients();
    default:
      return kExitUsage;
  }
}

}  // namespace cli
}  // namespace nmq
