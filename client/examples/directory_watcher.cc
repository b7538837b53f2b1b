#include "client/examples/directory_watcher.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nmq {
namespace examples {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE |
                           IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr size_t kBufferBytes = 64 << 10;
// Buffers of one Read(): a lot that happens must not grow without bound before it is passed on.
constexpr int kBuffers = 4;

absl::Status ErrnoStatus(absl::string_view what) { return absl::ErrnoToStatus(errno, what); }

std::string Join(const std::string& directory, absl::string_view name) {
  return directory.empty() ? std::string(name) : absl::StrCat(directory, "/", name);
}

bool IsBelow(const std::string& path, const std::string& top) {
  return top.empty() || path == top || absl::StartsWith(path, absl::StrCat(top, "/"));
}

std::vector<std::string> ListDirectory(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

DirectoryWatcher::DirectoryWatcher(int fd, std::string root, absl::Duration settle)
    : fd_(fd), root_(std::move(root)), settle_(settle) {}

DirectoryWatcher::~DirectoryWatcher() { close(fd_); }

absl::StatusOr<std::unique_ptr<DirectoryWatcher>> DirectoryWatcher::Open(const std::string& directory,
                                                                         absl::Duration settle) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return ErrnoStatus("inotify");
  std::unique_ptr<DirectoryWatcher> watcher(new DirectoryWatcher(fd, directory, settle));
  watcher->root_watch_ = inotify_add_watch(fd, directory.c_str(), kMask);
  if (watcher->root_watch_ < 0) return ErrnoStatus(absl::StrCat("cannot watch ", directory));
  std::vector<FileChange> failures;
  watcher->changes_ = &failures;
  watcher->WatchTree("", /*report=*/false);
  watcher->changes_ = nullptr;
  if (!failures.empty()) return absl::ResourceExhaustedError(failures.front().reason);
  return watcher;
}

absl::Time DirectoryWatcher::due() const {
  absl::Time due = absl::InfiniteFuture();
  for (const auto& [path, since] : written_) due = std::min(due, since + settle_);
  return due;
}

absl::Status DirectoryWatcher::Read(absl::Time now, std::vector<FileChange>* changes) {
  now_ = now;
  changes_ = changes;
  alignas(inotify_event) std::array<char, kBufferBytes> buffer;
  absl::Status status;
  for (int i = 0; i < kBuffers && status.ok(); ++i) {
    const ssize_t bytes = read(fd_, buffer.data(), buffer.size());
    if (bytes <= 0) {
      if (bytes < 0 && errno != EAGAIN && errno != EINTR) status = ErrnoStatus("inotify");
      break;
    }
    for (ssize_t at = 0; at < bytes && status.ok();) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      status = Process(*event);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  for (auto it = written_.begin(); it != written_.end();) {
    if (now < it->second + settle_) {
      ++it;
    } else {
      Report(FileChange::Kind::kModify, it->first, false);
      it = written_.erase(it);
    }
  }
  changes_ = nullptr;
  return status;
}

absl::Status DirectoryWatcher::Process(const inotify_event& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    ReportOverflow("the kernel's queue of changes was full");
    // Directories may have appeared unseen.
    WatchTree("", /*report=*/false);
    return absl::OkStatus();
  }
  if (event.wd == root_watch_ && (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
    return absl::NotFoundError(absl::StrCat(root_, " is gone"));
  }
  if ((event.mask & IN_IGNORED) != 0) {
    watches_.erase(event.wd);
    return absl::OkStatus();
  }
  const auto watch = watches_.find(event.wd);
  // What is no longer watched may still have something in the queue.
  if (watch == watches_.end() || event.len == 0) return absl::OkStatus();
  const std::string path = Join(watch->second, event.name);
  const bool is_directory = (event.mask & IN_ISDIR) != 0;
  if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
    Appear(path, is_directory);
  } else if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
    Vanish(path, is_directory, (event.mask & IN_MOVED_FROM) != 0);
  } else if ((event.mask & IN_MODIFY) != 0) {
    written_.try_emplace(path, now_);
  } else if ((event.mask & IN_CLOSE_WRITE) != 0 && written_.erase(path) > 0) {
    Report(FileChange::Kind::kModify, path, false);
  }
  return absl::OkStatus();
}

