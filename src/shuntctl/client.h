// The connection to the daemon: calls with a deadline, and failures in words. One thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shunt/v1/api.grpc.pb.h"
#include "src/shuntctl/outcome.h"
#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

class Client {
 public:
  // Does not connect yet: the first call does.
  explicit Client(const Settings& settings);

  // One question, one answer. The failure, if there was one; `response` is set otherwise.
  template <typename Stub, typename Request, typename Response>
  std::optional<Failure> call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request, Response* response) {
    if (unusable_) return unusable_;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_.value_or(kDefaultTimeout));
    Stub stub(channel_);
    return failure_of((stub.*method)(&context, request, response));
  }

  // Reads a stream to its end; `sink` gets each message and says whether to go on. Without --timeout a stream
  // may last as long as it will. `context`: a new one, by which another thread may cancel it.
  template <typename Stub, typename Request, typename Response, typename Sink>
  std::optional<Failure> stream(
      grpc::ClientContext& context,
      std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*, const Request&),
      const Request& request, Sink&& sink) {
    if (unusable_) return unusable_;
    if (timeout_) context.set_deadline(std::chrono::system_clock::now() + *timeout_);
    Stub stub(channel_);
    auto reader = (stub.*method)(&context, request);
    Response message;
    while (reader->Read(&message)) {
      if (sink(message)) continue;
      context.TryCancel();
      reader->Finish();
      return std::nullopt;
    }
    return failure_of(reader->Finish());
  }
  template <typename Method, typename Request, typename Sink>
  std::optional<Failure> stream(Method method, const Request& request, Sink&& sink) {
    grpc::ClientContext context;
    return stream(context, method, request, std::forward<Sink>(sink));
  }

  // nullopt when the status is OK.
  std::optional<Failure> failure_of(const grpc::Status& status) const;

 private:
  static constexpr std::chrono::milliseconds kDefaultTimeout{10000};

  // "socket PATH: "
  std::string subject() const;
  // Why the daemon cannot be spoken with; nullopt when it can.
  std::optional<Failure> probe() const;

  std::string socket_path_;
  ServerSettings tcp_;
  // What is wrong with them.
  std::optional<Failure> unusable_;
  std::optional<std::chrono::milliseconds> timeout_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace shunt::shuntctl
