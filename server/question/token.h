#ifndef NMQ_SERVER_QUESTION_TOKEN_H_
#define NMQ_SERVER_QUESTION_TOKEN_H_

#include <string>

#include "base/random.h"

namespace nmq::broker {

// A token for a new question: a secret, since it lets answer. Nobody but this server's Questions reads it.
std::string NewQuestionToken(Random* random);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUESTION_TOKEN_H_
