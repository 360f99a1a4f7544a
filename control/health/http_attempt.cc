#include "control/health/http_attempt.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/ip/tcp.hpp>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "control/health/sockets.h"

namespace shunt::control {
namespace {

constexpr size_t kMaxHeaders = 256;

std::string bracketed(const IpAddress& address) {
  return address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
}

// Without ":PORT".
std::string name_in(const std::string& host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// Without a length of theirs, even if it is 0, servers wait for more.
bool has_body(const std::string& method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class HttpAttempt : public Attempt, private CurlLoop::Owner {
 public:
  HttpAttempt(CurlLoop& curl, HttpExchange exchange, Done done)
      : curl_(curl), exchange_(std::move(exchange)), done_(std::move(done)), easy_(curl.take()) {}
  ~HttpAttempt() override {
    if (easy_ != nullptr) curl_.release(easy_);
    curl_slist_free_all(headers_);
    curl_slist_free_all(connect_to_);
  }

  // An outcome: it could not begin.
  std::optional<Outcome> begin(const CheckedPlace& place) {
    if (easy_ == nullptr) return outcome_of(ENOMEM);
    set_place(place);
    set_request();
    if (exchange_.request.secure) {
      if (auto problem = set_tls()) return problem;
    }
    set_callbacks();
    if (!curl_.add(easy_, this)) return outcome_of(ENOMEM);
    return std::nullopt;
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy_, option, value);
  }

  // The URL says what is asked for and verified. To curl all connections go to one place: it goes through its list of
  // places whenever a connection ends. on_socket() says to where they really go.
  void set_place(const CheckedPlace& place) {
    const HttpRequest& request = exchange_.request;
    const std::string address = bracketed(place.address);
    const std::string port = std::to_string(place.port);
    std::string name = request.tls.server_name.empty() ? name_in(request.host) : request.tls.server_name;
    if (name.empty()) name = address;
    const std::string url = (request.secure ? "https://" : "http://") + name + ":" + port + request.path;
    set(CURLOPT_URL, url.c_str());
    connect_to_ = curl_slist_append(nullptr, place.address.is_v4() ? "::127.0.0.1:1" : "::[::1]:1");
    set(CURLOPT_CONNECT_TO, connect_to_);
    // So curl takes it for a place without addresses: of those it would ask for, print and keep both ends'.
    set(CURLOPT_UNIX_SOCKET_PATH, "/");
    endpoint_ = endpoint_of<asio::ip::tcp::endpoint>(place);
    place_ = place;
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROXY, "");
    // curl keeps addresses, too, as answers of DNS, and looks through all of them at every request.
    set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    // A status comes in the least that curl takes, and that is had from malloc at less cost.
    set(CURLOPT_BUFFERSIZE, exchange_.body_bytes == 0 ? 1024L : 16384L);
  }

  void set_request() {
    const HttpRequest& request = exchange_.request;
    set(CURLOPT_HTTP_VERSION, request.version);
    // A body is looked through as it comes.
    set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    if (!request.host.empty()) add_header("Host: " + request.host);
    for (const std::string& header : request.headers) add_header(header);
    if (!has_header("user-agent")) set(CURLOPT_USERAGENT, "shunt-health-check/" SHUNT_VERSION);
    if (headers_ != nullptr) set(CURLOPT_HTTPHEADER, headers_);
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (has_body(request.method)) {
      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
    }
    if (request.method != "GET" && request.method != "HEAD") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  // "NAME:" alone would take a header away from curl: "NAME;" is how it sends an empty one.
  void add_header(std::string header) {
    const size_t colon = header.find(':');
    if (header.find_first_not_of(' ', colon + 1) == std::string::npos) header = header.substr(0, colon) + ";";
    headers_ = curl_slist_append(headers_, header.c_str());
  }

  bool has_header(std::string_view name) const {
    return std::any_of(exchange_.request.headers.begin(), exchange_.request.headers.end(),
                       [name](const std::string& header) { return lower(header.substr(0, header.find(':'))) == name; });
  }

  std::optional<Outcome> set_tls() {
    const CheckTls& tls = exchange_.request.tls;
    // Ours are read once, not for every check; curl's cache would give one check's to another.
    set(CURLOPT_CA_CACHE_TIMEOUT, 0L);
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (!tls.verify) {
      set(CURLOPT_SSL_VERIFYPEER, 0L);
      set(CURLOPT_SSL_VERIFYHOST, 0L);
      return std::nullopt;
    }
    const auto store = curl_.trusted().of(tls.ca_file);
    if (!store) return Outcome{Outcome::Kind::kUnable, store.error().message};
    X509_STORE_up_ref(*store);
    store_.reset(*store);
    set(CURLOPT_SSL_CTX_FUNCTION, &HttpAttempt::on_ssl_context);
    set(CURLOPT_SSL_CTX_DATA, this);
    return std::nullopt;
  }

  void set_callbacks() {
    set(CURLOPT_ERRORBUFFER, error_.data());
    if (exchange_.wants_headers) {
      set(CURLOPT_HEADERFUNCTION, &HttpAttempt::on_header);
      set(CURLOPT_HEADERDATA, this);
    }
    set(CURLOPT_WRITEFUNCTION, &HttpAttempt::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_OPENSOCKETFUNCTION, &HttpAttempt::on_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
  }

  static CURLcode on_ssl_context(CURL*, void* context, void* self) {
    SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(context), static_cast<HttpAttempt*>(self)->store_.get());
    return CURLE_OK;
  }

  static curl_socket_t on_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& attempt = *static_cast<HttpAttempt*>(self);
    const int made = ::socket(attempt.endpoint_.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (made < 0) {
      attempt.lack_ = errno;
      return CURL_SOCKET_BAD;
    }
    if (const int number = bind_for(attempt.place_, made)) {
      ::close(made);
      attempt.lack_ = number;
      return CURL_SOCKET_BAD;
    }
    // curl has room for any address there, and connects to what it finds.
    address->addrlen = static_cast<unsigned>(attempt.endpoint_.size());
    std::memcpy(reinterpret_cast<char*>(address) + offsetof(curl_sockaddr, addr), attempt.endpoint_.data(),
                attempt.endpoint_.size());
    // Closing resets the connection: no port of ours is held for a minute after each check.
    const linger at_once{1, 0};
    ::setsockopt(made, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    const int yes = 1;
    ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return made;
  }

  static size_t on_header(const char* data, size_t, size_t bytes, void* self) {
    auto& attempt = *static_cast<HttpAttempt*>(self);
    std::string_view line(data, bytes);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || attempt.answer_.headers.size() >= kMaxHeaders) return bytes;
    attempt.answer_.headers.push_back(lower(std::string(line.substr(0, colon))) + std::string(line.substr(colon)));
    return bytes;
  }

  static size_t on_body(const char* data, size_t, size_t bytes, void* self) {
    auto& attempt = *static_cast<HttpAttempt*>(self);
    const size_t room = attempt.exchange_.body_bytes - attempt.answer_.body.size();
    attempt.answer_.body.append(data, std::min(bytes, room));
    const std::string& until = attempt.exchange_.until;
    attempt.has_enough_ = attempt.answer_.body.size() == attempt.exchange_.body_bytes ||
                          (!until.empty() && attempt.answer_.body.find(until) != std::string::npos);
    // Less than there was ends the transfer.
    return attempt.has_enough_ ? 0 : bytes;
  }

  void finished(CURLcode code) override {
    Outcome outcome;
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && has_enough_)) {
      curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &answer_.status);
      curl_easy_getinfo(easy_, CURLINFO_HTTP_VERSION, &answer_.version);
      outcome = exchange_.judge(answer_);
    } else {
      outcome = failure(code);
    }
    const Done done = std::move(done_);
    done(std::move(outcome));
  }

