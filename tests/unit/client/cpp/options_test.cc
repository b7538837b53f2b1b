#include "client/cpp/options.h"

#include <cstdlib>
#include <string>

#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(OptionsFromEnvironment, AreThoseOfTheVariablesThatAreSet) {
  for (const char* name : {"NMQ_SERVER", "NMQ_NAMESPACE", "NMQ_TOKEN", "NMQ_TOKEN_FILE", "NMQ_TLS_CA",
                           "NMQ_TLS_CERTIFICATE", "NMQ_TLS_KEY"}) {
    unsetenv(name);
  }
  EXPECT_EQ(OptionsFromEnvironment().server, ClientOptions().server);
  EXPECT_EQ(OptionsFromEnvironment().token, "");
  setenv("NMQ_SERVER", "", 1);
  EXPECT_EQ(OptionsFromEnvironment().server, ClientOptions().server);
  setenv("NMQ_SERVER", "https://example.com", 1);
  setenv("NMQ_NAMESPACE", "shop", 1);
  setenv("NMQ_TOKEN", "token", 1);
  setenv("NMQ_TOKEN_FILE", "file", 1);
  setenv("NMQ_TLS_CA", "ca.pem", 1);
  setenv("NMQ_TLS_CERTIFICATE", "api.pem", 1);
  setenv("NMQ_TLS_KEY", "api.key", 1);
  const ClientOptions options = OptionsFromEnvironment();
  EXPECT_EQ(options.server, "https://example.com");
  EXPECT_EQ(options.namespace_name, "shop");
  EXPECT_EQ(options.token, "token");
  EXPECT_EQ(options.token_file, "file");
  EXPECT_EQ(options.tls_ca, "ca.pem");
  EXPECT_EQ(options.tls_certificate, "api.pem");
  EXPECT_EQ(options.tls_key, "api.key");
}

}  // namespace
}  // namespace nmq
