#include "control/rpc/tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "control/rpc/roles.h"

namespace shunt::control::rpc {
namespace {

constexpr unsigned kLookSeconds = 1;

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

std::string subject(const char* field, const std::string& path) {
  return std::string("listener.tcp.") + field + " " + path + ": ";
}

Result<void> check_readable(const char* field, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file != nullptr) {
    std::fclose(file);
    return {};
  }
  const int error = errno;
  const bool denied = error == EACCES || error == EPERM;
  return Error{denied ? ErrorCode::kPermission : ErrorCode::kNotFound,
               subject(field, path) + "cannot be read: " + std::strerror(error) +
                   (denied ? "; let shuntd's user read it"
                           : "; put it there, or set the path of the right file")};
}

// OpenSSL's first complaint, and none left for the next one who asks.
std::string complaint() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unusable" : reason;
}

Error unusable(const char* field, const std::string& path, const char* remedy) {
  return {ErrorCode::kInvalid, subject(field, path) + complaint() + "; " + remedy};
}

void warn_if_expired(const SSL_CTX& context, const std::string& path) {
  const X509* certificate = SSL_CTX_get0_certificate(&context);
  if (certificate == nullptr || X509_cmp_current_time(X509_get0_notAfter(certificate)) >= 0) return;
  spdlog::warn(
      "{}has expired, so that clients will refuse it; put a renewed one there, no restart is "
      "needed",
      subject("certificate", path));
}

}  // namespace

Result<void> check_tls_files(const TcpListener& listener) {
  for (const auto& [field, path] :
       {std::pair{"certificate", listener.certificate}, std::pair{"key", listener.key},
        std::pair{"client_ca", listener.client_ca}}) {
    if (auto readable = check_readable(field, path); !readable) return readable;
  }
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr)
    return Error{ErrorCode::kInternal, "listener.tcp: OpenSSL: " + complaint()};
  // A key with a passphrase is an error, not a question on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(context.get(), listener.certificate.c_str()) != 1) {
    return unusable(
        "certificate", listener.certificate,
        "it must hold PEM certificates: the daemon's, then those between it and its CA");
  }
  warn_if_expired(*context, listener.certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), listener.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unusable("key", listener.key,
                    "it must hold the certificate's private key as PEM, without a passphrase");
  }
  if (SSL_CTX_load_verify_locations(context.get(), listener.client_ca.c_str(), nullptr) != 1) {
    return unusable("client_ca", listener.client_ca,
                    "it must hold the PEM certificates of the clients' CA");
  }
  return {};
}

std::shared_ptr<grpc::ServerCredentials> tls_credentials(const TcpListener& listener) {
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          listener.key, listener.certificate, listener.client_ca, kLookSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<Gate>(listener));
  return credentials;
}

}  // namespace shunt::control::rpc
