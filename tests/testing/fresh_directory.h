#ifndef NMQ_TESTS_TESTING_FRESH_DIRECTORY_H_
#define NMQ_TESTS_TESTING_FRESH_DIRECTORY_H_

#include <string>

namespace nmq {

// The path of a directory for the test that is running. Nothing is there: what an earlier run left is removed.
std::string FreshDirectory();

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_FRESH_DIRECTORY_H_
