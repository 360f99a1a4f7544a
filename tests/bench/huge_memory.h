// Zeroed memory on 2 MiB pages where the machine gives them (reserved ones first, transparent ones else).
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace shunt::bench {

enum class Pages { kReserved, kTransparent, kOrdinary };

class HugeMemory {
 public:
  explicit HugeMemory(size_t bytes) : bytes_((bytes + kPage - 1) / kPage * kPage) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (allowed) {
      memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags | MAP_HUGETLB | MAP_POPULATE, -1, 0);
      is_reserved_ = memory_ != MAP_FAILED;
      if (is_reserved_) return;
    }
    // A transparent huge page lies at a multiple of its size, which mmap does not promise.
    void* room = mmap(nullptr, bytes_ + kPage, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (room == MAP_FAILED) {
      std::fprintf(stderr, "path_bench: no %zu MiB of memory; lower --connections\n", bytes_ >> 20);
      std::exit(1);
    }
    const auto start = reinterpret_cast<uintptr_t>(room);
    const uintptr_t aligned = (start + kPage - 1) / kPage * kPage;
    if (aligned > start) munmap(room, aligned - start);
    if (aligned < start + kPage) munmap(reinterpret_cast<void*>(aligned + bytes_), start + kPage - aligned);
    memory_ = reinterpret_cast<void*>(aligned);
    madvise(memory_, bytes_, allowed ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  }
  ~HugeMemory() { munmap(memory_, bytes_); }
  HugeMemory(const HugeMemory&) = delete;
  HugeMemory& operator=(const HugeMemory&) = delete;

  void* get() const { return memory_; }

  // What it lies on now that it was written to; transparent if at least half of it does.
  Pages pages() const;

  // --no-huge: set once, before the first.
  inline static bool allowed = true;

 private:
  static constexpr size_t kPage = size_t{2} << 20;
  size_t bytes_;
  void* memory_ = nullptr;
  bool is_reserved_ = false;
};

const char* name_of(Pages pages);

}  // namespace shunt::bench
