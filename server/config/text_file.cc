#include "server/config/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace nmq {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

// The enum of a field with this name in messages of `type` or in those within them; null if there is none.
const EnumDescriptor* EnumOf(const Descriptor& type, const std::string& field) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& one = *type.field(i);
    if (one.name() == field && one.enum_type() != nullptr) return one.enum_type();
    const EnumDescriptor* const within = one.message_type() == nullptr ? nullptr : EnumOf(*one.message_type(), field);
    if (within != nullptr) return within;
  }
  return nullptr;
}

// What may stand in the place of what protobuf's parser does not know: the values of the enum, or the fields of the
// message. Empty for other errors. `file` is of the whole file, whose types do not contain themselves.
std::string Advice(const std::string& error, const Descriptor& file) {
  const std::vector<std::string> words = absl::StrSplit(error, '"');
  std::vector<std::string> names;
  if (absl::StartsWith(error, "Unknown enumeration value") && words.size() > 3) {
    const EnumDescriptor* const values = EnumOf(file, words[3]);
    // The first stands for none.
    for (int i = 1; values != nullptr && i < values->value_count(); ++i) names.push_back(values->value(i)->name());
  } else if (absl::StrContains(error, "has no field named") && words.size() > 1) {
    const Descriptor* const type = file.file()->pool()->FindMessageTypeByName(words[1]);
    for (int i = 0; type != nullptr && i < type->field_count(); ++i) names.push_back(type->field(i)->name());
  }
  if (names.empty()) return "";
  return absl::StrCat(" It has: ", absl::StrJoin(names, ", "));
}

// The field whose value is at this place of a text; empty if there is none.
std::string FieldBefore(absl::string_view text, int line, int column) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (line < 0 || static_cast<size_t>(line) >= lines.size()) return "";
  absl::string_view before = lines[line].substr(0, column);
  before = absl::StripTrailingAsciiWhitespace(before);
  if (!absl::ConsumeSuffix(&before, ":")) return "";
  size_t start = before.size();
  while (start > 0 && (absl::ascii_isalnum(before[start - 1]) || before[start - 1] == '_')) --start;
  return std::string(before.substr(start));
}

// Keeps the first error or warning.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  FirstError(absl::string_view file_name, absl::string_view text, const Descriptor& type)
      : file_name_(file_name), text_(text), type_(type) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!status_.ok()) return;
    const std::string position = line < 0 ? "" : absl::StrCat(":", line + 1, ":", column + 1);
    const std::string field = FieldBefore(text_, line, column);
    const std::string where = field.empty() ? "" : absl::StrCat(field, ": ");
    status_ = WithContext(absl::InvalidArgumentError(absl::StrCat(where, message, Advice(message, type_))),
                          absl::StrCat(file_name_, position));
  }

  void AddWarning(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    AddError(line, column, message);
  }

  const absl::Status& status() const { return status_; }

 private:
  const absl::string_view file_name_;
  const absl::string_view text_;
  const Descriptor& type_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  constexpr size_t kBytesMax = 64 << 20;
  const auto failed = [&path] { return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path)); };
  // Whatever it is, nobody is waited for.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed();
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fdopen(fd, "rb"), &std::fclose);
  struct stat found = {};
  if (file == nullptr || fstat(fd, &found) != 0) return failed();
  if (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": it is no file"));
  }
  std::string content;
  char buffer[4096];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), file.get())) {
    content.append(buffer, count);
    if (content.size() > kBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": it has more than ", kBytesMax, " bytes"));
    }
  }
  if (std::ferror(file.get()) != 0) return failed();
  return content;
}

absl::Status ParseText(absl::string_view text, absl::string_view file_name, google::protobuf::Message* message,
                       Place::Tree* places) {
  FirstError errors(file_name, text, *message->GetDescriptor());
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(places);
  const bool understood = parser.ParseFromString(std::string(text), message);
  if (!errors.status().ok()) return errors.status();
  return understood ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrCat(file_name, ": cannot be parsed"));
}

}  // namespace nmq
