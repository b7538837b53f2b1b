// Each input of the corpus once: those that once broke something stay there.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

TEST(Corpus, BreaksNothing) {
  size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus/connection")) {
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(input.empty());
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
    ++inputs;
  }
  EXPECT_GT(inputs, 0u);
}

}  // namespace
