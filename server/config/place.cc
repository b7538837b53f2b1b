#include "server/config/place.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::TextFormat;

Place::Place(const Descriptor& type, const Tree& tree, std::string file_name)
    : type_(&type), tree_(&tree), file_name_(std::move(file_name)) {}

Place Place::Field(const std::string& name, int index) const {
  Place result = *this;
  absl::StrAppend(&result.path_, path_.empty() ? "" : ".", name);
  if (index >= 0) absl::StrAppend(&result.path_, "[", index, "]");
  const FieldDescriptor* field = type_ == nullptr ? nullptr : type_->FindFieldByName(name);
  result.type_ = field == nullptr ? nullptr : field->message_type();
  result.tree_ = nullptr;
  result.set_ = false;
  if (field == nullptr || tree_ == nullptr || (field->is_repeated() && index < 0)) return result;
  if (result.type_ != nullptr) result.tree_ = tree_->GetTreeForNested(field, index);
  const TextFormat::ParseLocation location = tree_->GetLocation(field, index);
  if (location.line < 0) return result;
  result.set_ = true;
  result.line_ = location.line + 1;
  result.position_ = absl::StrCat(":", location.line + 1, ":", location.column + 1);
  return result;
}

absl::Status Place::Point(const absl::Status& status) const {
  return WithContext(status, absl::StrCat(file_name_, position_));
}

}  // namespace nmq
