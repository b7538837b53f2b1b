#include "server/access/principal_cache.h"

#include <iterator>
#include <utility>

namespace nmq {
namespace {

// About what an entry takes besides its texts.
constexpr size_t kEntryBytes = 512;

size_t BytesOf(absl::string_view shown, const Principal& principal) {
  size_t bytes = kEntryBytes + shown.size() + principal.name.size() + principal.token_id.size() +
                 principal.kept.size() + principal.terms.size();
  for (const std::string& claim : principal.claims) bytes += sizeof(claim) + claim.size();
  return bytes;
}

}  // namespace

std::shared_ptr<const Principal> PrincipalCache::Find(absl::string_view shown) const {
  MutexLock lock(&mu_);
  const auto found = found_.find(shown);
  return found == found_.end() ? nullptr : found->second->principal;
}

std::shared_ptr<const Principal> PrincipalCache::Add(absl::string_view shown, Principal principal) {
  const size_t bytes = BytesOf(shown, principal);
  auto made = std::make_shared<const Principal>(std::move(principal));
  MutexLock lock(&mu_);
  if (const auto found = found_.find(shown); found != found_.end()) return found->second->principal;
  while (!entries_.empty() && (entries_.size() >= entries_max_ || bytes_ + bytes > bytes_max_)) DropOldest();
  entries_.push_back({std::string(shown), made, bytes});
  bytes_ += bytes;
  const auto added = std::prev(entries_.end());
  found_.emplace(added->shown, added);
  return made;
}

void PrincipalCache::DropOldest() {
  const Entry& oldest = entries_.front();
  bytes_ -= oldest.bytes;
  found_.erase(oldest.shown);
  entries_.pop_front();
}

size_t PrincipalCache::size() const {
  MutexLock lock(&mu_);
  return entries_.size();
}

}  // namespace nmq
