// Zeroed memory on 2 MiB pages where the machine gives them (reserved ones first, transparent ones else).
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>

namespace shunt::bench {

class HugeMemory {
 public:
  explicit HugeMemory(size_t bytes) : bytes_((bytes + kPage - 1) / kPage * kPage) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags | MAP_HUGETLB | MAP_POPULATE, -1, 0);
    if (memory_ != MAP_FAILED) return;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (memory_ == MAP_FAILED) std::abort();
    madvise(memory_, bytes_, MADV_HUGEPAGE);
  }
  ~HugeMemory() { munmap(memory_, bytes_); }
  HugeMemory(const HugeMemory&) = delete;
  HugeMemory& operator=(const HugeMemory&) = delete;

  void* get() const { return memory_; }

 private:
  static constexpr size_t kPage = size_t{2} << 20;
  size_t bytes_;
  void* memory_;
};

}  // namespace shunt::bench
