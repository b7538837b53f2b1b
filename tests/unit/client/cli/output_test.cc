#include "client/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

class OutputTest : public ::testing::Test {
 protected:
  OutputTest() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(pipe(ends_), 0);
  }
  ~OutputTest() override {
    if (ends_[0] >= 0) close(ends_[0]);
    close(ends_[1]);
  }

  int ends_[2] = {-1, -1};
};

TEST_F(OutputTest, EachLineIsWrittenAtOnce) {
  Output output(ends_[1]);
  EXPECT_TRUE(output.WriteLine("one"));
  char text[16];
  EXPECT_EQ(read(ends_[0], text, sizeof text), 4);
  EXPECT_EQ(absl::string_view(text, 4), "one\n");
  EXPECT_EQ(output.error(), 0);
}

TEST_F(OutputTest, ReaderThatHasGoneIsNoticedAndRemembered) {
  close(ends_[0]);
  ends_[0] = -1;
  Output output(ends_[1]);
  EXPECT_FALSE(output.WriteLine("one"));
  EXPECT_EQ(output.error(), EPIPE);
  EXPECT_FALSE(output.Write("two"));
}

TEST_F(OutputTest, ClosedDescriptorIsAnError) {
  Output output(-1);
  EXPECT_FALSE(output.Write("x"));
  EXPECT_EQ(output.error(), EBADF);
}

TEST_F(OutputTest, PipeIsNoTerminal) { EXPECT_FALSE(Output(ends_[1]).is_terminal()); }

}  // namespace
}  // namespace cli
}  // namespace nmq
