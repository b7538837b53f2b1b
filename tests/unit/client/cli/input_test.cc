#include "client/cli/input.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

// A file that holds `text`.
class Held {
 public:
  explicit Held(const std::string& text) : file_(std::tmpfile()) {
    std::fwrite(text.data(), 1, text.size(), file_);
    std::rewind(file_);
  }
  ~Held() { std::fclose(file_); }
  int fd() const { return fileno(file_); }

 private:
  std::FILE* const file_;
};

TEST(LineReader, GivesEachLineWithoutItsEnd) {
  const Held input("one\n\nlast");
  LineReader reader(input.fd());
  std::string line;
  std::string all;
  while (reader.Next(&line)) all += "[" + line + "]";
  EXPECT_EQ(all, "[one][][last]");
  EXPECT_FALSE(reader.too_long());
}

TEST(LineReader, LinesMayBeLongerThanWhatIsReadAtOnce) {
  const std::string part(200'000, 'x');
  const Held input(part + "\n" + part + "y\n");
  LineReader reader(input.fd());
  std::string line;
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, part);
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, part + "y");
  EXPECT_EQ(reader.done(), 400'003u);
  EXPECT_FALSE(reader.Next(&line));
}

TEST(LineReader, ALineThatNoServerTakesIsNotGathered) {
  const Held input(std::string(LineReader::kLineMax + 200'000, 'x'));
  LineReader reader(input.fd());
  std::string line;
  EXPECT_FALSE(reader.Next(&line));
  EXPECT_TRUE(reader.too_long());
}

TEST(LineReader, StopEndsAReaderThatWaits) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  LineReader reader(ends[0]);
  std::thread waiting([&reader] {
    std::string line;
    EXPECT_FALSE(reader.Next(&line));
  });
  reader.Stop();
  waiting.join();
  close(ends[0]);
  close(ends[1]);
}

TEST(ReadWhole, IsBounded) {
  const Held input("12345");
  EXPECT_EQ(*ReadWhole(input.fd(), 5), "12345");
  const Held more("123456");
  EXPECT_TRUE(absl::IsResourceExhausted(ReadWhole(more.fd(), 5).status()));
}

TEST(HasSomething, IsTrueOfPipesWithBytesAndOfFilesThatAreNotRead) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_FALSE(HasSomething(ends[0]));
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_TRUE(HasSomething(ends[0]));
  close(ends[0]);
  close(ends[1]);
  EXPECT_FALSE(HasSomething(Held("").fd()));
  const Held file("x");
  EXPECT_TRUE(HasSomething(file.fd()));
}

}  // namespace
}  // namespace cli
}  // namespace nmq
