// A daemon with canned answers on a socket of its own, so that shuntctl is tested against the wire, not against itself.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "shunt/v1/api.grpc.pb.h"
#include "shunt/v1/debug.grpc.pb.h"
#include "tests/src/shuntctl/program.h"

namespace shunt::shuntctl {

// Its answers to debug's calls.
class FakeDebug : public v1::Debug::Service {
 public:
  v1::ExplainResponse explained;
  v1::ExplainRequest asked_explain;
  std::vector<v1::TraceResponse> traced;
  v1::TraceRequest asked_trace;
  std::vector<v1::CaptureResponse> captured;
  v1::CaptureRequest asked_capture;
  v1::DoctorResponse examined;
  v1::DoctorRequest asked_doctor;

 private:
  grpc::Status Trace(grpc::ServerContext*, const v1::TraceRequest* request,
                     grpc::ServerWriter<v1::TraceResponse>* writer) override {
    asked_trace = *request;
    for (const auto& message : traced) writer->Write(message);
    return grpc::Status::OK;
  }
  grpc::Status Doctor(grpc::ServerContext*, const v1::DoctorRequest* request, v1::DoctorResponse* response) override {
    asked_doctor = *request;
    *response = examined;
    return grpc::Status::OK;
  }
  grpc::Status Capture(grpc::ServerContext*, const v1::CaptureRequest* request,
                       grpc::ServerWriter<v1::CaptureResponse>* writer) override {
    asked_capture = *request;
    for (const auto& message : captured) writer->Write(message);
    return grpc::Status::OK;
  }
  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    asked_explain = *request;
    *response = explained;
    return grpc::Status::OK;
  }
};

class FakeDaemon : public v1::Shunt::Service {
 public:
  FakeDaemon() { start(); }
  ~FakeDaemon() override { stop(); }

  void start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket(), grpc::InsecureServerCredentials());
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(this);
    builder.RegisterService(&debug);
    server_ = builder.BuildAndStart();
  }
  void stop() {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  std::string socket() const { return folder_.path("s.sock"); }
  Ended ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-s", socket()});
    return run_shuntctl(std::move(arguments));
  }

  FakeDebug debug;
  // What every call answers instead, unless OK.
  grpc::Status refuse;
  // How long GetStatus and ListServices take.
  std::chrono::milliseconds delay{0};
  v1::ApplyResponse applied;
  v1::GetResponse current;
  v1::HistoryResponse history;
  v1::GetRevisionResponse revision;
  v1::Status status;
  // ListServices: page by page.
  std::vector<v1::ListServicesResponse> pages;
  std::vector<v1::Connection> connections;
  std::vector<v1::Stats> stats;
  // Whether the last of them comes again and again until the client leaves.
  bool stats_go_on = false;
  // What WatchStats answers after them.
  grpc::Status stats_end;
  std::vector<v1::Event> events;
  // Of the second watch, which ends well.
  std::vector<v1::Event> events_again;
  v1::ListWorkersResponse workers;
  v1::ListPortsResponse ports;
  v1::ListDropsResponse drops;
  v1::ListOverridesResponse overrides;

  // What was asked.
  v1::ApplyRequest asked_apply;
  v1::EditRequest asked_edit;
  v1::HistoryRequest asked_history;
  v1::GetRevisionRequest asked_revision;
  v1::RollbackRequest asked_rollback;
  v1::SetWeightRequest asked_weight;
  v1::DrainRequest asked_drain;
  v1::ClearOverrideRequest asked_clear;
  v1::ListConnectionsRequest asked_connections;
  v1::WatchEventsRequest asked_events;
  int watches = 0;
  v1::WatchStatsRequest asked_stats;
  std::vector<v1::ListServicesRequest> asked_services;

 private:
  using Context = grpc::ServerContext;

  template <typename Response>
  grpc::Status answer(const Response& canned, Response* response) {
    if (refuse.ok()) *response = canned;
    return refuse;
  }

  grpc::Status Apply(Context*, const v1::ApplyRequest* request, v1::ApplyResponse* response) override {
    asked_apply = *request;
    return answer(applied, response);
  }
  grpc::Status Edit(Context*, const v1::EditRequest* request, v1::ApplyResponse* response) override {
    asked_edit = *request;
    return answer(applied, response);
  }
  grpc::Status History(Context*, const v1::HistoryRequest* request, v1::HistoryResponse* response) override {
    asked_history = *request;
    return answer(history, response);
  }
  grpc::Status GetRevision(Context*, const v1::GetRevisionRequest* request, v1::GetRevisionResponse* response) override {
    asked_revision = *request;
    return answer(revision, response);
  }
  grpc::Status Rollback(Context*, const v1::RollbackRequest* request, v1::ApplyResponse* response) override {
    asked_rollback = *request;
    return answer(applied, response);
  }
  grpc::Status Get(Context*, const v1::GetRequest*, v1::GetResponse* response) override {
    return answer(current, response);
  }
  grpc::Status SetWeight(Context*, const v1::SetWeightRequest* request, v1::ApplyResponse* response) override {
    asked_weight = *request;
    return answer(applied, response);
  }
  grpc::Status Drain(Context*, const v1::DrainRequest* request, v1::ApplyResponse* response) override {
    asked_drain = *request;
    return answer(applied, response);
  }
  grpc::Status ListOverrides(Context*, const v1::ListOverridesRequest*, v1::ListOverridesResponse* response) override {
    return answer(overrides, response);
  }
  grpc::Status ClearOverride(Context*, const v1::ClearOverrideRequest* request, v1::ApplyResponse* response) override {
    asked_clear = *request;
    return answer(applied, response);
  }
  grpc::Status GetStatus(Context*, const v1::GetStatusRequest*, v1::Status* response) override {
    std::this_thread::sleep_for(delay);
    return answer(status, response);
  }
  grpc::Status ListServices(Context*, const v1::ListServicesRequest* request,
                            v1::ListServicesResponse* response) override {
    std::this_thread::sleep_for(delay);
    asked_services.push_back(*request);
    const size_t page = std::min(asked_services.size(), pages.size());
    return page == 0 ? refuse : answer(pages[page - 1], response);
  }
  grpc::Status ListConnections(Context*, const v1::ListConnectionsRequest* request,
                               grpc::ServerWriter<v1::Connection>* writer) override {
    asked_connections = *request;
    for (const auto& connection : connections) writer->Write(connection);
    return refuse;
  }
  grpc::Status ListWorkers(Context*, const v1::ListWorkersRequest*, v1::ListWorkersResponse* response) override {
    return answer(workers, response);
  }
  grpc::Status ListPorts(Context*, const v1::ListPortsRequest*, v1::ListPortsResponse* response) override {
    return answer(ports, response);
  }
  grpc::Status ListDrops(Context*, const v1::ListDropsRequest*, v1::ListDropsResponse* response) override {
    return answer(drops, response);
  }
  grpc::Status WatchEvents(Context*, const v1::WatchEventsRequest* request,
                           grpc::ServerWriter<v1::Event>* writer) override {
    asked_events = *request;
    const bool is_again = ++watches > 1 && !events_again.empty();
    for (const auto& event : is_again ? events_again : events) writer->Write(event);
    return is_again ? grpc::Status::OK : refuse;
  }

  grpc::Status WatchStats(Context*, const v1::WatchStatsRequest* request, grpc::ServerWriter<v1::Stats>* writer) override {
    asked_stats = *request;
    for (const auto& each : stats) writer->Write(each);
    while (stats_go_on && writer->Write(stats.back())) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return refuse.ok() ? stats_end : refuse;
  }

  ScratchFolder folder_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace shunt::shuntctl
