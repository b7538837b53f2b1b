#include "server/limits/connection_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq {
namespace {

constexpr size_t kNetworkBytes = 8;
constexpr size_t kMappedPrefixBytes = 12;

// "10.0.0.1", "2001:db8::/64".
std::string TextOf(const std::string& key) {
  char text[INET6_ADDRSTRLEN] = "";
  if (key.size() == sizeof(in_addr)) return inet_ntop(AF_INET, key.data(), text, sizeof(text));
  in6_addr network = {};
  key.copy(reinterpret_cast<char*>(network.s6_addr), kNetworkBytes);
  return absl::StrCat(inet_ntop(AF_INET6, &network, text, sizeof(text)), "/64");
}

absl::Status TooMany(const char* limit, uint64_t value, uint64_t bound, const std::string& whose) {
  return ResourceExhausted(
      kReasonLimitExceeded,
      absl::StrCat(limit, ": ", value, " exceeds the limit of ", bound, whose,
                   "; end some that are not needed, share one among many clients, or raise the limit"),
      absl::ZeroDuration(), {{"limit", limit}, {"value", absl::StrCat(value)}, {"bound", absl::StrCat(bound)}});
}

}  // namespace

std::string AddressKey(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    return std::string(reinterpret_cast<const char*>(&v4), sizeof(v4));
  }
  if (address.ss_family != AF_INET6) return "";
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  const auto* const bytes = reinterpret_cast<const char*>(v6.s6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return std::string(bytes + kMappedPrefixBytes, sizeof(in_addr));
  return std::string(bytes, kNetworkBytes);
}

ConnectionGate::ConnectionGate(const Limits* limits, const Clock* clock) : limits_(*limits), clock_(*clock) {
  coming_.Set(limits_.connections_per_second, limits_.rate_burst);
}

absl::Status ConnectionGate::Admit(const sockaddr_storage& address, Pass* pass) {
  const std::string key = AddressKey(address);
  const std::string from = key.empty() ? "" : TextOf(key);
  std::shared_ptr<AddressUse> use;
  if (!key.empty()) {
    use = addresses_.Of(key, [this] {
      auto made = std::make_shared<AddressUse>();
      made->coming.Set(limits_.connections_per_second_per_address, limits_.rate_burst);
      return made;
    });
    // First what is of the address alone, so that one address cannot take what is for all.
    absl::Status status = use->coming.Take(1, clock_, "address", from);
    if (!status.ok()) return status;
    const uint64_t value = pass->of_address.Take(Share::Count(use, &use->connections), limits_.connections_per_address);
    if (value != 0) {
      return TooMany("connections_per_address", value, limits_.connections_per_address,
                     absl::StrCat(" of the address ", from));
    }
  }
  absl::Status status = coming_.Take(1, clock_, "server", "");
  if (status.ok()) {
    const uint64_t value = pass->of_all.Take(connections_, limits_.connections);
    if (value != 0) status = TooMany("connections", value, limits_.connections, "");
  }
  if (!status.ok()) *pass = Pass();
  return status;
}

}  // namespace nmq