  Outcome failure(CURLcode code) const {
    if (lack_ != 0) return outcome_of(lack_);
    long number = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &number);
    if (number != 0 && code == CURLE_COULDNT_CONNECT) return outcome_of(static_cast<int>(number));
    // What curl says of connections has times and addresses in it.
    const bool is_about_tls = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR;
    std::string text = is_about_tls && error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0)
      text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return {Outcome::Kind::kDown, text};
  }

  struct FreeStore {
    void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
  };

  CurlLoop& curl_;
  const HttpExchange exchange_;
  Done done_;
  CURL* const easy_;
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::unique_ptr<X509_STORE, FreeStore> store_;
  HttpAnswer answer_;
  bool has_enough_ = false;
  asio::ip::tcp::endpoint endpoint_;
  CheckedPlace place_;
  // An errno of ours.
  int lack_ = 0;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
  for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
    const size_t colon = header->find(':');
    if (std::string_view(*header).substr(0, colon) != name) continue;
    const size_t value = header->find_first_not_of(' ', colon + 1);
    return value == std::string::npos ? "" : header->substr(value);
  }
  return "";
}

Begun begin_http(CurlLoop& curl, const CheckedPlace& place, HttpExchange exchange, Attempt::Done done) {
  auto attempt = std::make_unique<HttpAttempt>(curl, std::move(exchange), std::move(done));
  if (auto outcome = attempt->begin(place)) return {nullptr, std::move(*outcome)};
  return {std::move(attempt), {}};
}

}  // namespace shunt::control
