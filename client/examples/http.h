// A request and its answer, as a handler sees them.
#ifndef NMQ_CLIENT_EXAMPLES_HTTP_H_
#define NMQ_CLIENT_EXAMPLES_HTTP_H_

#include <string>

namespace nmq {
namespace examples {

struct HttpRequest {
  std::string method;
  // The path and the query.
  std::string target;
  std::string content_type;
  std::string body;
};

// The body is JSON.
struct HttpResponse {
  int status = 200;
  std::string body;
  // The header of that name, if not empty.
  std::string location = {};
  std::string allow = {};
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_HTTP_H_
