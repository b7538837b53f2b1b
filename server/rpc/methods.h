#ifndef NMQ_SERVER_RPC_METHODS_H_
#define NMQ_SERVER_RPC_METHODS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/worker.h"
#include "server/admin/admin.h"
#include "server/broker/broker.h"
#include "server/registry/registry.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/health_calls.h"
#include "server/rpc/request_method.h"
#include "server/rpc/services.h"

namespace nmq::rpc {

// The methods with one request and one response. Those of the data plane are answered on the loops, those of the
// registry, which may take long, by a worker, and those of Admin, which may wait for the disk, by another.
class Methods {
 public:
  // All must outlive this, and this the loops. `services` are those that health knows.
  Methods(broker::Broker* broker, MessageQueueService* message_queue, RegistryService* registry, AdminService* admin,
          HealthService* health, const std::vector<std::string>* services);

  // Accepts calls on `loop`.
  void Serve(GrpcLoop* loop);

  // Answers what the worker still has, and ends it. For when no more calls come.
  void StopWorkers() {
    worker_ = nullptr;
    admin_worker_ = nullptr;
    admin_.StopRedriving();
  }

 private:
  void AddDataMethods(broker::Broker* broker, MessageQueueService* service);
  void AddRegistryMethods(RegistryService* service);
  void AddAdminMethods(AdminService* service);

  broker::Broker* const broker_;
  MessageQueueService* const message_queue_;
  broker::Registry registry_;
  broker::Admin admin_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Worker> admin_worker_;
  std::vector<std::function<void(GrpcLoop*)>> serve_;
  std::vector<std::unique_ptr<RequestMethod>> requests_;  // one of each loop
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_METHODS_H_
