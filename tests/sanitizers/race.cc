// Two threads change a number that nothing guards.
#include <thread>

int main() {
  int number = 0;
  const auto change = [&number] {
    for (int i = 0; i < 1000; ++i) ++number;
  };
  std::thread one(change);
  std::thread other(change);
  one.join();
  other.join();
  return number < 0 ? 1 : 0;
}
