#include "tests/bench/redis/redis_protocol.h"

#include <hiredis/hiredis.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

// The reader moves what it has not read yet to its buffer's begin after each 1 KiB or more: little must wait there.
constexpr size_t kMouthful = 4096;

// Stand for whatever the reader has read.
char something;
char failure;

ReplyHandler* HandlerOf(const redisReadTask* task) { return static_cast<ReplyHandler*>(task->privdata); }

bool IsLast(const redisReadTask* task) { return task->parent == nullptr || task->idx == task->parent->elements - 1; }

void* OnString(const redisReadTask* task, char* text, size_t size) {
  if (task->type == REDIS_REPLY_ERROR) return &failure;
  if (task->parent != nullptr && IsLast(task)) HandlerOf(task)->OnText({text, size});
  return &something;
}

void* OnArray(const redisReadTask*, int) { return &something; }

void* OnInteger(const redisReadTask* task, long long) {
  if (IsLast(task)) HandlerOf(task)->OnInteger();
  return &something;
}

void* OnNil(const redisReadTask*) { return &something; }

void FreeNothing(void*) {}

redisReplyObjectFunctions functions = {OnString, OnArray, OnInteger, OnNil, FreeNothing};

}  // namespace

std::string Command(const std::vector<std::string>& words) {
  std::string command = absl::StrCat("*", words.size(), "\r\n");
  for (const std::string& word : words) absl::StrAppend(&command, "$", word.size(), "\r\n", word, "\r\n");
  return command;
}

std::string SubscribeCommand(const std::vector<std::string>& names) {
  const bool patterns =
      std::any_of(names.begin(), names.end(), [](const std::string& name) { return absl::StrContains(name, '*'); });
  std::vector<std::string> words = {patterns ? "PSUBSCRIBE" : "SUBSCRIBE"};
  words.insert(words.end(), names.begin(), names.end());
  return Command(words);
}

std::string PublishPrefix(const std::string& channel, size_t payload_bytes) {
  return absl::StrCat("*3\r\n$7\r\nPUBLISH\r\n$", channel.size(), "\r\n", channel, "\r\n$", payload_bytes, "\r\n");
}

ReplyReader::ReplyReader(ReplyHandler* handler) : reader_(redisReaderCreateWithFunctions(&functions)) {
  if (reader_ != nullptr) reader_->privdata = handler;
}

absl::Status ReplyReader::Feed(absl::string_view bytes) {
  if (reader_ == nullptr) return absl::ResourceExhaustedError("no memory for a reader");
  while (!bytes.empty()) {
    const absl::string_view mouthful = bytes.substr(0, kMouthful);
    bytes.remove_prefix(mouthful.size());
    redisReaderFeed(reader_.get(), mouthful.data(), mouthful.size());
    if (absl::Status status = ReadReplies(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReplyReader::ReadReplies() {
  while (true) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      return absl::DataLossError(absl::StrCat("no Redis protocol: ", reader_->errstr));
    }
    if (reply == nullptr) return absl::OkStatus();
    if (reply == &failure) return absl::InternalError("the server refused a command");
  }
}

}  // namespace nmq::bench
