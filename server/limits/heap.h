// How the C library keeps memory for this process.
#ifndef NMQ_SERVER_LIMITS_HEAP_H_
#define NMQ_SERVER_LIMITS_HEAP_H_

#include <cstdint>

namespace nmq {

// Makes the heap fit `memory_bytes`. To be called before any thread is started. Where there is little, threads share
// their pools, and large pieces are given back at once when they are freed. Under RLIMIT_AS threads have small stacks,
// too, since there address space is what is short.
void FitHeap(uint64_t memory_bytes);

// Gives what is free back to the operating system, if that is much: at this call and the one before, or at this one if
// `at_once`. Takes milliseconds then. For one thread at a time.
void GiveBackFreeMemory(bool at_once);

// Memory of this process that is not a file's, now, in bytes; 0 if that is not known.
uint64_t ResidentBytes();

// What of `memory_bytes` is in use: the same, and under RLIMIT_AS also what was allocated and not touched yet, since it
// takes address space.
uint64_t UsedBytes(uint64_t memory_bytes);

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_HEAP_H_
