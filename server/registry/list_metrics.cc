// How the Registry shows what the server counts and measures.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "prometheus/metric_family.h"
#include "server/registry/page.h"
#include "server/registry/registry.h"

namespace nmq::broker {
namespace {

constexpr char kMetrics[] = "metrics";

v1::Metric MetricOf(const prometheus::MetricFamily& family, const prometheus::ClientMetric& one) {
  v1::Metric metric;
  metric.set_name(family.name);
  metric.set_help(family.help);
  for (const auto& label : one.label) (*metric.mutable_labels())[label.name] = label.value;
  if (family.type == prometheus::MetricType::Counter) {
    metric.set_counter(one.counter.value);
  } else if (family.type == prometheus::MetricType::Gauge) {
    metric.set_gauge(one.gauge.value);
  } else {
    v1::Histogram* const histogram = metric.mutable_histogram();
    histogram->set_count(one.histogram.sample_count);
    histogram->set_sum(one.histogram.sample_sum);
    for (const auto& bucket : one.histogram.bucket) {
      v1::Histogram::Bucket* const made = histogram->add_buckets();
      made->set_upper_bound(bucket.upper_bound);
      made->set_cumulative_count(bucket.cumulative_count);
    }
  }
  return metric;
}

// The place of a metric in the list: its name, and its labels in their order. Page tokens have names separated by "/".
std::string KeyOf(const prometheus::MetricFamily& family, const prometheus::ClientMetric& one) {
  std::string key = family.name;
  for (const auto& label : one.label) {
    absl::StrAppend(&key, &label == &one.label.front() ? "/" : "~", label.name, "~", label.value);
  }
  return key;
}

}  // namespace

absl::Status Registry::ListMetrics(const Call& call, const v1::ListMetricsRequest& request,
                                   v1::ListMetricsResponse* response) const {
  const absl::Status status = broker_.Admit(call, Named("", kAllOfThem, kAllOfThem));
  if (!status.ok()) return status;
  auto after = KeyOfPageToken(kMetrics, "", request.page_token());
  if (!after.ok()) return after.status();
  std::vector<std::pair<std::string, v1::Metric>> metrics;
  for (const prometheus::MetricFamily& family : broker_.metrics().Collect()) {
    if (!absl::StartsWith(family.name, request.name_prefix())) continue;
    for (const prometheus::ClientMetric& one : family.metric) {
      metrics.emplace_back(KeyOf(family, one), MetricOf(family, one));
    }
  }
  std::sort(metrics.begin(), metrics.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Page page(broker_.limits(), request.page_size(), response->mutable_metrics());
  std::string last;
  for (auto& [key, metric] : metrics) {
    if (key <= *after) continue;
    if (!page.Add(std::move(metric))) break;
    last = key;
  }
  if (page.full()) response->set_next_page_token(PageToken(kMetrics, "", last));
  return absl::OkStatus();
}

}  // namespace nmq::broker
