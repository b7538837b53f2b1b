#include "client/cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/deadline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/v1/registry.grpc.pb.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
namespace cli {
namespace {

using ::nmq::fake::At;
using ::nmq::fake::FakePublishStream;
using ::nmq::fake::FakeServer;
using ::nmq::fake::FakeSubscribe;
using ::nmq::fake::GapFrame;
using ::nmq::fake::Inbox;
using ::nmq::fake::MessagesFrame;
using ::nmq::fake::ReadyFrame;
using ::nmq::fake::Refusal;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Answers with what a test put into it.
class FakeRegistry final : public v1::Registry::Service {
 public:
  grpc::Status ListClients(grpc::ServerContext*, const v1::ListClientsRequest* request,
                           v1::ListClientsResponse* response) override {
    list_clients.Put(*request);
    const size_t page = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    v1::ClientInfo* client = response->add_clients();
    client->set_namespace_("shop");
    client->set_id(absl::StrCat("c-", page));
    client->set_name("logger");
    response->set_revision(40 + page);
    if (page + 1 < client_pages) response->set_next_page_token(absl::StrCat(page + 1));
    return grpc::Status::OK;
  }

  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest*, v1::ExplainResponse* response) override {
    response->set_allowed(may_inspect);
    return grpc::Status::OK;
  }

  grpc::Status ListGroups(grpc::ServerContext*, const v1::ListGroupsRequest*,
                          v1::ListGroupsResponse* response) override {
    EXPECT_TRUE(may_inspect) << "the groups are asked for without the right";
    response->add_groups()->mutable_options()->set_name("workers");
    return grpc::Status::OK;
  }

  grpc::Status ListNamespaces(grpc::ServerContext*, const v1::ListNamespacesRequest*,
                              v1::ListNamespacesResponse* response) override {
    v1::NamespaceInfo* info = response->add_namespaces();
    info->set_name("shop");
    info->mutable_counters()->set_published_messages(100 * ++samples_);
    return grpc::Status::OK;
  }

  grpc::Status ListQueues(grpc::ServerContext*, const v1::ListQueuesRequest*,
                          v1::ListQueuesResponse* response) override {
    response->mutable_queues()->Add(queues.begin(), queues.end());
    return grpc::Status::OK;
  }

  grpc::Status ListMetrics(grpc::ServerContext*, const v1::ListMetricsRequest* request,
                           v1::ListMetricsResponse* response) override {
    if (request->name_prefix() != "nmq_commit") return grpc::Status::OK;
    v1::Metric* metric = response->add_metrics();
    metric->set_name("nmq_commit_seconds");
    (*metric->mutable_labels())["synced"] = "true";
    v1::Histogram* histogram = metric->mutable_histogram();
    histogram->set_count(100);
    histogram->set_sum(0.5);
    for (const auto& [bound, count] : std::vector<std::pair<double, uint64_t>>{
             {0.005, 60}, {0.01, 98}, {std::numeric_limits<double>::infinity(), 100}}) {
      v1::Histogram::Bucket* bucket = histogram->add_buckets();
      bucket->set_upper_bound(bound);
      bucket->set_cumulative_count(count);
    }
    return grpc::Status::OK;
  }

  grpc::Status CountClients(grpc::ServerContext*, const v1::CountClientsRequest* request,
                            v1::CountClientsResponse* response) override {
    response->set_count(request->filter().room() == "kitchen" ? 12 : 0);
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    watches.Put(*request);
    v1::WatchResponse response;
    response.set_revision(request->after_revision());
    switch (watches.total()) {
      case 1: {
        writer->Write(response);
        v1::Change* change = response.add_changes();
        change->set_kind(v1::CHANGE_KIND_ROOM_JOINED);
        change->set_namespace_("shop");
        change->set_room("kitchen");
        change->set_client_id("c-1");
        response.set_revision(8);
        writer->Write(response);
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset");
      }
      case 2:
        return Refusal(grpc::StatusCode::OUT_OF_RANGE, "REVISION_NOT_HELD", "after_revision: 8 is no longer held");
      default:
        return Refusal(grpc::StatusCode::NOT_FOUND, "NAMESPACE_NOT_FOUND", "no namespace");
    }
  }

