// What the process says in its log when it dies of something else than its end in order.
#ifndef NMQ_SERVER_LAST_WORDS_H_
#define NMQ_SERVER_LAST_WORDS_H_

namespace nmq {

// From now on a line on standard error says that memory ran out, that nothing catches an exception, or that a signal
// such as SIGABRT ends the process; with what gRPC said last on that thread, which otherwise is for --v=1 only. Signals
// that have a handler keep it. Once, before there are threads.
void InstallLastWords();

}  // namespace nmq

#endif  // NMQ_SERVER_LAST_WORDS_H_
