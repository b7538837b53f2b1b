#include "server/group/group_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/log/log_wait.h"
#include "server/log/store_format.h"

namespace nmq::broker {
namespace {

constexpr char kGroup = 'g';
constexpr char kMarks = 'm';
constexpr char kItem = 'i';
constexpr size_t kNumberBytes = 8;
constexpr size_t kItemBytes = 1 + kNumberBytes;
// More members than any run has.
constexpr uint64_t kStintsOfARun = 1 << 30;

// `bytes` has at least kNumberBytes.
uint64_t NumberOf(absl::string_view bytes) {
  uint64_t number = 0;
  log::ParseBigEndian(bytes.substr(0, kNumberBytes), &number);
  return number;
}

std::string Key(uint64_t queue, const std::string& name, char kind) {
  return absl::StrCat(log::BigEndian(queue), name, absl::string_view("\0", 1), absl::string_view(&kind, 1));
}

// False if it is none. `key` is without the queue's number.
bool Read(absl::string_view key, absl::string_view value, std::vector<StoredGroup>* groups) {
  const size_t end = key.find('\0');
  if (end == absl::string_view::npos || key.size() < end + 2) return false;
  const absl::string_view name = key.substr(0, end);
  const absl::string_view rest = key.substr(end + 2);
  if (key[end + 1] == kGroup) {  // "g" comes before the others
    groups->emplace_back();
    groups->back().name = std::string(name);
    return groups->back().group.ParseFromArray(value.data(), static_cast<int>(value.size()));
  }
  if (groups->empty() || groups->back().name != name) return false;
  GroupState::Saved& saved = groups->back().saved;
  if (key[end + 1] == kMarks) {
    if (value.size() != 2 * kNumberBytes) return false;
    saved.floor = NumberOf(value);
    saved.delivered = NumberOf(value.substr(kNumberBytes));
    return saved.delivered >= saved.floor;
  }
  if (key[end + 1] != kItem || rest.size() != kNumberBytes || value.size() != kItemBytes) return false;
  saved.items.push_back({NumberOf(rest), value[0] != 0, static_cast<uint32_t>(NumberOf(value.substr(1)))});
  return true;
}

// Forgets what the group knows of messages from `end` on.
void CutOff(uint64_t queue, uint64_t end, StoredGroup* group, log::Batch* batch) {
  GroupState::Saved& saved = group->saved;
  if (saved.delivered < end) return;
  GroupState::Changes changes;
  changes.marks = true;
  changes.delivered = saved.delivered = end - 1;
  changes.floor = saved.floor = std::min(saved.floor, saved.delivered);
  const auto is_lost = [end](const GroupState::Saved::Item& item) { return item.sequence >= end; };
  saved.items.erase(std::remove_if(saved.items.begin(), saved.items.end(), is_lost), saved.items.end());
  PutChanges(queue, group->name, changes, batch);
  const std::string items = Key(queue, group->name, kItem);
  batch->DeleteRange(log::Table::kGroups, absl::StrCat(items, log::BigEndian(end)),
                     absl::StrCat(items, log::BigEndian(UINT64_MAX)));
}

}  // namespace

uint64_t ReserveStints(uint64_t now, storage::v1::Group* group) {
  const uint64_t last = std::max(now, group->reserved_stints());
  group->set_reserved_stints(last + kStintsOfARun);
  return last;
}

void PutGroup(uint64_t queue, const std::string& name, const storage::v1::Group& group, log::Batch* batch) {
  batch->Put(log::Table::kGroups, Key(queue, name, kGroup), group.SerializeAsString());
}

void PutChanges(uint64_t queue, const std::string& name, const GroupState::Changes& changes, log::Batch* batch) {
  const std::string items = Key(queue, name, kItem);
  for (uint64_t sequence : changes.erase) {
    batch->Delete(log::Table::kGroups, absl::StrCat(items, log::BigEndian(sequence)));
  }
  for (const GroupState::Saved::Item& item : changes.put) {
    const char done = item.done ? 1 : 0;
    batch->Put(log::Table::kGroups, absl::StrCat(items, log::BigEndian(item.sequence)),
               absl::StrCat(absl::string_view(&done, 1), log::BigEndian(item.attempts)));
  }
  if (changes.marks) {
    batch->Put(log::Table::kGroups, Key(queue, name, kMarks),
               absl::StrCat(log::BigEndian(changes.floor), log::BigEndian(changes.delivered)));
  }
}

void DeleteItems(uint64_t queue, const std::string& name, log::Batch* batch) {
  batch->DeletePrefix(log::Table::kGroups, Key(queue, name, kItem));
}

void DeleteGroup(uint64_t queue, const std::string& name, log::Batch* batch) {
  for (const char kind : {kGroup, kMarks, kItem}) batch->DeletePrefix(log::Table::kGroups, Key(queue, name, kind));
}

absl::StatusOr<std::vector<StoredGroup>> LoadGroups(log::Log* log, uint64_t queue, uint64_t end) {
  std::vector<StoredGroup> groups;
  std::string damaged;
  const absl::Status status =
      log::ScanAndWait(log, log::Table::kGroups, log::BigEndian(queue), log::BigEndian(queue + 1),
                       [&](absl::string_view key, absl::string_view value) {
                         if (Read(key.substr(kNumberBytes), value, &groups)) return true;
                         damaged = std::string(key.substr(kNumberBytes));
                         return false;
                       });
  if (!status.ok()) return status;
  if (!damaged.empty()) {
    return absl::DataLossError(
        absl::StrCat("the groups of queue number ", queue, " are damaged; restore the data directory from a backup"));
  }
  log::Batch cut;
  for (StoredGroup& group : groups) CutOff(queue, end, &group, &cut);
  const absl::Status written = log::WriteAndWait(log, &cut, log::Sync::kNo);
  if (!written.ok()) return written;
  return groups;
}

}  // namespace nmq::broker
