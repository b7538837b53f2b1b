#include "client/cli/contexts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/cli/human.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace nmq {
namespace cli {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr struct {
  const char* name;
  std::string Context::*member;
} kFields[] = {{"server", &Context::server},  {"namespace", &Context::namespace_name},
               {"token", &Context::token},    {"token_file", &Context::token_file},
               {"tls_ca", &Context::tls_ca},  {"tls_certificate", &Context::tls_certificate},
               {"tls_key", &Context::tls_key}};

absl::Status NotUnderstood(const std::string& path, const std::string& why) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", why, "; mend the file, or remove it and add the contexts anew"));
}

absl::StatusOr<Context> ContextOf(const std::string& path, const std::string& name, const Value& value) {
  Context context;
  for (const auto& [key, field] : value.struct_value().fields()) {
    bool known = false;
    for (const auto& [field_name, member] : kFields) {
      if (key != field_name) continue;
      context.*member = field.string_value();
      known = field.has_string_value();
    }
    if (!known) {
      return NotUnderstood(path,
                           absl::StrCat("context ", Quoted(name), " has ", Quoted(key),
                                        ", which is none of the texts server, namespace, token, token_file, tls_ca, "
                                        "tls_certificate, tls_key"));
    }
  }
  return context;
}

}  // namespace

std::string ContextsPath() {
  constexpr char kFile[] = "/nmq/contexts.json";
  const char* const config = getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config != '\0') return absl::StrCat(config, kFile);
  const char* const home = getenv("HOME");
  return home != nullptr && *home != '\0' ? absl::StrCat(home, "/.config", kFile) : "";
}

absl::StatusOr<Contexts> LoadContexts(const std::string& path) {
  std::error_code error;
  const bool there = !path.empty() && std::filesystem::exists(path, error);
  if (error) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read: ", error.message()));
  if (!there) return Contexts();
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  Struct parsed;
  if (!google::protobuf::util::JsonStringToMessage(text.str(), &parsed).ok()) {
    return NotUnderstood(path, "is no JSON object");
  }
  Contexts contexts;
  for (const auto& [key, value] : parsed.fields()) {
    if (key == "used" && value.has_string_value()) {
      contexts.used = value.string_value();
    } else if (key == "contexts" && value.has_struct_value()) {
      for (const auto& [name, entry] : value.struct_value().fields()) {
        absl::StatusOr<Context> context = ContextOf(path, name, entry);
        if (!context.ok()) return context.status();
        contexts.by_name[name] = *std::move(context);
      }
    } else {
      return NotUnderstood(path,
                           absl::StrCat(Quoted(key), " is neither \"used\", a text, nor \"contexts\", an object"));
    }
  }
  return contexts;
}

ContextsLock::ContextsLock(const std::string& path) {
  if (path.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  // A file of its own: that of the contexts is replaced.
  file_ = open(absl::StrCat(path, ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  while (file_ >= 0 && flock(file_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

ContextsLock::~ContextsLock() {
  if (file_ >= 0) close(file_);
}

absl::Status SaveContexts(const Contexts& contexts, const std::string& given) {
  std::string path = given;
  std::error_code no_link;
  const std::filesystem::path target = std::filesystem::canonical(given, no_link);
  if (!no_link) path = target.string();
  if (path.empty()) {
    return absl::FailedPreconditionError("there is no folder to keep contexts in: set XDG_CONFIG_HOME or HOME");
  }
  Struct all;
  Struct* const named = (*all.mutable_fields())["contexts"].mutable_struct_value();
  for (const auto& [name, context] : contexts.by_name) {
    Struct* const to = (*named->mutable_fields())[name].mutable_struct_value();
    for (const auto& [field, member] : kFields) {
      if (!(context.*member).empty()) (*to->mutable_fields())[field].set_string_value(context.*member);
    }
  }
  if (!contexts.used.empty()) (*all.mutable_fields())["used"].set_string_value(contexts.used);
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  if (!google::protobuf::util::MessageToJsonString(all, &text, options).ok()) {
    return absl::InvalidArgumentError("contexts must be text in UTF-8");
  }
  const auto failed = [](const std::string& what, int error) {
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write ", what));
  };
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return failed(path, error.value());
  const std::string next = absl::StrCat(path, ".", getpid());
  const int fd = open(next.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return failed(path, errno);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int why = errno;
  if (close(fd) == 0 && written && rename(next.c_str(), path.c_str()) == 0) return absl::OkStatus();
  unlink(next.c_str());
  return failed(path, written ? errno : why);
}

}  // namespace cli
}  // namespace nmq
