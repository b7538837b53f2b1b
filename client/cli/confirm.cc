#include "client/cli/confirm.h"

#include <unistd.h>

#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace nmq {
namespace cli {

bool Confirm(absl::FunctionRef<std::string()> question, const Arguments& arguments, Output* err) {
  if (arguments.yes || isatty(STDIN_FILENO) != 1 || !err->is_terminal()) return true;
  err->Write(absl::StrCat(question(), " [y/N] "));
  std::string answer;
  std::getline(std::cin, answer);
  answer = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  if (answer == "y" || answer == "yes") return true;
  err->Tell("nothing is changed; --yes asks nothing");
  return false;
}

}  // namespace cli
}  // namespace nmq
