// Writes one byte behind what it has.
#include <memory>

int main(int argc, char**) {
  const auto bytes = std::make_unique<char[]>(8);
  volatile char* const behind = bytes.get() + 7 + argc;
  *behind = 1;
  return 0;
}
