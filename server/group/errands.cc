#include "server/group/errands.h"

namespace nmq::broker {

Errands::Errand Errands::Begin() {
  MutexLock lock(&table_->mu);
  table_->under_way.insert(++table_->last);
  return Errand(table_, table_->last);
}

void Errands::Errand::End() {
  if (table_ == nullptr) return;
  MutexLock lock(&table_->mu);
  table_->under_way.erase(number_);
  table_->ended.SignalAll();
}

void Errands::Await() {
  Table& table = *table_;
  MutexLock lock(&table.mu);
  const uint64_t last = table.last;
  while (!table.stop && !table.under_way.empty() && *table.under_way.begin() <= last) table.ended.Wait(&table.mu);
}

void Errands::Stop() {
  MutexLock lock(&table_->mu);
  table_->stop = true;
  table_->ended.SignalAll();
}

}  // namespace nmq::broker
