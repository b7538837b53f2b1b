#include "server/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace nmq {
namespace {

constexpr char kVariable[] = "NOTIFY_SOCKET";

absl::Status Fail(const char* path, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat(kVariable, "=", path, ": ", why));
}

}  // namespace

absl::Status NotifyServiceManager(absl::string_view state) {
  const char* const path = getenv(kVariable);
  if (path == nullptr || *path == '\0') return absl::OkStatus();
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t size = strlen(path);
  if (*path != '/' && *path != '@') return Fail(path, "is no path and begins with no @");
  if (size >= sizeof(address.sun_path)) {
    return Fail(path, absl::StrCat("has ", size, " bytes, and at most ", sizeof(address.sun_path) - 1, " fit"));
  }
  memcpy(address.sun_path, path, size);
  // Such a socket is in no folder: its name begins with a zero.
  if (*path == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(path, strerror(errno));
  const ssize_t sent = sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
                              static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
  const int error = errno;
  close(fd);
  return sent < 0 ? Fail(path, strerror(error)) : absl::OkStatus();
}

}  // namespace nmq
