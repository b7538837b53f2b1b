#include "server/limits/limits.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/errors.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

constexpr uint64_t kMemory = uint64_t{8} << 30;

bool IsDuration(const LimitRow& row) { return row.unit == LimitUnit::kMilliseconds; }

// Sets the field of `row`; durations in nanoseconds.
void Set(nmq::v1::Limits& limits, const LimitRow& row, uint64_t value) {
  const auto* field = nmq::v1::Limits::descriptor()->FindFieldByName(row.name);
  const auto* reflection = limits.GetReflection();
  if (!IsDuration(row)) return reflection->SetUInt64(&limits, field, value);
  auto* duration = static_cast<google::protobuf::Duration*>(reflection->MutableMessage(&limits, field));
  duration->set_seconds(static_cast<int64_t>(value / 1'000'000'000));
  duration->set_nanos(static_cast<int32_t>(value % 1'000'000'000));
}

// In the unit of Set().
uint64_t Get(const Limits& limits, const LimitRow& row) {
  if (!IsDuration(row)) return limits.*std::get<uint64_t Limits::*>(row.member);
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(limits.*std::get<absl::Duration Limits::*>(row.member)));
}

uint64_t Scale(const LimitRow& row) { return IsDuration(row) ? 1'000'000 : 1; }

// Limits whose order is checked must move together.
bool Ordered(const LimitRow& a, const LimitRow& b) {
  return (absl::StartsWith(a.name, "lease_") && absl::StartsWith(b.name, "lease_")) ||
         (absl::StartsWith(a.name, "page_") && absl::StartsWith(b.name, "page_"));
}

void ExpectAccepted(const LimitRow& row, uint64_t value) {
  nmq::v1::Limits wanted;
  for (const LimitRow& other : LimitRows()) {
    if (Ordered(row, other)) Set(wanted, other, value);
  }
  Set(wanted, row, value);
  const absl::StatusOr<Limits> limits = ResolveLimits(wanted, kMemory);
  ASSERT_TRUE(limits.ok()) << limits.status();
  EXPECT_EQ(Get(*limits, row), value);
}

void ExpectRefused(const LimitRow& row, uint64_t value) {
  nmq::v1::Limits wanted;
  Set(wanted, row, value);
  const absl::Status status = ResolveLimits(wanted, kMemory).status();
  ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(MetadataOf(status, "field"), absl::StrCat("limits.", row.name));
  const std::string shown = IsDuration(row) ? absl::FormatDuration(absl::Nanoseconds(value)) : absl::StrCat(value);
  EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat(row.name, ": ", shown, " is out of range: "))) << status;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

TEST(Limits, TableHasEveryFieldOfTheProtoInItsOrder) {
  const auto* descriptor = nmq::v1::Limits::descriptor();
  ASSERT_EQ(static_cast<int>(LimitRows().size()), descriptor->field_count());
  for (int i = 0; i < descriptor->field_count(); ++i) EXPECT_EQ(LimitRows()[i].name, descriptor->field(i)->name());
}

TEST(Limits, RowsHaveMembersOfTheirOwn) {
  Limits limits;
  for (size_t i = 0; i < LimitRows().size(); ++i) {
    const LimitRow& row = LimitRows()[i];
    if (const auto* number = std::get_if<uint64_t Limits::*>(&row.member)) limits.*(*number) = i;
    if (const auto* wait = std::get_if<absl::Duration Limits::*>(&row.member)) limits.*(*wait) = absl::Nanoseconds(i);
  }
  for (size_t i = 0; i < LimitRows().size(); ++i) EXPECT_EQ(Get(limits, LimitRows()[i]), i) << LimitRows()[i].name;
}

TEST(Limits, DefaultsOfStructAndTableAndResolveAgree) {
  const absl::StatusOr<Limits> resolved = ResolveLimits({}, kMemory);
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  for (const LimitRow& row : LimitRows()) {
    SCOPED_TRACE(row.name);
    if (row.default_value == 0) continue;
    EXPECT_EQ(Get(Limits(), row), row.default_value * Scale(row));
    EXPECT_EQ(Get(*resolved, row), row.default_value * Scale(row));
    EXPECT_GE(row.default_value, row.min);
    EXPECT_LE(row.default_value, row.max);
  }
}

TEST(Limits, AllQueuesTakeAQuarterOfTheMemoryByDefault) {
  EXPECT_EQ(ResolveLimits({}, kMemory)->all_queues_bytes, kMemory / 4);
  EXPECT_EQ(ResolveLimits({}, 1)->all_queues_bytes, uint64_t{1} << 20);
  nmq::v1::Limits wanted;
  wanted.set_all_queues_bytes(5 << 20);
  EXPECT_EQ(ResolveLimits(wanted, kMemory)->all_queues_bytes, uint64_t{5} << 20);
}

TEST(Limits, WhatIsUnwrittenTakesAnEighthOfALittleMemory) {
  EXPECT_EQ(ResolveLimits({}, 256 << 20)->unwritten_bytes, uint64_t{32} << 20);
  EXPECT_EQ(ResolveLimits({}, 1)->unwritten_bytes, uint64_t{1} << 20);
  nmq::v1::Limits wanted;
  wanted.set_unwritten_bytes(100 << 20);
  EXPECT_EQ(ResolveLimits(wanted, 256 << 20)->unwritten_bytes, uint64_t{100} << 20);
}

TEST(Limits, EachIsAcceptedInsideItsRangeAndRefusedOutside) {
  for (const LimitRow& row : LimitRows()) {
    SCOPED_TRACE(row.name);
    const uint64_t min = row.min * Scale(row);
    if (min > 1) ExpectRefused(row, min - 1);
    ExpectAccepted(row, min);
    ExpectAccepted(row, min + 1);
    if (row.max == UINT64_MAX) {
      ExpectAccepted(row, UINT64_MAX);
      continue;
    }
    const uint64_t max = row.max * Scale(row);
    ExpectAccepted(row, max - 1);
    ExpectAccepted(row, max);
    ExpectRefused(row, max + 1);
  }
}

TEST(Limits, ZeroStandsForTheDefault) {
  nmq::v1::Limits wanted;
  for (const LimitRow& row : LimitRows()) Set(wanted, row, 0);
  const absl::StatusOr<Limits> limits = ResolveLimits(wanted, kMemory);
  ASSERT_TRUE(limits.ok()) << limits.status();
  for (const LimitRow& row : LimitRows()) {
    if (row.default_value == 0) continue;
    EXPECT_EQ(Get(*limits, row), row.default_value * Scale(row)) << row.name;
  }
}

TEST(Limits, NegativeAndHugeDurationsAreRefused) {
  for (const int64_t seconds : {int64_t{-1}, INT64_MIN, INT64_MAX}) {
    nmq::v1::Limits wanted;
    wanted.mutable_queue_age()->set_seconds(seconds);
    EXPECT_EQ(MetadataOf(ResolveLimits(wanted, kMemory).status(), "field"), "limits.queue_age") << seconds;
  }
}

TEST(Limits, ErrorsNameTheBounds) {
  nmq::v1::Limits wanted;
  wanted.set_payload_bytes((64 << 20) + 1);
  EXPECT_EQ(ResolveLimits(wanted, kMemory).status().message(),
            "limits.payload_bytes: 67108865 is out of range: from 1 B to 64 MiB");
  wanted.set_payload_bytes(0);
  wanted.set_all_queues_bytes(1);
  EXPECT_EQ(ResolveLimits(wanted, kMemory).status().message(),
            "limits.all_queues_bytes: 1 is out of range: at least 1 MiB");
}

TEST(Limits, LeasesMustBeInOrder) {
  nmq::v1::Limits wanted;
  wanted.mutable_lease_default()->set_seconds(30);
  wanted.mutable_lease_min()->set_seconds(31);
  EXPECT_EQ(ResolveLimits(wanted, kMemory).status().message(), "limits.lease_min: 31s is above lease_default of 30s");
  wanted.mutable_lease_min()->set_seconds(30);
  EXPECT_TRUE(ResolveLimits(wanted, kMemory).ok());
  wanted.mutable_lease_max()->set_seconds(30);
  EXPECT_TRUE(ResolveLimits(wanted, kMemory).ok());
  wanted.mutable_lease_max()->set_seconds(29);
  EXPECT_EQ(ResolveLimits(wanted, kMemory).status().message(), "limits.lease_default: 30s is above lease_max of 29s");
}

TEST(Limits, DefaultPageMustFitThePage) {
  nmq::v1::Limits wanted;
  wanted.set_page_max(100);
  EXPECT_TRUE(ResolveLimits(wanted, kMemory).ok());
  wanted.set_page_max(99);
  EXPECT_EQ(ResolveLimits(wanted, kMemory).status().message(), "limits.page_default: 100 is above page_max of 99");
  wanted.set_page_default(99);
  EXPECT_TRUE(ResolveLimits(wanted, kMemory).ok());
}

TEST(Limits, SurviveTheWayToTheProtoAndBack) {
  nmq::v1::Limits wanted;
  for (const LimitRow& row : LimitRows()) Set(wanted, row, row.min * Scale(row) + 1);
  const absl::StatusOr<Limits> limits = ResolveLimits(wanted, kMemory);
  ASSERT_TRUE(limits.ok()) << limits.status();
  nmq::v1::Limits proto;
  ToProto(*limits, &proto);
  EXPECT_EQ(proto.SerializeAsString(), wanted.SerializeAsString());
}

// A number and its unit, in the unit of a row.
uint64_t Amount(std::string number, const std::string& unit) {
  static const auto* const kUnits = new std::map<std::string, uint64_t>{{"", 1},
                                                                        {"KiB", 1 << 10},
                                                                        {"MiB", 1 << 20},
                                                                        {"GiB", 1 << 30},
                                                                        {"TiB", uint64_t{1} << 40},
                                                                        {"PiB", uint64_t{1} << 50},
                                                                        {"ms", 1},
                                                                        {"s", 1000},
                                                                        {"min", 60'000},
                                                                        {"h", 3'600'000},
                                                                        {"days", 86'400'000}};
  uint64_t value = 0;
  EXPECT_TRUE(absl::SimpleAtoi(absl::StrReplaceAll(number, {{",", ""}}), &value)) << number;
  return value * kUnits->at(unit);
}

TEST(Limits, DefaultsAndRangesAreThoseOfTheProtoComments) {
  const std::string proto = ReadFile("proto/nmq/v1/limits.proto");
  std::map<std::string, std::string> comments;
  std::istringstream lines(proto);
  std::string comment;
  for (std::string line; std::getline(lines, line);) {
    std::smatch field;
    if (absl::StartsWith(line, "  // ")) {
      absl::StrAppend(&comment, line.substr(5), " ");
    } else if (std::regex_search(line, field, std::regex(R"((\w+) = \d+;)"))) {
      comments[field[1]] = comment;
      comment.clear();
    }
  }
  const std::string amount = R"(([0-9,]*[0-9])(?: (KiB|MiB|GiB|TiB|PiB|ms|s|min|h|days))?)";
  for (const LimitRow& row : LimitRows()) {
    SCOPED_TRACE(absl::StrCat(row.name, ": ", comments[row.name]));
    std::smatch found;
    if (row.default_value != 0) {
      ASSERT_TRUE(std::regex_search(comments[row.name], found, std::regex("Default " + amount)));
      EXPECT_EQ(Amount(found[1], found[2]), row.default_value);
    }
    if (std::regex_search(comments[row.name], found, std::regex("; " + amount + " to " + amount))) {
      EXPECT_EQ(Amount(found[1], found[2]), row.min);
      EXPECT_EQ(Amount(found[3], found[4]), row.max);
    } else if (std::regex_search(comments[row.name], found, std::regex("at (least|most) " + amount))) {
      EXPECT_EQ(Amount(found[2], found[3]), found[1] == "least" ? row.min : row.max);
    } else {
      EXPECT_TRUE(absl::StrContains(comments[row.name], "lease_min to lease_max") ||
                  absl::StrContains(comments[row.name], "1 to page_max"));
    }
  }
}

TEST(LimitsTable, HasALineForEachLimit) {
  const std::string table = LimitsTable();
  EXPECT_TRUE(absl::StrContains(table, "| `payload_bytes` | one payload | 1 MiB | 1 B to 64 MiB |\n")) << table;
  EXPECT_TRUE(absl::StrContains(table, "| 1,000,000 | 1 to 100,000,000 |\n")) << table;
  EXPECT_TRUE(absl::StrContains(table, "| 2 min | 1 s to 1 d |\n")) << table;
  EXPECT_TRUE(absl::StrContains(table, "| a quarter of the memory | at least 1 MiB |\n")) << table;
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), static_cast<int>(LimitRows().size()) + 2);
}

TEST(LimitsTable, IsTheOneInTheReadme) {
  const std::string readme = ReadFile("README.md");
  constexpr absl::string_view kStart = "<!-- limits -->";
  const size_t start = readme.find(kStart.data());
  ASSERT_NE(start, std::string::npos) << "README.md has no table of limits";
  const size_t end = readme.find("<!-- /limits -->", start);
  ASSERT_NE(end, std::string::npos);
  const std::string between = readme.substr(start + kStart.size(), end - start - kStart.size());
  EXPECT_TRUE(absl::StripAsciiWhitespace(between) == absl::StripAsciiWhitespace(LimitsTable()))
      << "between the markers belongs:\n"
      << LimitsTable();
}

}  // namespace
}  // namespace nmq
