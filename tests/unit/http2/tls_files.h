#ifndef NMQ_TESTS_UNIT_HTTP2_TLS_FILES_H_
#define NMQ_TESTS_UNIT_HTTP2_TLS_FILES_H_

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/http2/tls_context.h"
#include "tests/testing/certificates.h"

namespace nmq::http2 {

// A server's files, with a pair that belongs together, in a folder of their own.
class TestTlsFiles {
 public:
  TestTlsFiles() {
    std::string folder = testing::TempDir() + "/tls.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    Write(authority_.Issue());
  }
  ~TestTlsFiles() { std::filesystem::remove_all(folder_); }
  TestTlsFiles(const TestTlsFiles&) = delete;
  TestTlsFiles& operator=(const TestTlsFiles&) = delete;

  const Authority& authority() const { return authority_; }
  // Without a CA for clients.
  TlsFiles paths() const { return {.certificate = Path("certificate"), .key = Path("key"), .client_ca = ""}; }
  std::string Path(const std::string& name) const { return absl::StrCat(folder_, "/", name, ".pem"); }
  // Puts a file in the place of that of this name, as programs that renew certificates do.
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path("new")) << text;
    std::filesystem::rename(Path("new"), Path(name));
    return Path(name);
  }
  void Write(const Credentials& pair) const {
    Write("certificate", pair.certificate);
    Write("key", pair.key);
  }

 private:
  std::string folder_;
  Authority authority_;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_UNIT_HTTP2_TLS_FILES_H_
