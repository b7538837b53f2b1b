#include "server/group/acknowledge_answer.h"

#include <utility>

#include "absl/time/time.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

constexpr absl::Duration kRetry = absl::Milliseconds(100);

}  // namespace

AcknowledgeAnswer::AcknowledgeAnswer(Done done) : done_(std::move(done)) {}

AcknowledgeAnswer::~AcknowledgeAnswer() {
  if (noted && unburied == 0) {
    status.ok() ? done_(std::move(response)) : done_(status);
  } else {
    done_(Unavailable("STOPPED", "the server stopped before it noted this; say it again", kRetry));
  }
}

}  // namespace nmq::broker
