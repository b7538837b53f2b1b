#include "tests/testing/fresh_directory.h"

#include <algorithm>
#include <filesystem>

#include "gtest/gtest.h"

namespace nmq {

std::string FreshDirectory() {
  std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  // A fact about several values is named with a slash.
  std::replace(name.begin(), name.end(), '/', '-');
  std::string directory = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(directory);
  return directory;
}

}  // namespace nmq
