// cert: makes a CA and certificates as files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/names.h"
#include "client/cli/certificate_authority.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/json.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kCaValid = absl::Hours(24 * 3650);
constexpr absl::Duration kValid = absl::Hours(24 * 90);
constexpr mode_t kForAll = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;
constexpr mode_t kForOwner = S_IRUSR | S_IWUSR;

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!text.empty()) return text;
  return absl::NotFoundError(absl::StrCat(path, ": cannot be read; \"nmq cert ca\" makes it"));
}

absl::Status WriteNew(const std::string& path, mode_t mode, const std::string& text) {
  const int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": is there already; remove it, or name another --dir"));
  }
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int why = errno;
  if (close(fd) == 0 && written) return absl::OkStatus();
  unlink(path.c_str());
  return absl::ErrnoToStatus(written ? errno : why, absl::StrCat("cannot write ", path));
}

// One run of a cert command.
class CertificateCommand {
 public:
  CertificateCommand(const Arguments& arguments, Output* out, Output* err)
      : arguments_(arguments), out_(*out), err_(*err) {}

  int Run() {
    std::error_code error;
    std::filesystem::create_directories(arguments_.directory, error);
    if (error)
      return Fail(absl::ErrnoToStatus(error.value(), "cannot make " + arguments_.directory), arguments_, &err_);
    const absl::Status made = arguments_.command == Command::kCertCa ? MakeCa() : Issue();
    return made.ok() ? Done(out_, &err_) : Fail(made, arguments_, &err_);
  }

 private:
  std::string PathOf(const std::string& file) const {
    return arguments_.directory == "." ? file : absl::StrCat(arguments_.directory, "/", file);
  }
  absl::Duration ValidOr(absl::Duration usual) const {
    return arguments_.valid == absl::ZeroDuration() ? usual : arguments_.valid;
  }

  // The key first: with a certificate alone, nothing can be done.
  absl::Status Save(const std::string& name, const PemPair& pair) {
    const std::string key = PathOf(name + ".key");
    absl::Status status = WriteNew(key, kForOwner, pair.key);
    if (!status.ok()) return status;
    status = WriteNew(PathOf(name + ".pem"), kForAll, pair.certificate);
    if (!status.ok()) unlink(key.c_str());
    return status;
  }

  absl::Status MakeCa() {
    const auto authority = CertificateAuthority::Make("nmq cert ca", ValidOr(kCaValid));
    if (!authority.ok()) return authority.status();
    const auto pem = authority->pem();
    if (!pem.ok()) return pem.status();
    absl::Status saved = Save("ca", *pem);
    if (saved.ok()) Tell("ca", "trust it by --tls-ca", "keep it to yourself: who has it can be anybody");
    return saved;
  }

  absl::Status Issue() {
    const bool server = arguments_.command == Command::kCertServer;
    std::vector<std::string> names = arguments_.names;
    if (server && names.empty()) names = {"localhost", "127.0.0.1", "::1"};
    if (!server) {
      absl::Status named = CheckName("NAME", arguments_.name);
      if (!named.ok()) return named;
      names.insert(names.begin(), arguments_.name);
    }
    const auto certificate = ReadAll(PathOf("ca.pem"));
    if (!certificate.ok()) return certificate.status();
    const auto key = ReadAll(PathOf("ca.key"));
    if (!key.ok()) return key.status();
    const auto authority = CertificateAuthority::Read({.certificate = *certificate, .key = *key});
    if (!authority.ok()) return authority.status();
    using Use = CertificateAuthority::Use;
    const auto pair = authority->Issue(names, server ? Use::kServer : Use::kClient, ValidOr(kValid));
    if (!pair.ok()) return pair.status();
    const std::string file = server ? "server" : arguments_.name;
    absl::Status saved = Save(file, *pair);
    if (!saved.ok()) return saved;
    if (!arguments_.json) out_.WriteLine(absl::StrCat("for ", absl::StrJoin(names, ", ")));
    if (server) {
      Tell(file, "nmqd --tls_certificate", "nmqd --tls_key");
    } else {
      Tell(file, "nmq --tls-certificate", "nmq --tls-key");
    }
    return absl::OkStatus();
  }

  void Tell(const std::string& name, const std::string& certificate, const std::string& key) {
    if (arguments_.json) {
      JsonWriter json;
      json.BeginObject().Key("certificate").String(PathOf(name + ".pem")).Key("key").String(PathOf(name + ".key"));
      out_.WriteLine(json.EndObject().json());
      return;
    }
    out_.WriteLine(absl::StrCat(PathOf(name + ".pem"), ": the certificate; ", certificate));
    out_.WriteLine(absl::StrCat(PathOf(name + ".key"), ": its private key; ", key));
  }

  const Arguments& arguments_;
  Output& out_;
  Output& err_;
};

}  // namespace

int RunCertificate(const Arguments& arguments, Output* out, Output* err) {
  return CertificateCommand(arguments, out, err).Run();
}

}  // namespace cli
}  // namespace nmq
