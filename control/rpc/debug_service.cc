#include "control/rpc/debug_service.h"

#include <chrono>
#include <string>

#include "control/debug/pcapng.h"
#include "control/rpc/convert_debug.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

grpc::Status stopping() { return {grpc::StatusCode::UNAVAILABLE, "the daemon is stopping"}; }

}  // namespace

grpc::Status DebugService::Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                                   v1::ExplainResponse* response) {
  const auto query = to_query(*request);
  if (!query) return to_status(query.error());
  const auto report = controller_.explain(*query);
  if (!report) return to_status(report.error());
  *response = to_proto(*report);
  return grpc::Status::OK;
}

grpc::Status DebugService::Trace(grpc::ServerContext* context, const v1::TraceRequest* request,
                                 grpc::ServerWriter<v1::TraceResponse>* writer) {
  const auto query = to_query(*request);
  if (!query) return to_status(query.error());
  WatchSink<TraceReport> sink;
  sink.begun = [&] {
    v1::TraceResponse message;
    message.set_begun(true);
    return writer->Write(message);
  };
  sink.take = [&](const TraceReport& report) {
    v1::TraceResponse message;
    *message.mutable_packet() = to_proto(report);
    return writer->Write(message);
  };
  sink.idle = [&] { return !stopping_ && !context->IsCancelled(); };
  const auto end = controller_.trace(*query, sink);
  if (!end) return to_status(end.error());
  if (stopping_) return stopping();
  v1::TraceResponse last;
  put(*end, *last.mutable_end());
  writer->Write(last);
  return grpc::Status::OK;
}

grpc::Status DebugService::Capture(grpc::ServerContext* context, const v1::CaptureRequest* request,
                                   grpc::ServerWriter<v1::CaptureResponse>* writer) {
  const auto query = to_query(*request);
  if (!query) return to_status(query.error());
  const PcapngWriter file(controller_.port_names(), query->snap_bytes);
  const auto write = [&](std::string bytes) {
    v1::CaptureResponse message;
    message.set_pcapng(std::move(bytes));
    return writer->Write(message);
  };
  const auto until = request->duration_ms() == 0
                         ? std::chrono::steady_clock::time_point::max()
                         : std::chrono::steady_clock::now() + std::chrono::milliseconds(request->duration_ms());
  WatchSink<CapturedFrame> sink;
  sink.begun = [&] { return write(file.begin()); };
  sink.take = [&](const CapturedFrame& frame) { return write(file.frame(frame)); };
  sink.idle = [&] { return !stopping_ && !context->IsCancelled() && std::chrono::steady_clock::now() < until; };
  const auto end = controller_.capture(*query, sink);
  if (!end) return to_status(end.error());
  v1::CaptureResponse last;
  last.set_pcapng(file.end(end->lost, WallClock::now()));
  put(*end, *last.mutable_end());
  writer->Write(last);
  return stopping_ ? stopping() : grpc::Status::OK;
}

grpc::Status DebugService::Doctor(grpc::ServerContext*, const v1::DoctorRequest* request,
                                  v1::DoctorResponse* response) {
  constexpr uint32_t kUsualMs = 1000;
  constexpr uint32_t kMostMs = 60'000;
  const uint32_t watch_ms = request->watch_ms() == 0 ? kUsualMs : request->watch_ms();
  if (watch_ms > kMostMs) {
    return to_status(
        Error{ErrorCode::kInvalid, "watch_ms: " + std::to_string(watch_ms) + " is more than a minute; ask for less"});
  }
  const auto findings = controller_.examine(std::chrono::milliseconds(watch_ms));
  if (!findings) return to_status(findings.error());
  for (const Finding& finding : *findings) put(finding, *response->add_findings());
  return grpc::Status::OK;
}

}  // namespace shunt::control::rpc
