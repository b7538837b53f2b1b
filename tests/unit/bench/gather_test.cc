#include "tests/bench/floor/gather.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace nmq::bench {
namespace {

class GatherTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0); }
  void TearDown() override {
    close(ends_[0]);
    close(ends_[1]);
  }

  // Adds a piece, of which the expected bytes are a copy.
  void Add(const std::string& bytes, size_t begin) {
    gather_.Add(SharedBytes(bytes), begin, bytes.size() - begin);
    expected_ += bytes.substr(begin);
  }

  void Copy(const std::string& bytes) {
    gather_.Copy(bytes.data(), bytes.size());
    expected_ += bytes;
  }

  // Short and long pieces in turn, until it is full.
  void Fill() {
    for (int i = 0; !gather_.full(); ++i) {
      Copy("head" + std::to_string(i));
      Add(std::string(static_cast<size_t>(500 + 700 * (i % 3)), static_cast<char>('a' + i % 26)), 1);
      Add(std::string(7, static_cast<char>('A' + i % 26)), 2);
    }
  }

  void Receive() {
    char buffer[1 << 16];
    for (ssize_t size = read(ends_[1], buffer, sizeof(buffer)); size > 0;
         size = read(ends_[1], buffer, sizeof(buffer))) {
      received_.append(buffer, static_cast<size_t>(size));
    }
  }

  // Receives until everything is sent; how often that went on.
  int Drain() {
    int rounds = 0;
    for (; !unsent_.empty() && rounds < 100000; ++rounds) {
      Receive();
      EXPECT_TRUE(unsent_.Send(ends_[0]));
    }
    Receive();
    return rounds;
  }

  int ends_[2] = {-1, -1};
  Gather gather_;
  Unsent unsent_;
  std::string expected_;
  std::string received_;
};

TEST_F(GatherTest, SendsShortAndLongPiecesInTheirOrder) {
  Copy("begin");
  Add(std::string(5000, 'x'), 100);
  Copy("between");
  Add("short", 2);
  Add(std::string(3000, 'y'), 0);
  ASSERT_TRUE(gather_.Send(ends_[0], &unsent_));
  EXPECT_TRUE(unsent_.empty());
  EXPECT_TRUE(gather_.empty());
  Receive();
  EXPECT_EQ(received_, expected_);
}

TEST_F(GatherTest, WhatTheSocketDoesNotTakeFollowsWhenItDoes) {
  const int bytes = 4096;
  ASSERT_EQ(setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
  Fill();
  ASSERT_TRUE(gather_.Send(ends_[0], &unsent_));
  ASSERT_FALSE(unsent_.empty());
  // What is left does not depend on what the gather holds next.
  gather_.Copy("other bytes", 11);
  EXPECT_GT(Drain(), 1);
  EXPECT_EQ(received_, expected_);
}

// More pieces than a call of the system takes would be an error.
TEST_F(GatherTest, FullOneIsNotTooMuchForTheSystem) {
  while (!gather_.full()) {
    Copy("x");
    Add(std::string(1024, 'y'), 0);
  }
  // A frame may have been begun before it was full.
  Add(std::string(Gather::kFrameBytesMax, 'z'), 0);
  ASSERT_TRUE(gather_.Send(ends_[0], &unsent_));
  EXPECT_FALSE(gather_.full());
  Drain();
  EXPECT_EQ(received_, expected_);
}

TEST_F(GatherTest, BrokenSocketIsAnError) {
  close(ends_[1]);
  ends_[1] = -1;
  Copy("x");
  EXPECT_FALSE(gather_.Send(ends_[0], &unsent_));
  EXPECT_TRUE(gather_.empty());
}

}  // namespace
}  // namespace nmq::bench
