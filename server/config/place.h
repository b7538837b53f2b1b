// Where in a text-format file a field was set, so that an error found after parsing can point at it.
#ifndef NMQ_SERVER_CONFIG_PLACE_H_
#define NMQ_SERVER_CONFIG_PLACE_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"

namespace nmq {

// A message or field of a parsed file. Refers to `tree`, which must outlive it. Immutable.
class Place {
 public:
  using Tree = google::protobuf::TextFormat::ParseInfoTree;

  // The whole file. `tree` comes from TextFormat::Parser::WriteLocationsTo.
  Place(const google::protobuf::Descriptor& type, const Tree& tree, std::string file_name);

  // The field `name` of this message, its `index`th entry if it is repeated, or all of it. If the file does not set it,
  // and for all of one that is repeated, the place in the file is that of this message.
  Place Field(const std::string& name, int index = -1) const;

  // "namespace[0].queue[2].name"; empty for the whole file.
  const std::string& path() const { return path_; }

  // Its line in the file, from 1 on; 0 for the whole file.
  int line() const { return line_; }

  // Whether the file sets it.
  bool is_set() const { return set_; }

  // `status` with "FILE:LINE:COLUMN: " before its message.
  absl::Status Point(const absl::Status& status) const;

 private:
  // Null if this is no message.
  const google::protobuf::Descriptor* type_;
  // Null if the file does not set this message.
  const Tree* tree_;
  std::string file_name_;
  std::string path_;
  // ":LINE:COLUMN"; empty for the whole file.
  std::string position_;
  int line_ = 0;
  bool set_ = false;
};

}  // namespace nmq

#endif  // NMQ_SERVER_CONFIG_PLACE_H_
