// A store on a file system that can fail, for the tests of this folder.
#ifndef NMQ_TESTS_FAULT_STORE_FIXTURE_H_
#define NMQ_TESTS_FAULT_STORE_FIXTURE_H_

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store.h"
#include "server/log/store_errors.h"
#include "tests/testing/fault_file_system.h"

namespace nmq::log {

class StoreFaultTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kQueue = 1;
  static constexpr size_t kEntryBytes = 1000;

  StoreFaultTest() : directory_(absl::StrCat(::testing::TempDir(), "/store_fault_test.", getpid())) {
    std::filesystem::remove_all(directory_);
    options_.directory = directory_;
    options_.env = env_.get();
    options_.reserve_bytes = 0;
    options_.write_buffer_bytes = 64 << 10;
  }
  ~StoreFaultTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  absl::Status Open() {
    store_.reset();
    auto store = Store::Open(options_);
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }

  static std::string Entry(uint64_t sequence) {
    std::string entry = absl::StrCat("message ", sequence, " ");
    // Nothing that could be made smaller.
    for (uint64_t x = sequence; entry.size() < kEntryBytes;) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      entry.push_back(static_cast<char>(x >> 56));
    }
    return entry;
  }

  // Appends messages until there are `end` or one is refused; what was acknowledged moves on.
  absl::Status AppendUpTo(uint64_t end, Sync sync = Sync::kYes) {
    while (acknowledged_ < end) {
      Batch batch;
      batch.Append(kQueue, {acknowledged_, 1000, 0, "", Entry(acknowledged_)});
      if (absl::Status status = store_->Write(&batch, sync); !status.ok()) return status;
      ++acknowledged_;
    }
    return absl::OkStatus();
  }

  // Whether all of [first, acknowledged_) can be read.
  testing::AssertionResult HoldsAllFrom(uint64_t first) const {
    for (uint64_t at = first; at < acknowledged_;) {
      const auto block = store_->Read(kQueue, at, acknowledged_, 64 << 10);
      if (!block.ok()) return testing::AssertionFailure() << block.status();
      for (const Block::Item& item : (*block)->items) {
        const std::string entry((*block)->chunk->data() + item.entry_offset, item.entry_length);
        if (entry != Entry(at)) return testing::AssertionFailure() << "another message at " << at;
        ++at;
      }
    }
    return testing::AssertionSuccess();
  }

  // Files that end so, smallest number first.
  std::vector<std::string> Files(absl::string_view ending) const {
    std::vector<std::string> paths;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      const std::string path = file.path().string();
      if (path.size() > ending.size() && path.substr(path.size() - ending.size()) == ending && file.file_size() > 0) {
        paths.push_back(path);
      }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  static void SetContent(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string NameOf(const std::string& path) { return std::filesystem::path(path).filename().string(); }

  static void ExpectError(const absl::Status& status, absl::StatusCode code, absl::string_view reason) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
  }

  const std::string directory_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(fs_);
  Store::Options options_;
  std::unique_ptr<Store> store_;
  uint64_t acknowledged_ = 1;  // the first sequence that was not
};

}  // namespace nmq::log

#endif  // NMQ_TESTS_FAULT_STORE_FIXTURE_H_
