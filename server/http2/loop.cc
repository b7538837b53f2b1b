#include "server/http2/loop.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"

namespace nmq::http2 {
namespace {

// What a turn may take for connections for whom something has come before subscriptions get to write, and at its end
// for those that have had more than their share and for handshakes of TLS, at least one of each. More waits for the
// next turn.
constexpr absl::Duration kFreshTime = absl::Milliseconds(4);
constexpr absl::Duration kLeftTime = absl::Milliseconds(1);
constexpr absl::Duration kHandshakesTime = absl::Milliseconds(1);
// The same for calls that have something to be told. The clock is read once for so many.
constexpr absl::Duration kSettleTime = absl::Milliseconds(2);
constexpr int kSettledForLook = 8;
// Connections that a loop has yet to take; those that come after them wait in the system.
constexpr int kAdoptingMax = 16;
// What a turn may take for more than a read of each connection.
constexpr absl::Duration kTakeMoreTime = absl::Milliseconds(4);
// Of compressed messages: small ones at the same time, large ones one after the other.
constexpr uint64_t kInflatingBytes = 1 << 20;
constexpr absl::Duration kTick = absl::Seconds(1);
// The same while connections drain, for the server waits for that.
constexpr absl::Duration kDrainTick = absl::Milliseconds(20);
// For calls whose connections have ended to be over.
constexpr absl::Duration kCallsEndTime = absl::Seconds(1);
constexpr absl::Duration kCallsEndStep = absl::Milliseconds(5);
constexpr int kSecondsBetweenLines = 60;
constexpr absl::Duration kCallAgainAfter = absl::Seconds(1);

}  // namespace

Loop::Loop(const Options& options, broker::Lane* lane, const Clock* clock, Metrics* metrics, const Memory& memory)
    : rpc::Loop(lane, clock, metrics, memory),
      options_(options),
      metrics_(metrics),
      now_(RealClock().Monotonic()),
      read_buffer_(new char[Connection::kReadBytes]),
      windows_(options.wide_bytes, nullptr),
      inflating_(kInflatingBytes) {}

Loop::~Loop() { Join(); }

void Loop::Shutdown() {
  Post([this] {
    intake().Close();
    running_ = false;
    end_by_ = now_ + kCallsEndTime;
    EndConnections();
  });
}

void Loop::Adopt(std::unique_ptr<ByteStream> bytes, std::string peer, ConnectionGate::Pass pass) {
  {
    MutexLock lock(&adopting_mu_);
    while (adopting_ >= kAdoptingMax) adopted_.Wait(&adopting_mu_);
    ++adopting_;
  }
  // A task that is forgotten closes it.
  auto owned =
      std::make_shared<std::pair<std::unique_ptr<ByteStream>, ConnectionGate::Pass>>(std::move(bytes), std::move(pass));
  Post([this, owned, peer = std::move(peer)] {
    if (running_) Add(std::move(owned->first), peer, std::move(owned->second));
    MutexLock lock(&adopting_mu_);
    --adopting_;
    adopted_.Signal();
  });
}

void Loop::Add(std::unique_ptr<ByteStream> bytes, const std::string& peer, ConnectionGate::Pass pass) {
  auto served = std::make_unique<Served>(this, std::move(bytes), peer);
  Served* const raw = served.get();
  raw->set_pass(std::move(pass));
  connections_.emplace(raw, std::move(served));
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
  if (!tick_.set()) SetTimer(&tick_, clock().Monotonic() + kTick);
  if (!raw->watch.ok()) raw->End();
  while (greeting_.size() > options_.greeting_max) greeting_.oldest()->owner()->EndGreeting();
}

Stream* Loop::OnRequest(Connection* connection, int32_t stream, HeaderList headers) {
  return Call::Begin(this, connection, stream, std::move(headers));
}

absl::Status Loop::CheckRoomForCall() const {
  if (calls_ < options_.calls_max) return absl::OkStatus();
  return ResourceExhausted("MEMORY_SHORT",
                           absl::StrCat("calls: ", options_.calls_max,
                                        " calls are under way on this thread of the server, and its memory is not for "
                                        "more; try again later, or give it more memory"),
                           kCallAgainAfter, {{"bound", absl::StrCat(options_.calls_max)}});
}

void Loop::Await(Connection* connection, bool readable, bool writable) {
  static_cast<Served*>(connection)->watch.Await(readable, writable);
}

void Loop::OnAbuse(const Connection& connection, absl::string_view what) {
  metrics_->CountRefusal(ResourceExhausted("CONNECTION_ABUSED", what, absl::ZeroDuration()));
  LOG_EVERY_T(WARNING, kSecondsBetweenLines) << "ended the connection from " << connection.peer() << ": " << what;
}

void Loop::OnHeld(int64_t bytes) {
  const bool before = held_ > options_.held_bytes_max;
  held_ += bytes;
  if (held_ > options_.held_bytes_max && !before) Again([this] { RelieveHeld(); });
}

// With less left, subscribers get smaller frames.
void Loop::OnUnsent(int64_t bytes) {
  if (bytes > 0) outgoing().Take(static_cast<uint64_t>(bytes));
  if (bytes < 0) outgoing().GiveBack(static_cast<uint64_t>(-bytes));
}

void Loop::RelieveHeld() {
  Connection* most = nullptr;
  for (const auto& [raw, connection] : connections_) {
    if (most == nullptr || raw->held() > most->held()) most = raw;
  }
  if (held_ <= options_.held_bytes_max || most == nullptr || most->held() == 0) return;
  most->EndForMemory();
  Again([this] { RelieveHeld(); });
}

int Loop::PatienceMs() const {
  if (!marked_.empty() || !settling_.empty() || rotation_.has_fresh() || rotation_.has_left() || rotation_.has_new()) {
    return 0;
  }
  absl::Duration patience = Patience();
  if (!running_) patience = std::min(patience, kCallsEndStep);
  if (draining_ && !connections_.empty()) patience = std::min(patience, kDrainTick);
  if (patience == absl::InfiniteDuration()) return -1;
  return static_cast<int>(absl::ToInt64Milliseconds(std::min(patience, absl::Hours(1))));
}

bool Loop::TakeEvents() {
  const absl::Span<const Poller::Event> events = poller_.Wait(PatienceMs());
  TurnBegins();
  now_ = RealClock().Monotonic();
  Sort(events);
  SettleCalls();
  // Nothing more is read before what has come is dealt with.
  if (settling_.empty()) TakeTurns(now_ + kFreshTime);
  if (draining_ && now_ - ticked_ >= kDrainTick) TickConnections();
  SettleCalls();
  TakeMore();
  return running_ || (calls_ > 0 && now_ < end_by_);
}

void Loop::Sort(absl::Span<const Poller::Event> events) {
  if (poller_.interrupted()) Interrupted();
  for (const Poller::Event& event : events) {
    auto* const connection = static_cast<Connection*>(event.owner);
    if (connection->shakes_hands()) {
      rotation_.AddNew(connection->place(), event.what);
    } else {
      rotation_.Add(connection->place(), event.what);
    }
  }
}

void Loop::EndTurn() {
  SettleCalls();
  Flush();
  // Last, so that nobody's answer waits for it.
  if (settling_.empty()) WorkOn();
  ShakeHands();
  Bury();
  const std::optional<absl::Duration> first = deadlines_.first();
  if (!first || (due_.set() && due_time_ == *first)) return;
  due_time_ = *first;
  SetTimer(&due_, due_time_ + clock_shift());
}

void Loop::TellEvents(Rotation<Connection>::Entry* entry) {
  const uint32_t events = entry->TakeEvents();
  if ((events & Poller::kWritable) != 0) entry->owner()->OnWritable();
  if ((events & Poller::kReadable) != 0) entry->owner()->OnReadable();
}

void Loop::TakeTurns(absl::Duration end) {
  while (rotation_.has_fresh()) {
    TellEvents(rotation_.TakeFresh());
    if (rotation_.has_fresh() && RealClock().Monotonic() >= end) break;
  }
}

// A step may take a millisecond, and costs a peer nothing to ask for.
void Loop::ShakeHands() {
  if (!rotation_.has_new()) return;
  const absl::Duration begin = RealClock().Monotonic();
  while (rotation_.has_new()) {
    TellEvents(rotation_.TakeNew());
    if (RealClock().Monotonic() - begin >= kHandshakesTime) break;
  }
}

void Loop::WorkOn() {
  if (!rotation_.has_left()) return;
  const absl::Duration begin = RealClock().Monotonic();
  while (rotation_.has_left()) {
    Rotation<Connection>::Entry* const entry = rotation_.TakeLeft();
    if ((entry->TakeEvents() & Poller::kWritable) != 0) entry->owner()->OnWritable();
    entry->owner()->GoOn();
    rotation_.Charge(entry, entry->owner()->work());
    if (RealClock().Monotonic() - begin >= kLeftTime) break;
  }
}

void Loop::SettleCalls() {
  std::optional<absl::Duration> begin;
  for (int settled = 1; !settling_.empty(); ++settled) {
    Call* const call = settling_.front();
    settling_.pop_front();
    call->Settle();
    if (settled % kSettledForLook != 0 || !running_) continue;
    const absl::Duration now = RealClock().Monotonic();
    if (!begin) begin = now;
    if (now - *begin >= kSettleTime) return;
  }
}

// A turn writes once to each connection, so where writing is what takes time, it pays to have more to write: it takes
// in for as long as the last turn wrote.
void Loop::TakeMore() {
  if (more_.empty()) return;
  const absl::Duration end = RealClock().Monotonic() + std::min(flush_time_, kTakeMoreTime);
  while (settling_.empty() && RealClock().Monotonic() < end) {
    std::vector<Connection*> more;
    more.swap(more_);
    for (Connection* const connection : more) connection->OnReadable();
    SettleCalls();
    // A publisher that sends more slowly than this takes it in has sent some meanwhile.
    if (more_.empty()) Sort(poller_.Wait(0));
    if (more_.empty() && !rotation_.has_fresh()) break;
    TakeTurns(end);
    SettleCalls();
  }
  more_.clear();
}

void Loop::Flush() {
  if (marked_.empty()) return;
  std::vector<Connection*> marked;
  marked.swap(marked_);
  const absl::Duration begin = RealClock().Monotonic();
  for (Connection* const connection : marked) connection->Flush();
  flush_time_ = RealClock().Monotonic() - begin;
}

// Those that are over, once nobody has any of them at hand.
void Loop::Bury() {
  while (!over_.empty()) {
    std::vector<Connection*> over;
    over.swap(over_);
    for (Connection* const connection : over) {
      std::erase(marked_, connection);
      std::erase(more_, connection);
      rotation_.Remove(connection->place());
      connections_.erase(connection);
    }
    connection_count_.store(connections_.size(), std::memory_order_relaxed);
  }
}

void Loop::TickConnections() {
  ticked_ = now_;
  for (const auto& [raw, connection] : connections_) raw->OnTick();
}

void Loop::EndStalledCalls() {
  const absl::Duration time = options_.limits.stall;
  while (stalling_.oldest() != nullptr && now_ - stalling_.oldest()->since() >= time) {
    stalling_.oldest()->owner()->EndStalled(time);
  }
}

void Loop::OnTick() {
  TickConnections();
  EndStalledCalls();
  if (!connections_.empty()) SetTimer(&tick_, clock().Monotonic() + kTick);
}

void Loop::DrainConnections() {
  draining_ = true;
  for (const auto& [raw, connection] : connections_) raw->Drain();
}

void Loop::MakeRoom() {
  if (room_wanted_.exchange(true)) return;
  Post([this] {
    room_wanted_.store(false);
    DismissOne();
  });
}

void Loop::DismissOne() {
  if (now_ < next_search_) return;
  Connection* first = nullptr;
  for (const auto& [raw, connection] : connections_) {
    if (raw->IsSpare() && (first == nullptr || raw->IsMoreSpareThan(*first))) first = raw;
  }
  if (first != nullptr) {
    first->Dismiss();
  } else {
    next_search_ = now_ + kTick;  // whoever is turned away asks again, and perhaps all the time
  }
}

void Loop::EndConnections() {
  for (const auto& [raw, connection] : connections_) {
    raw->Flush();
    raw->End();
  }
  CancelTimer(&tick_);
}

}  // namespace nmq::http2
