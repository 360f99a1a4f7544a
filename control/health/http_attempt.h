// Checks that speak HTTP: http, https and grpc, each a request by libcurl over a connection of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/health/attempt.h"
#include "control/health/curl_loop.h"

namespace shunt::control {

struct HttpRequest {
  bool secure = false;
  // "NAME" or "NAME:PORT"; empty: the real's.
  std::string host;
  std::string path;
  std::string method;
  std::vector<std::string> headers;
  // Of POST, PUT and PATCH.
  std::string body;
  // A CURL_HTTP_VERSION_.
  long version = CURL_HTTP_VERSION_1_1;
  CheckTls tls;
};

struct HttpAnswer {
  long status = 0;
  // A CURL_HTTP_VERSION_.
  long version = CURL_HTTP_VERSION_NONE;
  // "name: value", names in lower case; trailers too.
  std::vector<std::string> headers;
  // Its beginning.
  std::string body;

  // The value of the last header of the name; empty: none.
  std::string header(std::string_view name) const;
};

struct HttpExchange {
  HttpRequest request;
  // Of the body at most this much is wanted, and no more once `until` is in it, if that is not empty.
  size_t body_bytes = 0;
  std::string until;
  // Whether the answer's are looked at.
  bool wants_headers = false;
  // Of a whole answer, or as much of it as is wanted.
  std::function<Outcome(const HttpAnswer&)> judge;
};

Begun begin_http(CurlLoop& curl, const CheckedPlace& place, HttpExchange exchange, Attempt::Done done);

// REQUIRES the check to outlive them.
HttpExchange exchange_of(const HttpCheck& check);
HttpExchange exchange_of(const GrpcCheck& check);

}  // namespace shunt::control
