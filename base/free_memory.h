#ifndef NMQ_BASE_FREE_MEMORY_H_
#define NMQ_BASE_FREE_MEMORY_H_

namespace nmq {

// Empties a string or a container and gives its memory back. To assign {} or an empty string, to clear it, or to move
// nothing into it keeps the memory.
template <typename Container>
void FreeMemory(Container* container) {
  Container().swap(*container);
}

}  // namespace nmq

#endif  // NMQ_BASE_FREE_MEMORY_H_
