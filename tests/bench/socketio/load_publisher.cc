#include "tests/bench/socketio/load_publisher.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/bench/socketio/load_requests.h"

namespace nmq::bench {
namespace {

class LoadPublisher final : public Publisher {
 public:
  LoadPublisher(std::shared_ptr<LoadProcess> load, double id) : load_(std::move(load)), id_(id) {}

  ~LoadPublisher() override { (void)Finish(); }

  uint64_t accepted() const override {
    absl::MutexLock lock(&mutex_);
    Refresh(absl::ZeroDuration());
    return accepted_;
  }

  bool done() const override {
    absl::MutexLock lock(&mutex_);
    Refresh(kStateAge);
    return done_ || !verdict_.ok();
  }

  void RecordAnswers() override {
    const absl::StatusOr<JsonObject> answer = load_->Call(MakeRequest("recordAnswers", id_), kCallPatience);
    absl::MutexLock lock(&mutex_);
    verdict_.Update(answer.status());
  }

  absl::Status Finish() override {
    absl::MutexLock lock(&mutex_);
    if (finished_) return verdict_;
    finished_ = true;
    const absl::StatusOr<JsonObject> answer = load_->Call(MakeRequest("finish", id_), kFinishPatience);
    verdict_.Update(answer.status());
    if (!answer.ok()) return verdict_;
    Note(*answer);
    answers_ = HistogramAt(*answer, "answers");
    return verdict_;
  }

  Histogram answers() const override {
    absl::MutexLock lock(&mutex_);
    return answers_;
  }

 private:
  // Asks for what is older than that.
  void Refresh(absl::Duration age) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_ || absl::Now() < asked_ + age) return;
    const absl::StatusOr<JsonObject> answer = load_->Call(MakeRequest("state", id_), kCallPatience);
    asked_ = absl::Now();
    verdict_.Update(answer.status());
    if (answer.ok()) Note(*answer);
  }

  void Note(const JsonObject& state) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    accepted_ = CountAt(state, "accepted");
    const auto done = state.fields().find("done");
    done_ = done != state.fields().end() && done->second.bool_value();
    verdict_.Update(FailureOf(state));
  }

  const std::shared_ptr<LoadProcess> load_;
  const double id_;
  mutable absl::Mutex mutex_;
  mutable absl::Time asked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  mutable uint64_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable bool done_ ABSL_GUARDED_BY(mutex_) = false;
  mutable absl::Status verdict_ ABSL_GUARDED_BY(mutex_);
  Histogram answers_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

// What both kinds of publishers say.
template <typename Spec>
JsonObject MakeSpec(const Spec& spec) {
  JsonObject out;
  At(out, "queue").set_string_value(spec.queue);
  google::protobuf::ListValue& destinations = *At(out, "destinations").mutable_list_value();
  for (const Destination& destination : spec.destinations) {
    JsonObject& one = *destinations.add_values()->mutable_struct_value();
    At(one, "event").set_string_value(destination.event);
    At(one, "room").set_string_value(destination.room);
  }
  At(out, "payloadBytes").set_number_value(spec.payload_bytes);
  At(out, "unary").set_bool_value(spec.way == PublishWay::kUnary);
  At(out, "sockets").set_number_value(std::max(1, spec.connections));
  At(out, "maxMessages").set_number_value(static_cast<double>(spec.max_messages));
  return out;
}

absl::StatusOr<std::unique_ptr<Publisher>> Open(std::shared_ptr<LoadProcess> load, JsonObject spec) {
  if (At(spec, "destinations").list_value().values().empty()) return absl::InvalidArgumentError("no destinations");
  JsonObject request = MakeRequest("publish", 0);
  *At(request, "spec").mutable_struct_value() = std::move(spec);
  const absl::StatusOr<JsonObject> opened = load->Call(std::move(request), kOpenPatience);
  if (!opened.ok()) return opened.status();
  return std::make_unique<LoadPublisher>(std::move(load), NumberAt(*opened, "id"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> PublishInLoad(std::shared_ptr<LoadProcess> load, const PublisherSpec& spec) {
  JsonObject out = MakeSpec(spec);
  At(out, "perSecond").set_number_value(0);
  At(out, "batch").set_number_value(std::max(1, spec.batch));
  At(out, "window").set_number_value(std::max(1, spec.window));
  At(out, "lag").set_number_value(spec.throttle == nullptr ? 0 : static_cast<double>(spec.throttle->lag()));
  return Open(std::move(load), std::move(out));
}

absl::StatusOr<std::unique_ptr<Publisher>> PublishPacedInLoad(std::shared_ptr<LoadProcess> load, const PaceSpec& spec) {
  if (spec.per_second < 1) return absl::InvalidArgumentError("the pace must be at least 1 message per second");
  JsonObject out = MakeSpec(spec);
  At(out, "perSecond").set_number_value(spec.per_second);
  return Open(std::move(load), std::move(out));
}

}  // namespace nmq::bench
