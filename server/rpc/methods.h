#ifndef NMQ_SERVER_RPC_METHODS_H_
#define NMQ_SERVER_RPC_METHODS_H_

#include <memory>
#include <string>
#include <vector>

#include "server/admin/admin.h"
#include "server/broker/broker.h"
#include "server/limits/memory_budget.h"
#include "server/registry/registry.h"
#include "server/rpc/call_worker.h"
#include "server/rpc/loop.h"
#include "server/rpc/method_table.h"
#include "server/rpc/request_method.h"

namespace nmq::rpc {

// All that nmqd serves, whatever the transport. The methods of the data plane are answered on the loops, those of the
// registry, which may take long, by a worker, and those of Admin, which may wait for the disk, by another.
class Methods {
 public:
  // The broker must outlive this, and this the loops.
  explicit Methods(broker::Broker* broker);

  // Makes `loop`, which has not started, serve them.
  void AddTo(Loop* loop);

  // Waits until the workers have answered what they have. For when no more calls come.
  void FlushWorkers() {
    worker_.Flush();
    admin_worker_.Flush();
    admin_.StopRedriving();
  }

 private:
  void AddSessions(MethodTable* table);
  void AddMessages(MethodTable* table);
  void AddRegistry(MethodTable* table);
  void AddAdmin(MethodTable* table);
  void AddHealthAndReflection(MethodTable* table);

  // Those that reflection shows and health knows.
  const std::vector<std::string> services_ = {"nmq.v1.MessageQueue", "nmq.v1.Registry", "nmq.v1.Admin",
                                              "grpc.health.v1.Health"};
  broker::Broker* const broker_;
  MemoryBudget reflection_memory_;
  broker::Registry registry_;
  broker::Admin admin_;
  CallWorker worker_;
  CallWorker admin_worker_;
  std::vector<std::unique_ptr<RequestMethod>> requests_;  // one of each loop
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_METHODS_H_
