#include "src/shuntctl/server_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace shunt::shuntctl {
namespace {

constexpr int kPatienceMs = 3000;

struct FreeSsl {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Context = std::unique_ptr<SSL_CTX, FreeSsl>;
using Session = std::unique_ptr<SSL, FreeSsl>;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct HostPort {
  std::string host;
  std::string port;
};

// "lb.example:9181", "10.0.0.1:9181", "[2001:db8::1]:9181"
std::optional<HostPort> parse_server(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  HostPort result{text.substr(0, colon), text.substr(colon + 1)};
  uint16_t port = 0;
  const char* end = result.port.data() + result.port.size();
  const auto [parsed, error] = std::from_chars(result.port.data(), end, port);
  if (error != std::errc() || parsed != end || port == 0) return std::nullopt;
  if (result.host.front() == '[' && result.host.back() == ']') {
    result.host = result.host.substr(1, result.host.size() - 2);
  } else if (result.host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  return result.host.empty() ? std::nullopt : std::optional(result);
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// OpenSSL's first complaint, and none left for the next one who asks.
std::string complaint() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "" : reason;
}

Failure usage(const std::string& message) {
  return {ExitCode::kUsage, "INVALID_ARGUMENT", message, {}};
}

std::optional<Failure> check_file(const char* option, const char* variable, const std::string& path,
                                  const char* holds) {
  if (path.empty()) {
    return usage(std::string("--server needs ") + option + " (or " + variable + "): " + holds);
  }
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    return usage(std::string(option) + " " + path + ": cannot be read: " + std::strerror(errno) +
                 "; it must be " + holds);
  }
  std::fclose(file);
  return std::nullopt;
}

// With the settings' files. `failure` is set instead.
Context make_context(const ServerSettings& settings, std::optional<Failure>& failure) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // A key with a passphrase is an error, not a question.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
  const auto unusable = [&failure](const char* option, const std::string& path, const char* must) {
    failure =
        usage(std::string(option) + " " + path + ": " + complaint() + "; it must hold " + must);
  };
  if (SSL_CTX_load_verify_locations(context.get(), settings.ca.c_str(), nullptr) != 1) {
    unusable("--ca", settings.ca, "PEM certificates of the daemon's CA");
  } else if (SSL_CTX_use_certificate_chain_file(context.get(), settings.certificate.c_str()) != 1) {
    unusable("--cert", settings.certificate, "your PEM certificate");
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), settings.key.c_str(), SSL_FILETYPE_PEM) !=
             1) {
    unusable("--key", settings.key, "the private key of --cert as PEM, without a passphrase");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp2, sizeof kHttp2);
  return context;
}

// 0 or an errno.
int connect_within(int fd, const addrinfo& to) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  if (connect(fd, to.ai_addr, to.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return errno;
    pollfd wanted{fd, POLLOUT, 0};
    if (poll(&wanted, 1, kPatienceMs) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return error;
  }
  fcntl(fd, F_SETFL, 0);
  const timeval patience{kPatienceMs / 1000, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return 0;
}

// A connection, or `why` not.
Socket reach(const HostPort& server, std::string& why) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &found);
      error != 0) {
    why = std::string("the name is not known: ") + gai_strerror(error) + "; check --server";
    return Socket(-1);
  }
  const std::unique_ptr<addrinfo, FreeSsl> addresses(found);
  int error = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Socket tried(socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, 0));
    error = tried.fd() < 0 ? errno : connect_within(tried.fd(), *each);
    if (error == 0) return tried;
  }
  why = std::string(std::strerror(error)) +
        (error == ECONNREFUSED
             ? "; does shuntd run there, with listener.tcp on this address and port?"
             : "; check --server, the network and firewalls between");
  return Socket(-1);
}

std::string server_fault(long verified, const HostPort& server, const ServerSettings& settings) {
  const std::string cause = "the server's certificate is refused: " +
                            std::string(X509_verify_cert_error_string(verified));
  if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return cause + "; it does not name " + server.host +
           ": use a name that it has with --server, or issue one that has this";
  }
  if (verified == X509_V_ERR_CERT_HAS_EXPIRED || verified == X509_V_ERR_CERT_NOT_YET_VALID) {
    return cause + "; renew it where shuntd runs, and compare the clocks of both machines";
  }
  return cause + "; --ca " + settings.ca + " must be the CA that signed it";
}

// Speaks TLS until the server has judged our certificate, too; "" when both sides are content.
std::string handshake(SSL_CTX& context, const Socket& connection, const HostPort& server,
                      const ServerSettings& settings) {
  const Session session(SSL_new(&context));
  X509_VERIFY_PARAM* expected = SSL_get0_param(session.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, server.host.c_str()) != 1) {
    ERR_clear_error();
    X509_VERIFY_PARAM_set1_host(expected, server.host.c_str(), 0);
    SSL_set_tlsext_host_name(session.get(), server.host.c_str());
  }
  SSL_set_fd(session.get(), connection.fd());
  const bool agreed = SSL_connect(session.get()) == 1;
  const long verified = SSL_get_verify_result(session.get());
  if (verified != X509_V_OK) return server_fault(verified, server, settings);
  // Under TLS 1.3 the server judges us after our handshake has ended: its first bytes are HTTP/2's
  // or an alert.
  char first = 0;
  if (agreed && SSL_read(session.get(), &first, 1) == 1) return "";
  const std::string said = complaint();
  if (agreed || said.find("alert") != std::string::npos) {
    return "the server refuses the certificate of --cert " + settings.certificate +
           (said.empty() ? "" : ": " + said) +
           "; it must be signed by the daemon's listener.tcp.client_ca and be valid now";
  }
  return "no TLS is spoken there" + (said.empty() ? std::string() : ": " + said) +
         "; --server must be the address and port of listener.tcp";
}

}  // namespace

std::optional<Failure> check_server_settings(const ServerSettings& settings) {
  if (!parse_server(settings.server)) {
    return usage(
        "--server " + settings.server +
        ": is no ADDRESS:PORT; write it as lb.example:9181, 10.0.0.1:9181 or [2001:db8::1]:9181");
  }
  if (auto wrong = check_file("--ca", "SHUNT_CA", settings.ca,
                              "the certificate of the CA that signed the daemon's")) {
    return wrong;
  }
  if (auto wrong = check_file("--cert", "SHUNT_CERT", settings.certificate, "your certificate"))
    return wrong;
  if (auto wrong = check_file("--key", "SHUNT_KEY", settings.key, "your certificate's private key"))
    return wrong;
  std::optional<Failure> failure;
  make_context(settings, failure);
  return failure;
}

std::shared_ptr<grpc::ChannelCredentials> server_credentials(const ServerSettings& settings) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = contents(settings.ca);
  options.pem_cert_chain = contents(settings.certificate);
  options.pem_private_key = contents(settings.key);
  return grpc::SslCredentials(options);
}

std::optional<Failure> probe_server(const ServerSettings& settings) {
  const std::string subject = "server " + settings.server + ": ";
  const HostPort server = parse_server(settings.server).value();
  std::optional<Failure> failure;
  const Context context = make_context(settings, failure);
  if (failure) return failure;
  std::string why;
  const Socket connection = reach(server, why);
  if (!why.empty()) return Failure{ExitCode::kUnreachable, "UNAVAILABLE", subject + why, {}};
  why = handshake(*context, connection, server, settings);
  if (why.empty()) return std::nullopt;
  return Failure{ExitCode::kPermission, "UNAUTHENTICATED", subject + why, {}};
}

}  // namespace shunt::shuntctl
