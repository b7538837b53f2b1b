// A directory for one test.
#ifndef NMQ_TESTS_UNIT_CLIENT_EXAMPLES_SCRATCH_H_
#define NMQ_TESTS_UNIT_CLIENT_EXAMPLES_SCRATCH_H_

#include <filesystem>
#include <string>

#include "gtest/gtest.h"

namespace nmq {
namespace examples {

// Empty at first, and gone afterwards.
class Scratch {
 public:
  Scratch() : path_(testing::TempDir() + "/scratch.XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "no directory " << path_;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_TESTS_UNIT_CLIENT_EXAMPLES_SCRATCH_H_
