#ifndef NMQ_TESTS_BENCH_HARNESS_TEMPORARY_FOLDER_H_
#define NMQ_TESTS_BENCH_HARNESS_TEMPORARY_FOLDER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nmq::bench {

// A new folder, removed with all that is in it when this goes.
class TemporaryFolder {
 public:
  // Makes one in the folder `parent`, which must be there.
  static absl::StatusOr<std::unique_ptr<TemporaryFolder>> Make(const std::string& parent);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

// FAILED_PRECONDITION if the folder is in memory, where writing to disk costs nothing; NOT_FOUND if it is not there.
absl::Status CheckOnDisk(const std::string& folder);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_TEMPORARY_FOLDER_H_
