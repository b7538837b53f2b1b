// How a group notes what became of messages.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/names.h"
#include "server/group/acknowledge_check.h"
#include "server/group/durations.h"
#include "server/group/group.h"

namespace nmq::broker {
namespace {

// Messages that acknowledgements which wait for the group's turn may name: what a turn then looks at.
constexpr uint64_t kWaitingMax = 1'000'000;
constexpr absl::Duration kBusyRetry = absl::Milliseconds(100);

}  // namespace

absl::Status Group::Acknowledge(v1::AcknowledgeRequest request, const std::string& client, AcknowledgeDone done) {
  if (absl::Status status = CheckAcknowledge(request, *options_.limits); !status.ok()) return status;
  const uint64_t named = NamedMessages(request);
  {
    MutexLock lock(&mu_);
    const uint64_t waiting = waiting_acknowledgements_ + named;
    if (waiting_acknowledgements_ > 0 && waiting > kWaitingMax) {
      return ResourceExhausted("TOO_MANY_ACKNOWLEDGEMENTS",
                               absl::StrCat("acknowledgements: those that wait for group ", Quote(name()), " name ",
                                            waiting, " messages; the limit is ", kWaitingMax),
                               kBusyRetry, {{"group", name()}});
    }
    waiting_acknowledgements_ = waiting;
    inbox_.push_back(
        {[this, request = std::move(request), client, answer = std::make_shared<AcknowledgeAnswer>(std::move(done))](
             int64_t now_us) { Note(request, client, answer, now_us); },
         named});
  }
  Wake();
  return absl::OkStatus();
}

bool Group::NoteOne(const v1::Acknowledgement& one, uint64_t sequence, const Members* own, int64_t now_us) {
  uint64_t delivery = one.delivery();
  if (delivery == 0) {
    if (own == nullptr || !own->contains(state_.HolderOf(sequence))) return false;
    delivery = state_.DeliveryOf(sequence);
  }
  switch (one.outcome_case()) {
    case v1::Acknowledgement::kDone:
      return state_.Done(sequence, delivery);
    case v1::Acknowledgement::kRetryAfter:
      return state_.Retry(sequence, delivery, MicrosecondsOf(one.retry_after()), now_us);
    case v1::Acknowledgement::kExtend:
      return state_.Extend(sequence, delivery, MicrosecondsOf(one.extend()), now_us);
    case v1::Acknowledgement::kTerminate:
      return state_.Terminate(sequence, delivery, one.terminate());
    case v1::Acknowledgement::OUTCOME_NOT_SET:
      break;
  }
  return false;
}

void Group::Note(const v1::AcknowledgeRequest& request, const std::string& client,
                 const std::shared_ptr<AcknowledgeAnswer>& answer, int64_t now_us) {
  answers_.push_back(answer);
  answer->noted = true;
  if (retired_) {
    answer->status = DeletedStatus();
    return;
  }
  const auto found = members_of_.find(client);
  const Members* const own = found == members_of_.end() ? nullptr : &found->second;
  v1::AcknowledgeResponse& response = answer->response;
  for (const v1::Acknowledgement& one : request.acknowledgements()) {
    uint64_t noted = 0;
    // All others are done, or were never delivered.
    const uint64_t end = std::min(std::max(one.first(), one.last()), state_.delivered());
    for (uint64_t sequence = std::max(one.first(), state_.floor() + 1); sequence <= end; ++sequence) {
      if (!NoteOne(one, sequence, own, now_us)) continue;
      ++noted;
      if (one.outcome_case() != v1::Acknowledgement::kTerminate) continue;
      burials_[sequence] = answer;
      ++answer->unburied;
    }
    response.set_noted(response.noted() + noted);
    response.set_not_pending(response.not_pending() + NamedMessages(one) - noted);
  }
}

}  // namespace nmq::broker
