// What the store costs. Prints a line a figure.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/log/batch.h"
#include "server/log/store.h"

ABSL_FLAG(std::string, directory, "", "where to put the store; a folder in the current one if empty");
ABSL_FLAG(uint64_t, count, 1'000'000, "messages to store, to read and to find on opening");
ABSL_FLAG(uint64_t, bytes, 128, "bytes of an entry");
ABSL_FLAG(uint64_t, read_bytes, 256 << 10, "bytes of a read");
ABSL_FLAG(double, seconds, 2, "how long to write with syncs, for each batch size");
ABSL_FLAG(bool, text, false, "entries that compress like JSON instead of random bytes");

namespace nmq::log {
namespace {

using Time = std::chrono::steady_clock::time_point;

double SecondsSince(Time start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A line of /proc/self/status in KiB, such as "VmRSS:".
uint64_t Status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    uint64_t kib;
    if (word == name && file >> kib) return kib;
  }
  return 0;
}

void Require(const absl::Status& status) {
  if (status.ok()) return;
  fprintf(stderr, "%s\n", status.ToString().c_str());
  exit(1);
}

std::unique_ptr<Store> Open(const std::string& directory) {
  Store::Options options;
  options.directory = directory;
  auto store = Store::Open(options);
  Require(store.status());
  return *std::move(store);
}

// Writes into `entry` what no other message has.
void Fill(uint64_t sequence, std::string* entry) {
  if (absl::GetFlag(FLAGS_text)) {
    const std::string text = absl::StrCat("{\"order\":", sequence, ",\"customer\":", sequence * 7919 % 100'000,
                                          ",\"state\":\"shipped\",\"amount\":", sequence % 977, "}");
    for (size_t i = 0; i < entry->size(); ++i) (*entry)[i] = text[i % text.size()];
    return;
  }
  uint64_t x = sequence;
  for (char& byte : *entry) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(x >> 56);
  }
}

// Appends messages with sequences from `first` on, in one batch.
void Append(Store* store, uint64_t queue, uint64_t first, uint64_t count, Sync sync, Batch* batch, std::string* entry) {
  batch->Clear();
  for (uint64_t sequence = first; sequence < first + count; ++sequence) {
    Fill(sequence, entry);
    batch->Append(queue, {sequence, static_cast<int64_t>(sequence), sequence, "", *entry});
  }
  Require(store->Write(batch, sync));
}

void WriteWithSyncs(const std::string& directory) {
  std::unique_ptr<Store> store = Open(directory);
  Batch batch;
  std::string entry(absl::GetFlag(FLAGS_bytes), '\0');
  uint64_t queue = 1;
  for (uint64_t size : {1, 16, 64, 1000}) {
    uint64_t batches = 0;
    const Time start = std::chrono::steady_clock::now();
    while (SecondsSince(start) < absl::GetFlag(FLAGS_seconds)) {
      Append(store.get(), queue, 1 + batches * size, size, Sync::kYes, &batch, &entry);
      ++batches;
    }
    const double seconds = SecondsSince(start);
    printf("synced writes, batches of %-4ju   %10.0f messages/s  %8.0f batches/s\n", static_cast<uintmax_t>(size),
           static_cast<double>(batches * size) / seconds, static_cast<double>(batches) / seconds);
    ++queue;
  }
}

void WriteMany(const std::string& directory, uint64_t count) {
  std::unique_ptr<Store> store = Open(directory);
  Batch batch;
  std::string entry(absl::GetFlag(FLAGS_bytes), '\0');
  const Time start = std::chrono::steady_clock::now();
  for (uint64_t first = 1; first <= count; first += 1000) {
    Append(store.get(), 1, first, std::min<uint64_t>(1000, count + 1 - first), Sync::kNo, &batch, &entry);
  }
  Batch nothing;
  Require(store->Write(&nothing, Sync::kYes));
  printf("unsynced writes, batches of 1000  %10.0f messages/s\n", static_cast<double>(count) / SecondsSince(start));
}

void ReadAll(Store* store, uint64_t count, const char* name) {
  const Time start = std::chrono::steady_clock::now();
  for (uint64_t at = 1; at <= count;) {
    const auto block = store->Read(1, at, count + 1, absl::GetFlag(FLAGS_read_bytes));
    Require(block.status());
    at = (*block)->end();
  }
  printf("%-32s  %10.0f messages/s\n", name, static_cast<double>(count) / SecondsSince(start));
}

void OpenAndRead(const std::string& directory, uint64_t count) {
  malloc_trim(0);
  const uint64_t before = Status("VmRSS:");
  const Time start = std::chrono::steady_clock::now();
  std::unique_ptr<Store> store = Open(directory);
  const auto extent = store->FindExtent(1);
  Require(extent.status());
  const double seconds = SecondsSince(start);
  uint64_t disk = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory)) disk += file.file_size();
  printf("open and find the extent          %10.3f s, RSS %ju MiB (%ju MiB before), %.0f messages, disk %ju MiB\n",
         seconds, static_cast<uintmax_t>(Status("VmRSS:") >> 10), static_cast<uintmax_t>(before >> 10),
         static_cast<double>(extent->end - extent->first), static_cast<uintmax_t>(disk >> 20));
  ReadAll(store.get(), count, "read all, first time");
  ReadAll(store.get(), count, "read all, second time");
  const Time lookups = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < 100; ++i) {
    Require(store->FindTime(1, 1, count + 1, static_cast<int64_t>(i * 7919 % count)).status());
  }
  printf("find a time                       %10.0f us\n", SecondsSince(lookups) * 1e4);
  printf("after that                        RSS %ju MiB\n", static_cast<uintmax_t>(Status("VmRSS:") >> 10));
}

int Run() {
  std::string directory = absl::GetFlag(FLAGS_directory);
  if (directory.empty()) directory = absl::StrCat("store-bench.", getpid());
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  const uint64_t count = absl::GetFlag(FLAGS_count);
  WriteWithSyncs(directory + "/synced");
  WriteMany(directory + "/many", count);
  OpenAndRead(directory + "/many", count);
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace nmq::log

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return nmq::log::Run();
}
