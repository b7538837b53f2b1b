#include "server/question/questions.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::broker {

absl::Status Questions::Open(std::string token, Options options) {
  MutexLock lock(&mu_);
  if (!end_.ok()) return end_;
  uint64_t& count = counts_[options.name_space];
  if (count >= count_max_) return LimitExceeded("requests", count + 1, count_max_);
  ++count;
  auto question = std::make_unique<Question>();
  question->token = std::move(token);
  question->options = std::move(options);
  deadlines_.emplace(question->options.deadline_us, question.get());
  const absl::string_view key = question->token;
  questions_.emplace(key, std::move(question));
  return absl::OkStatus();
}

void Questions::StopWaiting(Question* question, uint64_t client) {
  auto it = waiting_.find(client);
  it->second.erase(question);
  if (it->second.empty()) waiting_.erase(it);
}

std::unique_ptr<Questions::Question> Questions::Remove(Question* question) {
  deadlines_.erase({question->options.deadline_us, question});
  for (const uint64_t client : question->waiting) StopWaiting(question, client);
  auto count = counts_.find(question->options.name_space);
  if (--count->second == 0) counts_.erase(count);
  auto it = questions_.find(question->token);
  std::unique_ptr<Question> removed = std::move(it->second);
  questions_.erase(it);
  return removed;
}

void Questions::Finish(std::unique_ptr<Question> question, bool complete, std::vector<Ended>* ended) {
  question->response.set_complete(complete);
  ended->push_back({std::move(question->options.done), std::move(question->response)});
}

void Questions::Tell(std::vector<Ended>* ended) {
  for (Ended& one : *ended) one.done(std::move(one.response));
}

void Questions::EndIfDone(Question* question, std::vector<Ended>* ended) {
  if (!question->asked) return;
  const uint64_t replies_max = question->options.replies_max;
  const bool enough = replies_max > 0 && static_cast<uint64_t>(question->response.answers_size()) >= replies_max;
  if (!enough && !question->waiting.empty()) return;
  Finish(Remove(question), /*complete=*/enough || !question->missed, ended);
}

void Questions::Asked(absl::string_view token, absl::Span<const uint64_t> heard, const v1::QueuePosition& position) {
  std::vector<Ended> ended;
  {
    MutexLock lock(&mu_);
    auto it = questions_.find(token);
    if (it == questions_.end()) return;  // its time is over already
    Question& question = *it->second;
    question.asked = true;
    question.response.set_matched(heard.size());
    question.missed = heard.empty();  // they went while it was written
    *question.response.mutable_position() = position;
    for (const uint64_t client : heard) {
      if (question.answered.contains(client) || !question.waiting.insert(client).second) continue;
      waiting_[client].insert(&question);
    }
    EndIfDone(&question, &ended);
  }
  Tell(&ended);
}

bool Questions::Forget(absl::string_view token) {
  std::unique_ptr<Question> forgotten;  // its end needs no lock
  MutexLock lock(&mu_);
  auto it = questions_.find(token);
  if (it == questions_.end()) return false;
  forgotten = Remove(it->second.get());
  return true;
}

absl::Status Questions::Answer(absl::string_view token, absl::string_view name_space, uint64_t client,
                               v1::Answer answer) {
  std::vector<Ended> ended;
  absl::Status status;
  {
    MutexLock lock(&mu_);
    auto it = questions_.find(token);
    if (it == questions_.end() || it->second->options.name_space != name_space) {
      return Unknown();
    }
    Question& question = *it->second;
    if (question.answered.contains(client)) {
      return NotFound("ALREADY_ANSWERED", "reply_to: this client has answered it; each answers once");
    }
    const uint64_t bytes = question.bytes + answer.ByteSizeLong();
    if (bytes > bytes_max_) {
      status = LimitExceeded("request_bytes", bytes, bytes_max_);
      Finish(Remove(&question), /*complete=*/false, &ended);
    } else {
      question.bytes = bytes;
      *question.response.add_answers() = std::move(answer);
      question.answered.insert(client);
      if (question.waiting.erase(client) > 0) StopWaiting(&question, client);
      EndIfDone(&question, &ended);
    }
  }
  Tell(&ended);
  return status;
}

absl::Status Questions::Unknown() {
  return NotFound("QUESTION_NOT_FOUND", "reply_to: nobody waits for an answer to it, or does so any more");
}

std::string Questions::QueueOf(absl::string_view token, absl::string_view name_space) const {
  MutexLock lock(&mu_);
  const auto found = questions_.find(token);
  if (found == questions_.end() || found->second->options.name_space != name_space) return "";
  return found->second->options.queue;
}

void Questions::Gone(uint64_t client) {
  std::vector<Ended> ended;
  {
    MutexLock lock(&mu_);
    auto waiting = waiting_.find(client);
    if (waiting == waiting_.end()) return;
    const absl::flat_hash_set<Question*> questions = std::move(waiting->second);
    waiting_.erase(waiting);
    for (Question* question : questions) {
      question->waiting.erase(client);
      question->missed = true;
      EndIfDone(question, &ended);
    }
  }
  Tell(&ended);
}

void Questions::Expire(int64_t now_us) {
  std::vector<Ended> ended;
  {
    MutexLock lock(&mu_);
    while (!deadlines_.empty() && deadlines_.begin()->first <= now_us) {
      Finish(Remove(deadlines_.begin()->second), /*complete=*/false, &ended);
    }
  }
  Tell(&ended);
}

std::optional<int64_t> Questions::next_deadline_us() const {
  MutexLock lock(&mu_);
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

void Questions::EndRefused() {
  std::vector<std::pair<std::string, std::shared_ptr<const Check>>> checks;
  {
    MutexLock lock(&mu_);
    for (const auto& [token, question] : questions_) {
      if (question->options.check != nullptr) checks.emplace_back(token, question->options.check);
    }
  }
  for (const auto& [token, check] : checks) {
    const absl::Status status = (*check)();
    if (status.ok()) continue;
    std::unique_ptr<Question> refused;
    {
      MutexLock lock(&mu_);
      const auto it = questions_.find(token);
      if (it == questions_.end()) continue;
      refused = Remove(it->second.get());
    }
    refused->options.done(status);
  }
}

void Questions::End(const absl::Status& status) {
  Table questions;
  {
    MutexLock lock(&mu_);
    end_ = status;
    questions.swap(questions_);
    counts_.clear();
    deadlines_.clear();
    waiting_.clear();
  }
  for (auto& [token, question] : questions) question->options.done(status);
}

size_t Questions::size() const {
  MutexLock lock(&mu_);
  return questions_.size();
}

}  // namespace nmq::broker
