#include "client/cpp/held.h"

#include <algorithm>
#include <iterator>

#include "base/proto_time.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// The shortest extension that the protocol allows.
constexpr absl::Duration kExtensionMin = absl::Seconds(1);

}  // namespace

v1::Acknowledgement Held::Extension(Key key, absl::Duration time) {
  v1::Acknowledgement made;
  made.set_delivery(key.first);
  made.set_first(key.second);
  SetDuration(std::max(time, kExtensionMin), made.mutable_extend());
  return made;
}

void Held::Add(Key key, absl::Duration now) {
  NoticeStall(now);
  held_[key] = {.until = now < unsure_until_ ? -absl::InfiniteDuration() : now + deadline_};
}

void Held::DropAll() {
  at_work_.clear();
  for (const auto& [key, hold] : held_) {
    if (hold.handed.has_value()) at_work_.insert(key);
  }
  held_.clear();
}

std::optional<bool> Held::HandOut(Key key, absl::Duration now) {
  NoticeStall(now);
  const auto it = held_.find(key);
  if (it == held_.end()) return false;
  if (now >= it->second.until) return std::nullopt;
  it->second.handed = now;
  return true;
}

bool Held::OnAsked(Key key, bool noted, absl::Duration asked) {
  const auto it = held_.find(key);
  if (it == held_.end()) return false;
  if (!noted) {
    held_.erase(it);
    return false;
  }
  it->second = {.until = asked + deadline_, .handed = asked, .kept = true};
  return true;
}

Held::Extensions Held::Due(absl::Duration now) {
  NoticeStall(now);
  looked_ = now;
  Extensions due;
  for (auto it = held_.begin(); it != held_.end();) {
    const auto& [key, hold] = *it;
    if (hold.handed.has_value() && hold.kept && now >= hold.until) {
      // The time was the program's own.
      it = held_.erase(it);
      continue;
    }
    if (!hold.handed.has_value() && hold.until > now) {
      v1::Acknowledgement* const last = due.waiting.empty() ? nullptr : &due.acknowledgements.back();
      if (last != nullptr && due.waiting.back().first == key.first && due.waiting.back().second + 1 == key.second) {
        last->set_last(key.second);
      } else {
        due.acknowledgements.push_back(Extension(key, deadline_));
      }
      due.waiting.push_back(key);
    } else if (hold.handed.has_value() && !hold.kept) {
      due.handed.push_back(key);
    }
    ++it;
  }
  for (const Key& key : due.handed) {
    due.acknowledgements.push_back(Extension(key, *held_[key].handed + deadline_ - now));
  }
  return due;
}

void Held::OnExtended(const Extensions& extensions, bool complete, absl::Duration asked) {
  for (const Key& key : extensions.waiting) {
    const auto it = held_.find(key);
    if (it == held_.end() || it->second.handed.has_value()) continue;
    it->second.until = complete ? asked + deadline_ : -absl::InfiniteDuration();
  }
  for (const Key& key : extensions.handed) {
    const auto it = held_.find(key);
    if (it == held_.end() || !it->second.handed.has_value()) continue;
    it->second.kept = true;
    it->second.until = std::max(*it->second.handed + deadline_, asked + kExtensionMin);
  }
}

void Held::Settle(v1::AcknowledgeRequest* request) {
  for (v1::Acknowledgement& acknowledgement : *request->mutable_acknowledgements()) SettleOne(&acknowledgement);
}

void Held::SettleOne(v1::Acknowledgement* acknowledgement) {
  const uint64_t first = acknowledgement->first();
  const uint64_t last = std::max(first, acknowledgement->last());
  const uint64_t delivery = acknowledgement->delivery();
  const Key named = {delivery, first};
  if (delivery != 0 && last == first && held_.count(named) == 0 && at_work_.erase(named) != 0) {
    const auto again = std::find_if(held_.begin(), held_.end(), [&](const auto& entry) {
      return entry.first.second == first && !entry.second.handed.has_value();
    });
    if (again == held_.end()) return;
    acknowledgement->set_delivery(again->first.first);
    held_.erase(again);
    return;
  }
  for (auto it = held_.begin(); it != held_.end();) {
    const Key& key = it->first;
    const bool meant = key.second >= first && key.second <= last && (delivery == 0 || key.first == delivery);
    it = meant ? held_.erase(it) : std::next(it);
  }
}

void Held::NoticeStall(absl::Duration now) {
  if (now - looked_ <= deadline_ / 2) return;
  looked_ = now;
  unsure_until_ = now + deadline_;
  for (auto& [key, hold] : held_) {
    if (!hold.handed.has_value()) hold.until = -absl::InfiniteDuration();
  }
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
