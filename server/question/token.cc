#include "server/question/token.h"

namespace nmq::broker {
namespace {

constexpr size_t kTokenBytes = 20;

}  // namespace

std::string NewQuestionToken(Random* random) { return RandomName(*random, kTokenBytes); }

}  // namespace nmq::broker
