#include "server/metrics/metrics.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/metric_family.h"

namespace nmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// The counters and gauges of a family, by their labels.
std::map<std::string, double> ValuesOf(const Metrics& metrics, const std::string& name) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : metrics.Collect()) {
    if (family.name != name) continue;
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string labels;
      for (const auto& label : metric.label) absl::StrAppend(&labels, label.name, "=", label.value, ";");
      values[labels] = family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    }
  }
  return values;
}

prometheus::ClientMetric::Histogram HistogramOf(const Metrics& metrics, const std::string& name,
                                                const std::string& label = "") {
  for (const prometheus::MetricFamily& family : metrics.Collect()) {
    if (family.name != name) continue;
    for (const prometheus::ClientMetric& metric : family.metric) {
      if (metric.label.empty() ? label.empty() : metric.label[0].value == label) return metric.histogram;
    }
  }
  ADD_FAILURE() << "no " << name << " " << label;
  return {};
}

TEST(Metrics, RefusalsAreCountedByReasonAndLimit) {
  Metrics metrics;
  metrics.CountRefusal(LimitExceeded("payload_bytes", 2, 1));
  metrics.CountRefusal(LimitExceeded("payload_bytes", 3, 1));
  metrics.CountRefusal(ResourceExhausted("DISK_FULL", "no room", absl::Seconds(1)));
  EXPECT_THAT(ValuesOf(metrics, "nmq_refused_requests_total"),
              ElementsAre(Pair("limit=;reason=DISK_FULL;", 1), Pair("limit=payload_bytes;reason=LIMIT_EXCEEDED;", 2)));
}

TEST(Metrics, SayWhichServerItIsAndSinceWhen) {
  Metrics metrics;
  EXPECT_THAT(ValuesOf(metrics, "nmq_build_info"), ElementsAre(Pair(absl::StrCat("version=", kVersion, ";"), 1)));
  const double start = ValuesOf(metrics, "nmq_start_time_seconds")[""];
  EXPECT_NEAR(start, absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()), 60);
}

TEST(Metrics, WhatIsNoRefusalIsNotCounted) {
  Metrics metrics;
  metrics.CountRefusal(absl::OkStatus());
  metrics.CountRefusal(InvalidArgument("name", "is empty"));
  EXPECT_THAT(ValuesOf(metrics, "nmq_refused_requests_total"), IsEmpty());
}

TEST(Metrics, CommitsAreToldApartBySync) {
  Metrics metrics;
  metrics.ObserveCommit(10, 1000, absl::Milliseconds(3), /*synced=*/true);
  metrics.ObserveCommit(20, 3000, absl::Microseconds(50), /*synced=*/false);
  metrics.ObserveCommit(1, 100, absl::Milliseconds(4), /*synced=*/true);
  const auto synced = HistogramOf(metrics, "nmq_commit_seconds", "true");
  EXPECT_EQ(synced.sample_count, 2u);
  EXPECT_NEAR(synced.sample_sum, 0.007, 1e-9);
  EXPECT_EQ(HistogramOf(metrics, "nmq_commit_seconds", "false").sample_count, 1u);
  EXPECT_EQ(HistogramOf(metrics, "nmq_commit_messages").sample_sum, 31);
  EXPECT_EQ(HistogramOf(metrics, "nmq_commit_bytes").sample_sum, 4100);
}

TEST(Metrics, AGaugeIsReadWheneverTheMetricsAre) {
  Metrics metrics;
  double now = 1;
  metrics.AddGauge("nmq_test_bytes", "A test.", [&] { return now; });
  EXPECT_THAT(ValuesOf(metrics, "nmq_test_bytes"), ElementsAre(Pair("", 1)));
  now = 2;
  EXPECT_THAT(ValuesOf(metrics, "nmq_test_bytes"), ElementsAre(Pair("", 2)));
}

TEST(Metrics, ATurnFallsIntoTheBucketsThatHoldIt) {
  Metrics metrics;
  metrics.ObserveTurn(absl::Microseconds(70));
  for (const auto& bucket : HistogramOf(metrics, "nmq_loop_turn_seconds").bucket) {
    EXPECT_EQ(bucket.cumulative_count, bucket.upper_bound >= 0.00007 ? 1u : 0u) << bucket.upper_bound;
  }
}

}  // namespace
}  // namespace nmq
