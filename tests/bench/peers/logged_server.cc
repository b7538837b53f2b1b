#include "tests/bench/peers/logged_server.h"

namespace nmq::bench {
namespace {

// The shell becomes the server, which so has the process id that is known. Its log goes through tee, which writes on
// when grep has found the ready line and is gone.
constexpr char kScript[] =
    R"(log=$1 ready=$2; shift 2; exec "$@" > >(tee -a -p -- "$log" | grep -m 1 -F -e "$ready") 2>&1)";

}  // namespace

ServerCommand LoggedServer(const std::vector<std::string>& words, const std::string& ready, const std::string& address,
                           const std::string& log) {
  ServerCommand command = {
      .words = {"bash", "-c", kScript, words[0], log, ready}, .ready = ready, .address = address, .log = log};
  command.words.insert(command.words.end(), words.begin(), words.end());
  return command;
}

}  // namespace nmq::bench
