// Shifts a number by more bits than it has.
int main(int argc, char**) {
  volatile int number = argc;
  number = number << (31 + argc);
  return 0;
}
