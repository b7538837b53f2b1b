#include "client/cli/contexts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

using ::testing::HasSubstr;

std::string PathOf(const std::string& name) {
  return absl::StrCat(::testing::TempDir(), "/", name, "/nmq/contexts.json");
}

TEST(Contexts, WithoutAFileThereAreNone) {
  const auto contexts = LoadContexts(PathOf("none"));
  ASSERT_TRUE(contexts.ok());
  EXPECT_TRUE(contexts->by_name.empty());
  EXPECT_EQ(contexts->used, "");
}

TEST(Contexts, AreReadAsTheyWereWritten) {
  Contexts contexts;
  contexts.by_name["prod"] = {.server = "nmq.example.com:50051", .namespace_name = "shop", .tls_ca = "/etc/\"ca\".pem"};
  contexts.by_name["größe"] = {.server = "[::1]:1"};
  contexts.used = "prod";
  const std::string path = PathOf("written");
  ASSERT_TRUE(SaveContexts(contexts, path).ok());
  const auto read = LoadContexts(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->used, "prod");
  ASSERT_EQ(read->by_name.size(), 2u);
  EXPECT_EQ(read->by_name.at("prod").namespace_name, "shop");
  EXPECT_EQ(read->by_name.at("prod").tls_ca, "/etc/\"ca\".pem");
  EXPECT_EQ(read->by_name.at("größe").server, "[::1]:1");
  struct stat about;
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST(Contexts, LinkStaysALinkToThem) {
  const std::string target = PathOf("target");
  ASSERT_TRUE(SaveContexts({}, target).ok());
  const std::string link = absl::StrCat(::testing::TempDir(), "/linked.json");
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  Contexts contexts;
  contexts.by_name["prod"] = {.server = "a:1"};
  ASSERT_TRUE(SaveContexts(contexts, link).ok());
  struct stat about;
  ASSERT_EQ(lstat(link.c_str(), &about), 0);
  EXPECT_TRUE(S_ISLNK(about.st_mode));
  EXPECT_EQ(LoadContexts(target)->by_name.count("prod"), 1u);
}

TEST(Contexts, AddedAtTheSameTimeAllStay) {
  const std::string path = PathOf("together");
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&path, i] {
      const ContextsLock lock(path);
      Contexts contexts = *LoadContexts(path);
      contexts.by_name[absl::StrCat("c", i)] = {.server = "a:1"};
      EXPECT_TRUE(SaveContexts(contexts, path).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(LoadContexts(path)->by_name.size(), static_cast<size_t>(kThreads));
}

TEST(Contexts, AFileThatIsNotUnderstoodIsNamed) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/wrong.json");
  for (const char* text : {"{", "[]", "{\"used\": 5}", "{\"contexts\": {\"a\": {\"serve\": \"x\"}}}",
                           "{\"contexts\": {\"a\": {\"server\": 5}}}"}) {
    std::ofstream(path) << text;
    const auto read = LoadContexts(path);
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(path)) << text;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr("mend the file")) << text;
  }
}

TEST(Contexts, WithoutAFolderTheyCannotBeKept) {
  EXPECT_THAT(std::string(SaveContexts({}, "").message()), HasSubstr("set XDG_CONFIG_HOME or HOME"));
  EXPECT_FALSE(SaveContexts({}, "/proc/nowhere/contexts.json").ok());
}

}  // namespace
}  // namespace cli
}  // namespace nmq
