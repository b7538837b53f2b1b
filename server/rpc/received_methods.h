#ifndef NMQ_SERVER_RPC_RECEIVED_METHODS_H_
#define NMQ_SERVER_RPC_RECEIVED_METHODS_H_

#include "google/protobuf/descriptor.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"

namespace nmq::rpc {

// A generated service, some of whose methods with one request and one response are served as streams of one message
// each way. On the wire that is the same. But gRPC receives the request of a plain one before anybody asks for it, and
// that of a stream only when it is read: so the server decides how much it takes in.
template <typename Base>
class ReceivedMethods : public Base {
 public:
  // Serves the method of this full name so, before the service is registered. Its index, for RequestReceived.
  int Receive(const char* method) {
    const int index = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(method)->index();
    this->MarkMethodStreamed(index, nullptr);
    this->MarkMethodRaw(index);
    return index;
  }

  // Asks for a call of it; `tag` comes back with the call.
  void RequestReceived(int index, grpc::ServerContext* context,
                       grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>* stream,
                       grpc::ServerCompletionQueue* queue, void* tag) {
    this->RequestAsyncBidiStreaming(index, context, stream, queue, queue, tag);
  }
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_RECEIVED_METHODS_H_