  bool may_inspect = false;
  size_t client_pages = 1;
  std::vector<v1::QueueInfo> queues;
  Inbox<v1::ListClientsRequest> list_clients;
  Inbox<v1::WatchRequest> watches;

 private:
  uint64_t samples_ = 0;
};

// What was written to an Output.
class Captured {
 public:
  Captured() : file_(std::tmpfile()), output(fileno(file_)) {}
  ~Captured() { std::fclose(file_); }

  std::string Text() const {
    std::string text(static_cast<size_t>(lseek(fileno(file_), 0, SEEK_END)), '\0');
    EXPECT_EQ(pread(fileno(file_), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  std::FILE* const file_;

 public:
  Output output;
};

class CommandsTest : public ::testing::Test {
 protected:
  Arguments MakeArguments(Command command) {
    Arguments arguments;
    arguments.command = command;
    arguments.server = server_.address();
    arguments.namespace_name = "shop";
    arguments.queue = "DB";
    arguments.event = "CREATE";
    return arguments;
  }

  int Pub(const Arguments& arguments, const std::string& input = "") {
    err_.output.set_json(arguments.json);
    std::FILE* const in = std::tmpfile();
    std::fwrite(input.data(), 1, input.size(), in);
    std::rewind(in);
    const int code = RunPub(arguments, fileno(in), &out_.output, &err_.output);
    std::fclose(in);
    return code;
  }

  FakeRegistry registry_;
  FakeServer server_{&registry_};
  Captured out_;
  Captured err_;
};

TEST_F(CommandsTest, PubSaysWhereTheMessageWentAndWhoHeardIt) {
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.payload = "hello";
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_EQ(out_.Text(), "DB CREATE 1: published as message, heard by 3 subscriptions\n");
  EXPECT_EQ(err_.Text(), "");
  const v1::PublishRequest request = server_.publishes.Next();
  EXPECT_EQ(request.namespace_(), "shop");
  EXPECT_EQ(request.message().payload(), "hello");
  EXPECT_FALSE(request.message().has_audience());
  EXPECT_EQ(server_.connects.total(), 0u);
}

TEST_F(CommandsTest, PubNamesTheGroupsIfItMayKnowThem) {
  registry_.may_inspect = true;
  Arguments arguments = MakeArguments(Command::kPub);
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_THAT(out_.Text(), HasSubstr("for the group workers"));
  arguments.json = true;
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_THAT(out_.Text(), HasSubstr("\"groups\":[\"workers\"]"));
}

TEST_F(CommandsTest, PubFillsTheMessageFromItsOptions) {
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.rooms = {"a"};
  arguments.clients = {"b"};
  arguments.except_rooms = {"c"};
  arguments.except_clients = {"d"};
  arguments.headers = {{"h", "v"}};
  arguments.key = "k";
  arguments.content_type = "t";
  arguments.json = true;
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_EQ(out_.Text(),
            "{\"id\":\"message\",\"epoch\":7,\"sequence\":1,\"matched\":3,"
            "\"duplicate\":false,\"storage\":\"MEMORY\"}\n");
  const v1::Message message = server_.publishes.Next().message();
  EXPECT_EQ(message.audience().rooms(0), "a");
  EXPECT_EQ(message.audience().clients(0), "b");
  EXPECT_EQ(message.audience().except_rooms(0), "c");
  EXPECT_EQ(message.audience().except_clients(0), "d");
  EXPECT_EQ(message.headers().at("h"), "v");
  EXPECT_EQ(message.key(), "k");
  EXPECT_EQ(message.content_type(), "t");
}

TEST_F(CommandsTest, PubSaysThatTheMessageWasPublishedBefore) {
  server_.on_publish = [](grpc::ServerContext*, const v1::PublishRequest& request, v1::PublishResponse* response) {
    EXPECT_EQ(request.message().request_id(), "r");
    response->set_id("old");
    response->set_sequence(5);
    response->set_duplicate(true);
    return grpc::Status::OK;
  };
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.request_id = "r";
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_EQ(out_.Text(), "DB CREATE 5: published before as old\n");
}

TEST_F(CommandsTest, PubSaysThatADelayedMessageWasPublishedBefore) {
  server_.on_publish = [](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse* response) {
    response->set_duplicate(true);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Pub(MakeArguments(Command::kPub)), 0);
  EXPECT_EQ(out_.Text(), "DB CREATE: published before, to come at its time\n");
}

TEST_F(CommandsTest, PubExpectsTheSequenceThatItIsGiven) {
  Arguments arguments = MakeArguments(Command::kPub);
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_FALSE(server_.publishes.Next().has_expected_last_sequence());
  arguments.expected_last = 0;
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_TRUE(server_.publishes.Next().has_expected_last_sequence());
}

TEST_F(CommandsTest, QueuesAreListedWithWhatWaitsForItsTime) {
  v1::QueueInfo& queue = registry_.queues.emplace_back();
  queue.set_name("DB");
  queue.set_first_sequence(1);
  queue.set_last_sequence(9);
  queue.set_scheduled(1234);
  queue.set_subscriptions(2);
  EXPECT_EQ(RunList(MakeArguments(Command::kQueues), &out_.output, &err_.output), 0);
  EXPECT_THAT(out_.Text(), HasSubstr("  LAST  SCHEDULED  SUBSCRIPTIONS  DELIVERED  DROPPED\n"));
  EXPECT_THAT(out_.Text(), HasSubstr("     9      1,234              2          0        0\n"));
}

TEST_F(CommandsTest, AHistogramIsListedWithItsMeanAndTheBoundsOfItsQuantiles) {
  Arguments arguments = MakeArguments(Command::kMetrics);
  arguments.prefix = "nmq_commit";
  EXPECT_EQ(RunList(arguments, &out_.output, &err_.output), 0);
  EXPECT_THAT(out_.Text(), HasSubstr("nmq_commit_seconds  synced=true             100  0.005      0.005       more\n"));
}

TEST_F(CommandsTest, PubSetsTheTimesOfEachMessage) {
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.expire_in = absl::Hours(1);
  const absl::Time before = absl::Now();
  EXPECT_EQ(Pub(arguments), 0);
  const v1::Message message = server_.publishes.Next().message();
  EXPECT_GE(message.expire_at().seconds(), absl::ToUnixSeconds(before + absl::Hours(1)));
  EXPECT_LE(message.expire_at().seconds(), absl::ToUnixSeconds(absl::Now() + absl::Hours(1)));
  EXPECT_FALSE(message.has_deliver_at());
}

TEST_F(CommandsTest, PubWithADelaySaysThatTheMessageIsToCome) {
  server_.on_publish = [](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*) {
    return grpc::Status::OK;
  };
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.delay = absl::Seconds(90);
  const absl::Time before = absl::Now();
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_EQ(out_.Text(), "DB CREATE: published, to come in 1m30s\n");
  EXPECT_GE(server_.publishes.Next().message().deliver_at().seconds(), absl::ToUnixSeconds(before) + 90);
}

TEST_F(CommandsTest, RefusedPubFails) {
  server_.on_publish = [](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*) {
    return Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_NOT_FOUND", "no queue \"DB\"");
  };
  EXPECT_EQ(Pub(MakeArguments(Command::kPub)), 1);
  EXPECT_EQ(out_.Text(), "");
  EXPECT_EQ(err_.Text(), "nmq: no queue \"DB\" (NOT_FOUND, QUEUE_NOT_FOUND)\n");
}

TEST_F(CommandsTest, ServerThatIsNotThereFailsSoonWithAdvice) {
  server_.Stop();
  const Deadline deadline = Deadline::In(fake::kPatience);
  EXPECT_EQ(Pub(MakeArguments(Command::kPub)), 1);
  EXPECT_EQ(RunSub(MakeArguments(Command::kSub), &out_.output, &err_.output), 1);
  EXPECT_EQ(RunList(MakeArguments(Command::kClients), &out_.output, &err_.output), 1);
  EXPECT_EQ(RunWatch(MakeArguments(Command::kWatch), &out_.output, &err_.output), 1);
  EXPECT_EQ(RunTop(MakeArguments(Command::kTop), &out_.output, &err_.output), 1);
  EXPECT_EQ(RunRequest(MakeArguments(Command::kRequest), &out_.output, &err_.output), 1);
  EXPECT_EQ(RunReply(MakeArguments(Command::kReply), &out_.output, &err_.output), 1);
  EXPECT_FALSE(deadline.IsOver());
  EXPECT_THAT(err_.Text(), StartsWith(absl::StrCat("nmq: cannot reach ", server_.address(), ": connection refused.")));
}

TEST_F(CommandsTest, PubPublishesEachLine) {
  server_.accept_all_batches = true;
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.source = Arguments::Source::kLines;
  arguments.wait = absl::Seconds(3);
  EXPECT_EQ(Pub(arguments, "one\ntwo\n\nlast"), 0);
  EXPECT_EQ(out_.Text(), "4 messages published\n");
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  std::vector<std::string> payloads;
  while (payloads.size() < 4) {
    const v1::PublishStreamRequest request = stream->requests.Next();
    for (const v1::Message& message : request.messages()) payloads.push_back(message.payload());
  }
  EXPECT_THAT(payloads, ::testing::ElementsAre("one", "two", "", "last"));
}

TEST_F(CommandsTest, LinesThatWereRefusedAreNamedAndFail) {
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.source = Arguments::Source::kLines;
  arguments.wait = absl::Seconds(3);
  arguments.json = true;
  std::thread refuser([this] {
    const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
    stream->Refuse(stream->requests.Next(),
                   Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_NOT_FOUND", "messages[0]: no queue"));
  });
  EXPECT_EQ(Pub(arguments, "one\n"), 1);
  refuser.join();
  EXPECT_EQ(out_.Text(), "{\"accepted\":0,\"refused\":1,\"unknown\":0}\n");
  EXPECT_EQ(err_.Text(),
            "{\"notice\":\"line 1 not published: no queue (NOT_FOUND, QUEUE_NOT_FOUND); what follows would fail, too, "
            "and is not tried\"}\n");
}

TEST_F(CommandsTest, NoLinesNoMessages) {
  Arguments arguments = MakeArguments(Command::kPub);
  arguments.source = Arguments::Source::kLines;
  arguments.wait = absl::Seconds(3);
  EXPECT_EQ(Pub(arguments), 0);
  EXPECT_EQ(out_.Text(), "0 messages published\n");
}

TEST_F(CommandsTest, SubPrintsMessagesAndGapsUntilItsCount) {
  server_.on_subscribe = [](FakeSubscribe* stream) {
    stream->Send(ReadyFrame({At("DB", 3, 0)}));
    stream->Send(MessagesFrame("DB", 3, 1, 1));
    stream->Send(GapFrame("DB", 3, 2, 4, v1::GAP_REASON_SLOW_SUBSCRIBER));
    stream->Send(MessagesFrame("DB", 3, 5, 9));
  };
  Arguments arguments = MakeArguments(Command::kSub);
  arguments.json = true;
  arguments.count = 3;
  arguments.name = "me";
  arguments.join = {"kitchen"};
  EXPECT_EQ(RunSub(arguments, &out_.output, &err_.output), 0);
  const std::string out = out_.Text();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 4);
  EXPECT_THAT(out, HasSubstr("\"sequence\":1,"));
  EXPECT_THAT(out, HasSubstr("\"gap\":{\"queue\":\"DB\",\"epoch\":3,\"first\":2,\"last\":4,\"count\":3,"));
  EXPECT_THAT(out, HasSubstr("\"sequence\":6,"));
  EXPECT_EQ(err_.Text(),
            "nmq: gap: at most 3 messages of DB missing (sequences 2 to 4): this subscriber was too slow\n");
  EXPECT_EQ(server_.connects.Next().name(), "me");
  EXPECT_EQ(server_.subscribes.Next()->request().rooms(0), "kitchen");
  EXPECT_EQ(server_.disconnects.total(), 1u);
}

TEST_F(CommandsTest, SubThatTheServerEndsFails) {
  server_.on_subscribe = [](FakeSubscribe* stream) {
    stream->Send(ReadyFrame());
    stream->End(Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "SLOW_SUBSCRIBER", "too slow"));
  };
  EXPECT_EQ(RunSub(MakeArguments(Command::kSub), &out_.output, &err_.output), 1);
  EXPECT_EQ(err_.Text(), "nmq: too slow (RESOURCE_EXHAUSTED, SLOW_SUBSCRIBER)\n");
}

TEST_F(CommandsTest, SubTellsOfAConnectionThatWasLost) {
  server_.on_subscribe = [this](FakeSubscribe* stream) {
    stream->Send(ReadyFrame());
    if (server_.subscribes.total() == 0) {
      stream->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset"));
    } else {
      stream->Send(MessagesFrame("DB", 3, 1, 1));
    }
  };
  Arguments arguments = MakeArguments(Command::kSub);
  arguments.count = 1;
  EXPECT_EQ(RunSub(arguments, &out_.output, &err_.output), 0);
  EXPECT_THAT(err_.Text(), HasSubstr("nmq: connection lost, trying again: "));
  EXPECT_THAT(err_.Text(), HasSubstr("nmq: connected again\n"));
}

TEST_F(CommandsTest, SubEndsQuietlyWhenItsReaderHasGone) {
  std::signal(SIGPIPE, SIG_IGN);
  server_.on_subscribe = [](FakeSubscribe* stream) {
    stream->Send(ReadyFrame());
    stream->Send(MessagesFrame("DB", 3, 1, 1));
  };
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  Output gone(ends[1]);
  EXPECT_EQ(RunSub(MakeArguments(Command::kSub), &gone, &err_.output), 0);
  EXPECT_EQ(err_.Text(), "");
  close(ends[1]);
}

TEST_F(CommandsTest, RequestPrintsEachAnswer) {
  server_.on_request = [](const v1::RequestRequest&, v1::RequestResponse* response) {
    for (const char* id : {"c-1", "c-2"}) {
      response->add_answers()->set_client_id(id);
      response->mutable_answers()->rbegin()->set_payload(absl::StrCat("from ", id));
    }
    response->set_matched(2);
    response->set_complete(true);
    return grpc::Status::OK;
  };
  Arguments arguments = MakeArguments(Command::kRequest);
  arguments.payload = "how many?";
  arguments.rooms = {"kitchen"};
  arguments.timeout = absl::Seconds(7);
  arguments.replies = 2;
  EXPECT_EQ(RunRequest(arguments, &out_.output, &err_.output), 0);
  EXPECT_EQ(out_.Text(), "c-1 | from c-1\nc-2 | from c-2\n");
  EXPECT_EQ(err_.Text(), "");
  const v1::RequestRequest request = server_.requests.Next();
  EXPECT_EQ(request.message().payload(), "how many?");
  EXPECT_EQ(request.message().audience().rooms(0), "kitchen");
  EXPECT_EQ(request.timeout().seconds(), 7);
  EXPECT_EQ(request.replies_max(), 2u);
  EXPECT_EQ(server_.connects.total(), 0u);
}

TEST_F(CommandsTest, RequestAsJsonIsOneObjectAnAnswer) {
  Arguments arguments = MakeArguments(Command::kRequest);
  arguments.timeout = absl::Seconds(5);
  arguments.json = true;
  EXPECT_EQ(RunRequest(arguments, &out_.output, &err_.output), 0);
  EXPECT_EQ(out_.Text(), "{\"client_id\":\"c-1\",\"payload\":\"answer\"}\n");
}

TEST_F(CommandsTest, RequestThatNobodyHearsOrAnswersFails) {
  Arguments arguments = MakeArguments(Command::kRequest);
  arguments.timeout = absl::Seconds(5);
  server_.on_request = [this](const v1::RequestRequest&, v1::RequestResponse* response) {
    switch (server_.requests.total()) {
      case 1:
        return Refusal(grpc::StatusCode::UNAVAILABLE, "NOBODY_LISTENS", "nobody hears it");
      case 2:
        break;
      default:
        response->add_answers()->set_client_id("c-1");
        response->mutable_answers(0)->mutable_error()->set_code(5);
        response->mutable_answers(0)->mutable_error()->set_message("no record");
        response->set_complete(true);
    }
    response->set_matched(1);
    return grpc::Status::OK;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(RunRequest(arguments, &out_.output, &err_.output), 1);
  EXPECT_EQ(out_.Text(), "");
  EXPECT_EQ(err_.Text(),
            "nmq: nobody hears it (UNAVAILABLE, NOBODY_LISTENS)\n"
            "nmq: nobody answered within 5s, though 1 subscription heard the question\n"
            "nmq: c-1 cannot answer: no record (NOT_FOUND)\n");
}

TEST_F(CommandsTest, RequestSaysThatAnswersAreMissing) {
  server_.on_request = [](const v1::RequestRequest&, v1::RequestResponse* response) {
    response->add_answers()->set_client_id("c-1");
    response->set_matched(3);
    return grpc::Status::OK;
  };
  Arguments arguments = MakeArguments(Command::kRequest);
  arguments.timeout = absl::Seconds(5);
  EXPECT_EQ(RunRequest(arguments, &out_.output, &err_.output), 0);
  EXPECT_EQ(out_.Text(), "c-1 | \n");
  EXPECT_EQ(err_.Text(), "nmq: answers are missing: 3 subscriptions heard the question\n");
}

// Two messages that are no questions, and one that is.
void SendQuestion(FakeSubscribe* stream) {
  stream->Send(ReadyFrame({At("DB", 3, 0)}));
  v1::SubscribeResponse frame = MessagesFrame("DB", 3, 1, 3);
  frame.mutable_batch()->mutable_messages(2)->set_reply_to("token");
  stream->Send(frame);
}

TEST_F(CommandsTest, ReplyAnswersQuestionsOnlyUntilItsCount) {
  server_.on_subscribe = SendQuestion;
  server_.limits.set_payload_bytes(100);
  Arguments arguments = MakeArguments(Command::kReply);
  arguments.payload = "17";
  arguments.count = 1;
  arguments.join = {"kitchen"};
  EXPECT_EQ(RunReply(arguments, &out_.output, &err_.output), 0);
  EXPECT_EQ(server_.replies.total(), 1u);
  const v1::ReplyRequest reply = server_.replies.Next();
  EXPECT_EQ(reply.reply_to(), "token");
  EXPECT_EQ(reply.payload(), "17");
  EXPECT_FALSE(reply.has_error());
  EXPECT_THAT(out_.Text(), HasSubstr(" 3 | 3 => 17\n"));
  EXPECT_EQ(err_.Text(), "");
  EXPECT_EQ(server_.subscribes.Next()->request().rooms(0), "kitchen");
}

TEST_F(CommandsTest, ReplyWithACommandAnswersWithItsOutputOrAnError) {
  server_.on_subscribe = SendQuestion;
  server_.limits.set_payload_bytes(100);
  Arguments arguments = MakeArguments(Command::kReply);
  arguments.exec = "sed s/^/twice/";
  arguments.count = 1;
  EXPECT_EQ(RunReply(arguments, &out_.output, &err_.output), 0);
  EXPECT_EQ(server_.replies.Next().payload(), "twice3");
  EXPECT_EQ(err_.Text(), "");
  arguments.exec = "echo some; exit 3";
  EXPECT_EQ(RunReply(arguments, &out_.output, &err_.output), 0);
  const v1::ReplyRequest reply = server_.replies.Next();
  EXPECT_EQ(reply.payload(), "");
  EXPECT_EQ(reply.error().code(), static_cast<int>(absl::StatusCode::kAborted));
  EXPECT_EQ(reply.error().message(), "the command failed with exit code 3");
  EXPECT_THAT(err_.Text(), HasSubstr(" 3 not answered: the command failed with exit code 3 (ABORTED)\n"));
}

TEST_F(CommandsTest, ReplyThatComesTooLateIsToldAndTheNextOneComes) {
  server_.on_subscribe = [](FakeSubscribe* stream) {
    stream->Send(ReadyFrame({At("DB", 3, 0)}));
    v1::SubscribeResponse frame = MessagesFrame("DB", 3, 1, 2);
    for (v1::Message& message : *frame.mutable_batch()->mutable_messages()) message.set_reply_to("token");
    stream->Send(frame);
  };
  server_.on_reply = [this](const v1::ReplyRequest&) {
    if (server_.replies.total() > 1) return grpc::Status::OK;
    return Refusal(grpc::StatusCode::NOT_FOUND, "QUESTION_NOT_FOUND", "nobody waits");
  };
  Arguments arguments = MakeArguments(Command::kReply);
  arguments.payload = "17";
  arguments.count = 1;
  EXPECT_EQ(RunReply(arguments, &out_.output, &err_.output), 0);
  EXPECT_THAT(err_.Text(), HasSubstr(" 1 not answered: nobody waits (NOT_FOUND, QUESTION_NOT_FOUND)\n"));
  EXPECT_THAT(out_.Text(), HasSubstr(" 2 | 2 => 17\n"));
}

TEST_F(CommandsTest, ListsGoThroughAllPages) {
  registry_.client_pages = 3;
  Arguments arguments = MakeArguments(Command::kClients);
  arguments.room = "kitchen";
  arguments.labels = {{"zone", "a"}};
  EXPECT_EQ(RunList(arguments, &out_.output, &err_.output), 0);
  const std::string out = out_.Text();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 4);
  EXPECT_THAT(out, StartsWith("CLIENT  NAME"));
  EXPECT_THAT(out, HasSubstr("\nc-2     logger"));
  const v1::ListClientsRequest request = registry_.list_clients.Next();
  EXPECT_EQ(request.namespace_(), "shop");
  EXPECT_EQ(request.filter().room(), "kitchen");
  EXPECT_EQ(request.filter().queue(), "DB");
  EXPECT_EQ(request.filter().labels().at("zone"), "a");
  EXPECT_EQ(registry_.list_clients.Next().page_token(), "1");
  // Nobody is added by looking.
  EXPECT_EQ(server_.connects.total(), 0u);
}

TEST_F(CommandsTest, ListsAsJsonAreOneObjectALine) {
  registry_.client_pages = 2;
  Arguments arguments = MakeArguments(Command::kClients);
  arguments.json = true;
  EXPECT_EQ(RunList(arguments, &out_.output, &err_.output), 0);
  const std::string out = out_.Text();
  EXPECT_THAT(out, StartsWith("{\"namespace\":\"shop\",\"id\":\"c-0\",\"name\":\"logger\""));
  EXPECT_THAT(out, HasSubstr("}\n{"));
}

TEST_F(CommandsTest, CountPrintsANumber) {
  Arguments arguments = MakeArguments(Command::kCount);
  arguments.room = "kitchen";
  EXPECT_EQ(RunList(arguments, &out_.output, &err_.output), 0);
  EXPECT_EQ(out_.Text(), "12\n");
}

TEST_F(CommandsTest, WatchGoesOnAfterItsRevisionAndListsAgainWhenThatIsGone) {
  Arguments arguments = MakeArguments(Command::kWatch);
  arguments.after = 7;
  EXPECT_EQ(RunWatch(arguments, &out_.output, &err_.output), 1);
  EXPECT_EQ(registry_.watches.Next().after_revision(), 7u);
  EXPECT_EQ(registry_.watches.Next().after_revision(), 8u);
  EXPECT_EQ(registry_.watches.Next().after_revision(), 40u);
  EXPECT_THAT(out_.Text(), HasSubstr(" shop room joined room=kitchen client=c-1\n"));
  EXPECT_THAT(out_.Text(), HasSubstr(" shop client present client=c-0 name=logger\n"));
  EXPECT_THAT(err_.Text(), HasSubstr("nmq: connection lost, trying again: "));
  EXPECT_THAT(err_.Text(), HasSubstr("nmq: changes were missed: "));
  EXPECT_THAT(err_.Text(), HasSubstr("nmq: no namespace (NOT_FOUND, NAMESPACE_NOT_FOUND)\n"));
}

TEST_F(CommandsTest, TopShowsRatesInAsManyFramesAsAskedFor) {
  Arguments arguments = MakeArguments(Command::kTop);
  arguments.count = 1;
  EXPECT_EQ(RunTop(arguments, &out_.output, &err_.output), 0);
  const std::string out = out_.Text();
  EXPECT_THAT(out, StartsWith("nmq top  "));
  EXPECT_THAT(out, HasSubstr("\nshop "));
  // No terminal, no escapes.
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
}

TEST_F(CommandsTest, TopOfANamespaceThatIsNotThereFails) {
  Arguments arguments = MakeArguments(Command::kTop);
  arguments.namespace_name = "other";
  EXPECT_EQ(RunTop(arguments, &out_.output, &err_.output), 1);
  EXPECT_EQ(err_.Text(), "nmq: no namespace \"other\" (NOT_FOUND)\n");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