void DirectoryWatcher::Appear(const std::string& path, bool is_directory) {
  const auto found = found_.find(path);
  if (found != found_.end()) {
    const ino_t inode = found->second;
    found_.erase(found);
    struct stat state;
    // Reported already, unless another file has taken its place since.
    if (lstat(FullPath(path).c_str(), &state) != 0 || state.st_ino == inode) return;
  }
  Report(FileChange::Kind::kCreate, path, is_directory);
  if (is_directory) WatchTree(path, /*report=*/true);
}

void DirectoryWatcher::Vanish(const std::string& path, bool is_directory, bool moved) {
  found_.erase(path);
  written_.erase(path);
  if (is_directory && moved) Unwatch(path);
  Report(FileChange::Kind::kDelete, path, is_directory);
}

void DirectoryWatcher::Report(FileChange::Kind kind, const std::string& path, bool is_directory) {
  FileChange change{.kind = kind, .path = path, .directory = is_directory, .time = now_};
  struct stat state;
  if (kind != FileChange::Kind::kDelete && lstat(FullPath(path).c_str(), &state) == 0) {
    if (!is_directory) change.size = static_cast<uint64_t>(state.st_size);
    change.time = absl::TimeFromTimespec(state.st_mtim);
  }
  changes_->push_back(std::move(change));
}

void DirectoryWatcher::ReportOverflow(std::string reason) {
  changes_->push_back({.kind = FileChange::Kind::kOverflow, .time = now_, .reason = std::move(reason)});
}

void DirectoryWatcher::WatchTree(const std::string& top, bool report) {
  std::vector<std::string> todo = {top};
  while (!todo.empty()) {
    const std::string directory = std::move(todo.back());
    todo.pop_back();
    // Before looking into it, so that nothing appears unseen; what appears in between is seen twice.
    if (!Watch(directory)) continue;
    for (const std::string& name : ListDirectory(FullPath(directory))) {
      const std::string path = Join(directory, name);
      struct stat state;
      if (lstat(FullPath(path).c_str(), &state) != 0) continue;
      if (report) {
        found_[path] = state.st_ino;
        Report(FileChange::Kind::kCreate, path, S_ISDIR(state.st_mode));
      }
      if (S_ISDIR(state.st_mode)) todo.push_back(path);
    }
  }
}

bool DirectoryWatcher::Watch(const std::string& path) {
  const uint32_t mask = path.empty() ? kMask : kMask | IN_DONT_FOLLOW;
  const int watch = inotify_add_watch(fd_, FullPath(path).c_str(), mask);
  if (watch >= 0) {
    watches_[watch] = path;
    return true;
  }
  // Gone again, or something else by now: inotify tells.
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return false;
  ReportOverflow(absl::StrCat("cannot watch ", FullPath(path), ": ",
                              errno == ENOSPC ? "no watches left (fs.inotify.max_user_watches)" : strerror(errno)));
  return false;
}

void DirectoryWatcher::Unwatch(const std::string& top) {
  for (auto it = watches_.begin(); it != watches_.end();) {
    const auto here = it++;
    if (!IsBelow(here->second, top)) continue;
    inotify_rm_watch(fd_, here->first);
    watches_.erase(here);
  }
  const auto is_below = [&top](const auto& entry) { return IsBelow(entry.first, top); };
  std::erase_if(found_, is_below);
  std::erase_if(written_, is_below);
}

std::string DirectoryWatcher::FullPath(const std::string& path) const {
  return path.empty() ? root_ : absl::StrCat(root_, "/", path);
}

}  // namespace examples
}  // namespace nmq
