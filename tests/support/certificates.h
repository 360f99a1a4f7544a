// A certificate authority in a folder, made by openssl(1) as docs/api.md tells people to.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace shunt::test {

class Authority {
 public:
  // Files of one authority in a folder share `name`.
  Authority(std::string folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=" +
        name_ + " CA' -keyout " + file("ca.key") + " -out " + ca());
  }

  std::string ca() const { return file("ca.pem"); }
  std::string certificate(const std::string& holder) const { return file(holder + ".pem"); }
  std::string key(const std::string& holder) const { return file(holder + ".key"); }

  // `also`: "DNS:lb.example,IP:127.0.0.1". Made beside and moved there, as renewals are: key first.
  void issue(const std::string& holder, const std::string& also = "", int days = 2) const {
    const std::string made = file("new");
    const std::string common = " -subj '/CN=" + holder + "' ";
    openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes" + common +
            "-keyout " + made + ".key -out " + made + ".csr");
    std::ofstream(made + ".ext") << (also.empty() ? "" : "subjectAltName=" + also + "\n");
    openssl("x509 -req -in " + made + ".csr -CA " + ca() + " -CAkey " + file("ca.key") +
            " -CAcreateserial -days " + std::to_string(days) + " -extfile " + made + ".ext -out " +
            made + ".pem");
    EXPECT_EQ(std::rename((made + ".key").c_str(), key(holder).c_str()), 0);
    EXPECT_EQ(std::rename((made + ".pem").c_str(), certificate(holder).c_str()), 0);
  }

  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string file(const std::string& what) const { return folder_ + "/" + name_ + "-" + what; }
  static void openssl(const std::string& arguments) {
    EXPECT_EQ(std::system(("openssl " + arguments + " 2>/dev/null").c_str()), 0) << arguments;
  }

  const std::string folder_;
  const std::string name_;
};

}  // namespace shunt::test
