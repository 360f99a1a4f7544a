#include "control/health/trusted.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace shunt::control {
namespace {

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// As curl has it: a trusted intermediate's certificate is enough.
constexpr unsigned long kFlags = X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN;

}  // namespace

Result<X509_STORE*> Trusted::of(const std::string& file) {
  struct stat now {};
  if (!file.empty() && ::stat(file.c_str(), &now) != 0) {
    return Error{ErrorCode::kNotFound, "ca_file " + file + ": " + std::strerror(errno)};
  }
  const auto known = entries_.find(file);
  if (known != entries_.end() && known->second.inode == now.st_ino && known->second.bytes == now.st_size &&
      same_time(known->second.changed, now.st_mtim)) {
    return known->second.store.get();
  }
  Entry entry;
  entry.store.reset(X509_STORE_new());
  X509_STORE_set_flags(entry.store.get(), kFlags);
  const int loaded = file.empty() ? X509_STORE_set_default_paths(entry.store.get())
                                  : X509_STORE_load_file(entry.store.get(), file.c_str());
  ERR_clear_error();
  if (loaded != 1) return Error{ErrorCode::kInvalid, "ca_file " + file + ": no certificates in PEM form"};
  entry.inode = now.st_ino;
  entry.bytes = now.st_size;
  entry.changed = now.st_mtim;
  return entries_.insert_or_assign(file, std::move(entry)).first->second.store.get();
}

}  // namespace shunt::control
