// Names that need demangling, and calls that reach an IFUNC: how often is in selectors_test.sh.
#include <cstdio>
#include <cstdlib>
#include <cstring>

struct shape {
  double side;
  double area() const;
  void scale(double factor);
  void scale(int factor);
};

__attribute__((noinline)) double shape::area() const
{
  asm volatile("");
  return side * side;
}

__attribute__((noinline)) void shape::scale(double factor)
{
  asm volatile("");
  side *= factor;
}

__attribute__((noinline)) void shape::scale(int factor)
{
  asm volatile("");
  side *= factor + 1;
}

template <typename First, typename Second> __attribute__((noinline)) long total(First first, Second second)
{
  asm volatile("");
  return static_cast<long>(first) + static_cast<long>(second);
}

int main(int argc, char **argv)
{
  shape square{1};
  char *volatile text = argv[argc - 1];
  char copy[64];
  size_t length = 0;
  double sum = 0;

  for (int i = 0; i < 7; i++)
    sum += square.area();
  for (int i = 0; i < 5; i++)
    square.scale(1.5);
  for (int i = 0; i < 3; i++)
    square.scale(2);
  for (int i = 0; i < 2; i++)
    sum += static_cast<double>(total<int, long>(i, 2));
  for (int i = 0; i < 1000; i++)
    length += strlen(text);
  void *(*volatile move)(void *, const void *, size_t) = memcpy;
  move(copy, text, 1);
  std::printf("%g %zu %d\n", sum, length, strchr(text, copy[0]) != nullptr);
}
