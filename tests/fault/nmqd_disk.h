// A real nmqd on a disk that breaks: what the tests of nmqd_*_test.cc share.
#ifndef NMQ_TESTS_FAULT_NMQD_DISK_H_
#define NMQ_TESTS_FAULT_NMQD_DISK_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {

// nmqd with the durable queue "D", the buffered queue "B" and the live queue "L". What its tests publish begins with a
// name, such as "D-7", which is what they compare.
class NmqdDiskTest : public testing::Test {
 protected:
  NmqdDiskTest();
  ~NmqdDiskTest() override;

  // The flags besides --listen.
  std::vector<std::string> Flags() const;
  // nmqd must come up.
  void Start(const std::vector<std::string>& environment = {});
  // nmqd must end in order.
  void Stop();
  void Kill();
  // One run that must end with an error in one line, which names all of `words`.
  void ExpectRefusesToStart(const std::vector<std::string>& words, const std::vector<std::string>& environment = {});

  Nmqd& nmqd() { return *nmqd_; }
  Api& api() { return *api_; }
  const TestClient& client() const { return *client_; }

  grpc::Status Publish(const std::string& queue, const std::string& payload);
  // Publishes `count` messages of about `bytes`, which are to be acknowledged.
  void PublishAcknowledged(const std::string& queue, int count, size_t bytes = 100);
  // Publishes until a message is refused, at most `count_max`, and notes those that were acknowledged.
  grpc::Status PublishUntilRefused(const std::string& queue, int count_max, size_t bytes);

  // The names of all that the queue holds, as a subscriber from the earliest on hears them. Fails the test if a
  // sequence is left out or comes twice.
  std::vector<std::string> Held(const std::string& queue);
  // The queue holds what was acknowledged, and nothing else.
  void ExpectHoldsAcknowledged(const std::string& queue);
  // The queue holds what was acknowledged, and behind it perhaps some of `unknown`, which count as acknowledged from
  // here on.
  void ExpectHoldsAcknowledgedAndPerhaps(const std::string& queue, const std::vector<std::string>& unknown);
  // Whoever listens to "L" hears what is published there.
  void ExpectLiveQueueWorks();

  // What health says, of all services and through nmqd --health_check. nmqd is alive whatever the disk does.
  void ExpectHealth(bool serving);
  bool WaitForHealth(bool serving);
  // Whether nmqd says all of `words` in one line of its log.
  bool WaitForLog(const std::vector<std::string>& words);

  std::string directory_;                                         // --data_dir
  std::vector<std::string> flags_;                                // besides those that all have
  std::map<std::string, std::vector<std::string>> acknowledged_;  // names, by queue

 private:
  bool Serves(const std::string& service);

  std::optional<Nmqd> nmqd_;
  std::optional<Api> api_;
  std::optional<TestClient> client_;
};

// A payload that begins with `name` and cannot be made much smaller.
std::string Payload(const std::string& name, size_t bytes);

}  // namespace nmq::integration

#endif  // NMQ_TESTS_FAULT_NMQD_DISK_H_
