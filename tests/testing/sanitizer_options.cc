// What ThreadSanitizer needs to know in every test. Linked by //tests/testing:sanitizer_options; does nothing
// elsewhere.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NMQ_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define NMQ_TSAN 1
#endif

#ifdef NMQ_TSAN

// gRPC, Abseil and protobuf are the distribution's, not instrumented: their own locking is invisible. Accesses and
// locks made from inside them are ignored, which also is ten times faster.
extern "C" const char* __tsan_default_options() {
  return "ignore_noninstrumented_modules=1:second_deadlock_stack=1:halt_on_error=0:exitcode=66";
}

// Only `race_top:` (the innermost frame): `race:` would match any frame, and hide our own races behind a handler that
// gRPC calls. Only what gRPC never calls a handler from may be named by `race:`: an operation that one thread starts
// and another finishes, and what gRPC calls when it has sent a frame, on any thread. Abseil's headers are left in on
// purpose: a race on a flat_hash_map is one of ours.
extern "C" const char* __tsan_default_suppressions() {
  return "race_top:*/include/grpc/*\n"
         "race_top:*/include/grpc++/*\n"
         "race_top:*/include/grpcpp/*\n"
         "race_top:*/include/google/protobuf/*\n"
         "race_top:*.pb.h\n"
         "race_top:*.pb.cc\n"
         "race:grpc::internal::InterceptorBatchMethodsImpl::*\n"
         "race:grpc::internal::CallOpSet<*>::FinalizeResult\n"
         "race:grpc::internal::CallOpServerSendStatus::*\n"
         "race:nmq::rpc::(anonymous namespace)::Unref\n";
}

#endif  // NMQ_TSAN
