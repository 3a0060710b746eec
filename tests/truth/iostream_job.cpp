// Streams to and from memory and a file, with what they are asked for most: numbers both ways, lines, words, widths, a failure
// that is thrown.
#include "iostream_job.h"

#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>
#include "sink.h"

static std::string numbers(unsigned round)
{
  std::ostringstream out;

  out << std::setw(8) << std::setfill('*') << int(round) - 3 << '|';
  out << std::hex << std::showbase << 0xABCDEFul * (round + 1) << std::dec << '|';
  out << std::fixed << std::setprecision(3) << 3.14159 * round << '|' << std::scientific << 1e-9 / (round + 3) << '|';
  out << std::boolalpha << (round % 2 == 0) << '|' << std::left << std::setw(6) << "left" << std::endl;
  return out.str();
}

static long words(const std::string &text)
{
  std::istringstream in(text);
  std::vector<std::string> found;
  std::string word;
  long sum = 0, number;
  double real;

  in >> number >> std::hex >> number >> std::dec >> real;
  sum += number + long(real * 1000);
  while (in >> word)
    found.push_back(word);
  for (const std::string &one : found)
    sum = sum * 31 + long(one.size()) + one[0];
  return sum;
}

// A stream that was told to throws when a word is no number: through libstdc++ and the unwinder.
static std::string failure()
{
  std::istringstream in("word");
  int number = 0;

  in.exceptions(std::ios::failbit);
  try {
    in >> number;
  } catch (const std::ios_base::failure &caught) {
    return caught.what();
  }
  return "not thrown";
}

static std::string file(const char *path, const std::string &text)
{
  std::string line, back;

  {
    std::ofstream out(path, std::ios::trunc);

    out << text << "second line\n" << text.size();
  }
  std::ifstream in(path);

  while (std::getline(in, line))
    back.insert(0, line + ";");
  return back;
}

unsigned long iostream_run(const char *path, unsigned rounds)
{
  unsigned long digest = 0;

  for (unsigned round = 0; round < rounds; round++) {
    std::string text = numbers(round);
    long sum = words("12 0x1f 2.5 some words and " + text);

    text += file(path, text) + failure() + std::to_string(sum);
    digest = emit(digest, text.data(), text.size());
  }
  return digest;
}
