#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/errors.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/input.h"
#include "client/cli/json.h"
#include "client/cli/line_publisher.h"
#include "client/cli/listening_groups.h"
#include "client/cli/message_template.h"
#include "client/cli/stop.h"
#include "client/cpp/client.h"

namespace nmq {
namespace cli {
namespace {

// No server takes a larger one.
constexpr uint64_t kPayloadMax = 64 << 20;

// `groups` is nothing if they are not known.
std::string AsJson(const PublishResult& result, const std::optional<std::vector<std::string>>& groups) {
  JsonWriter json;
  json.BeginObject().Key("id").String(result.id).Key("epoch").Integer(result.epoch);
  json.Key("sequence").Integer(result.sequence).Key("matched").Integer(result.matched.value_or(0));
  json.Key("duplicate").Bool(result.duplicate).Key("storage").String(EnumName(result.storage));
  if (groups.has_value()) {
    json.Key("groups").BeginArray();
    for (const std::string& group : *groups) json.String(group);
    json.EndArray();
  }
  return json.EndObject().json();
}

// Nobody else, if a group has it.
std::string WhoHears(uint64_t matched, const std::vector<std::string>& groups) {
  const std::string heard =
      absl::StrCat("heard by ", Count(matched), matched == 1 ? " subscription" : " subscriptions");
  if (groups.empty()) return heard;
  const std::string shared =
      absl::StrCat("for the group", groups.size() == 1 ? " " : "s ", absl::StrJoin(groups, ", "));
  return matched == 0 ? shared : absl::StrCat(heard, ", and ", shared);
}

std::string AsText(const PublishResult& result, const std::vector<std::string>& groups, const Arguments& arguments) {
  const std::string what = absl::StrCat(arguments.queue, " ", arguments.event);
  const bool waits = result.sequence == 0;
  if (result.duplicate) {
    return waits ? absl::StrCat(what, ": published before, to come at its time")
                 : absl::StrCat(what, " ", result.sequence, ": published before as ", result.id);
  }
  if (waits) return absl::StrCat(what, ": published, to come in ", absl::FormatDuration(arguments.delay));
  const char* const payload = arguments.source == Arguments::Source::kNone ? " without a payload" : "";
  return absl::StrCat(what, " ", result.sequence, ": published as ", result.id, payload, ", ",
                      WhoHears(result.matched.value_or(0), groups));
}

int PublishOne(Client* client, const Arguments& arguments, std::string payload, Output* out, Output* err) {
  Message message = MakeTemplate(arguments);
  message.set_payload(std::move(payload));
  message.set_request_id(arguments.request_id);
  SetTimes(arguments, absl::Now(), &message);
  const absl::StatusOr<PublishResult> result =
      client->Publish(message, {.expected_last_sequence = arguments.expected_last,
                                .count_matches = true,
                                .timeout = absl::Seconds(10) + arguments.wait});
  if (!result.ok()) {
    const int code = Fail(result.status(), arguments, err);
    // Others have no events: what is no name may be meant as a payload.
    if (arguments.source == Arguments::Source::kNone && MetadataOf(result.status(), "field") == "event") {
      err->Tell("the payload comes behind the event: nmq pub QUEUE EVENT PAYLOAD");
    }
    return code;
  }
  std::optional<std::vector<std::string>> groups = std::vector<std::string>();
  if (result->sequence > 0 && !result->duplicate) {
    groups = ListeningGroups(client->channel(), arguments.namespace_name, message);
  }
  out->WriteLine(arguments.json ? AsJson(*result, groups)
                                : AsText(*result, groups.value_or(std::vector<std::string>()), arguments));
  return Done(*out, err);
}

// The file, or `in` if none is named.
class Source {
 public:
  Source(const std::string& file, int in)
      : owned_(file.empty() ? -1 : open(file.c_str(), O_RDONLY | O_CLOEXEC)), fd_(file.empty() ? in : owned_) {}
  ~Source() {
    if (owned_ >= 0) close(owned_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  int fd() const { return fd_; }
  // What is left to read; 0 if that is not known.
  uint64_t bytes() const {
    struct stat about;
    if (fstat(fd_, &about) != 0 || !S_ISREG(about.st_mode)) return 0;
    return static_cast<uint64_t>(about.st_size - lseek(fd_, 0, SEEK_CUR));
  }

 private:
  const int owned_;
  const int fd_;
};

}  // namespace

int RunPub(const Arguments& arguments, int in, Output* out, Output* err) {
  // Before any other thread.
  std::optional<Stop> stop;
  if (arguments.source == Arguments::Source::kLines) stop.emplace();
  ClientOptions options = OptionsFor(arguments);
  options.wait_for_server = arguments.wait;
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(std::move(options));
  if (!client.ok()) return Fail(client.status(), arguments, err);
  const Source source(arguments.file, in);
  if (source.fd() < 0)
    return Fail(absl::ErrnoToStatus(errno, absl::StrCat("--file: ", arguments.file)), arguments, err);
  if (stop.has_value()) {
    return PublishLines(client->get(), arguments, source.fd(), source.bytes(), &*stop, out, err);
  }
  std::string payload = arguments.payload;
  if (arguments.source == Arguments::Source::kWhole) {
    absl::StatusOr<std::string> whole = ReadWhole(source.fd(), kPayloadMax);
    if (!whole.ok()) return Fail(whole.status(), arguments, err);
    payload = *std::move(whole);
  }
  if (arguments.source == Arguments::Source::kNone && HasSomething(in)) {
    err->Tell("the payload is empty, and standard input is not read: - publishes its lines, --stdin all of it");
  } else if (arguments.source == Arguments::Source::kNone && err->is_terminal()) {
    // Others have no events: "pub SUBJECT PAYLOAD".
    err->Tell(absl::StrCat(OneLine(arguments.event),
                           " is the event, and the payload is empty: nmq pub QUEUE EVENT "
                           "PAYLOAD; '' as the payload says that this is meant"));
  }
  return PublishOne(client->get(), arguments, std::move(payload), out, err);
}

}  // namespace cli
}  // namespace nmq
