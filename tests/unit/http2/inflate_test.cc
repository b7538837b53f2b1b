#include "server/http2/inflate.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "tests/unit/http2/compressed.h"

namespace {

size_t largest_allocation = 0;

}  // namespace

void* operator new(size_t size) {
  largest_allocation = std::max(largest_allocation, size);
  return malloc(size);
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }

namespace nmq::http2 {
namespace {

std::string Noise(size_t size) {
  std::string bytes(size, 0);
  uint32_t state = 7;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

absl::StatusOr<std::string> GiveAll(Inflation* inflation, size_t size) {
  std::string bytes(size, 0);
  for (bool done = false; !done;) {
    const absl::StatusOr<bool> given = inflation->Give(bytes.data(), size);
    if (!given.ok()) return given.status();
    done = *given;
  }
  return bytes;
}

absl::StatusOr<std::string> InflateUpTo(absl::string_view bytes, uint64_t bytes_max) {
  Inflation inflation(bytes);
  while (true) {
    const auto size = inflation.Measure(bytes_max);
    if (!size.ok()) return size.status();
    if (*size) return GiveAll(&inflation, **size);
  }
}

TEST(Inflate, GivesBackWhatWasCompressed) {
  for (const Format format : {Format::kZlib, Format::kGzip}) {
    for (const size_t size : {0, 1, 4'095, 4'096, 4'097, 100'000}) {
      for (const std::string& bytes : {std::string(size, 'x'), Noise(size)}) {
        const auto inflated = InflateUpTo(Compressed(bytes, format), size);
        ASSERT_TRUE(inflated.ok()) << size << " " << inflated.status();
        EXPECT_EQ(*inflated, bytes);
      }
    }
  }
}

TEST(Inflate, OneByteMoreThanAllowedIsRefused) {
  for (const size_t size : {1, 4'096, 4'097, 100'000}) {
    const auto inflated = InflateUpTo(Compressed(std::string(size, 'x'), Format::kGzip), size - 1);
    EXPECT_EQ(inflated.status().code(), absl::StatusCode::kResourceExhausted) << size;
    EXPECT_EQ(ReasonOf(inflated.status()), kReasonLimitExceeded);
  }
}

TEST(Inflate, SmallMessageThatHoldsALotTakesNoMemory) {
  const std::string bomb = Compressed(std::string(64 << 20, 0), Format::kGzip);
  ASSERT_LT(bomb.size(), 70u << 10);
  largest_allocation = 0;
  const auto inflated = InflateUpTo(bomb, 1 << 20);
  EXPECT_LT(largest_allocation, 32u << 10);
  EXPECT_EQ(inflated.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Inflate, WhatIsNotWholeOrSomethingElseIsRefused) {
  const std::string whole = Compressed(Noise(10'000), Format::kGzip);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{9}, size_t{10}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_EQ(InflateUpTo(whole.substr(0, size), 1 << 20).status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
  EXPECT_EQ(InflateUpTo(whole + "x", 1 << 20).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(InflateUpTo("not compressed at all", 1 << 20).status().code(), absl::StatusCode::kInvalidArgument);
  std::string broken = whole;
  broken[broken.size() / 2] = static_cast<char>(broken[broken.size() / 2] ^ 0x55);
  EXPECT_EQ(InflateUpTo(broken, 1 << 20).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Inflate, MeasuresInSteps) {
  constexpr size_t kSteps = 10;
  const std::string packed = Compressed(std::string(kSteps * Inflation::kStepBytes, 'x'), Format::kGzip);
  largest_allocation = 0;
  Inflation inflation(packed);
  size_t steps = 1;
  for (auto size = inflation.Measure(10 << 20); !size.value(); size = inflation.Measure(10 << 20)) ++steps;
  EXPECT_GE(steps, kSteps);
  EXPECT_LT(largest_allocation, Inflation::kStateBytes);
  EXPECT_EQ(GiveAll(&inflation, kSteps * Inflation::kStepBytes).value(),
            std::string(kSteps * Inflation::kStepBytes, 'x'));
}

TEST(Inflate, GivesNoOtherSizeThanThereIs) {
  const std::string packed = Compressed(std::string(100'000, 'x'), Format::kGzip);
  for (const size_t size : {0, 1, 99'999, 100'000, 100'001}) {
    Inflation inflation(packed);
    EXPECT_EQ(GiveAll(&inflation, size).ok(), size == 100'000) << size;
  }
}

}  // namespace
}  // namespace nmq::http2
