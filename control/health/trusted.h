// The authorities that checks over TLS trust, read once a file: parsing them for every check would cost more than the
// check. On the loop's thread.
#pragma once

#include <openssl/x509_vfy.h>
#include <sys/types.h>

#include <ctime>
#include <map>
#include <memory>
#include <string>

#include "src/base/result.h"

namespace shunt::control {

class Trusted {
 public:
  // Those of a PEM file, of the system where `file` is empty; read anew when the file has changed. Owned by this.
  Result<X509_STORE*> of(const std::string& file);

 private:
  struct Free {
    void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
  };
  struct Entry {
    std::unique_ptr<X509_STORE, Free> store;
    ino_t inode = 0;
    off_t bytes = 0;
    timespec changed{};
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace shunt::control
