#include "client/cpp/subscription_thread.h"

#include "client/cpp/event_thread.h"

namespace nmq {
inline namespace client {

SubscriptionThread::SubscriptionThread() : events_(internal::EventThread::Start()) {}

SubscriptionThread::~SubscriptionThread() { events_->Close(); }

}  // namespace client
}  // namespace nmq
