// The API's calls: each checks its request, asks the controller and answers. Runs on gRPC's threads, many at a time;
// the controller is what orders them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <mutex>

#include "config/validate.h"
#include "control/controller.h"
#include "control/rpc/answers.h"
#include "shunt/v1/api.grpc.pb.h"

namespace shunt::control::rpc {

class ShuntService final : public v1::Shunt::Service {
 public:
  // `controller` must outlive the service.
  ShuntService(Controller& controller, config::MachineNames machine)
      : controller_(controller), machine_(std::move(machine)) {}

  // Streams that wait for events end soon after.
  void stop() noexcept { stopping_ = true; }

  grpc::Status Apply(grpc::ServerContext* context, const v1::ApplyRequest* request,
                     v1::ApplyResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetRequest* request, v1::GetResponse* response) override;
  grpc::Status SetWeight(grpc::ServerContext* context, const v1::SetWeightRequest* request,
                         v1::ApplyResponse* response) override;
  grpc::Status Drain(grpc::ServerContext* context, const v1::DrainRequest* request,
                     v1::ApplyResponse* response) override;
  grpc::Status ListOverrides(grpc::ServerContext* context, const v1::ListOverridesRequest* request,
                             v1::ListOverridesResponse* response) override;
  grpc::Status ClearOverride(grpc::ServerContext* context, const v1::ClearOverrideRequest* request,
                             v1::ApplyResponse* response) override;
  // edit_calls.cc
  grpc::Status Edit(grpc::ServerContext* context, const v1::EditRequest* request, v1::ApplyResponse* response) override;
  // history_calls.cc
  grpc::Status History(grpc::ServerContext* context, const v1::HistoryRequest* request,
                       v1::HistoryResponse* response) override;
  grpc::Status GetRevision(grpc::ServerContext* context, const v1::GetRevisionRequest* request,
                           v1::GetRevisionResponse* response) override;
  grpc::Status Rollback(grpc::ServerContext* context, const v1::RollbackRequest* request,
                        v1::ApplyResponse* response) override;
  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest* request,
                         v1::Status* response) override;
  grpc::Status ListServices(grpc::ServerContext* context, const v1::ListServicesRequest* request,
                            v1::ListServicesResponse* response) override;
  grpc::Status ListConnections(grpc::ServerContext* context, const v1::ListConnectionsRequest* request,
                               grpc::ServerWriter<v1::Connection>* writer) override;
  grpc::Status ListWorkers(grpc::ServerContext* context, const v1::ListWorkersRequest* request,
                           v1::ListWorkersResponse* response) override;
  grpc::Status ListPorts(grpc::ServerContext* context, const v1::ListPortsRequest* request,
                         v1::ListPortsResponse* response) override;
  grpc::Status ListDrops(grpc::ServerContext* context, const v1::ListDropsRequest* request,
                         v1::ListDropsResponse* response) override;
  grpc::Status ListSnat(grpc::ServerContext* context, const v1::ListSnatRequest* request,
                        v1::ListSnatResponse* response) override;
  // event_calls.cc
  grpc::Status WatchEvents(grpc::ServerContext* context, const v1::WatchEventsRequest* request,
                           grpc::ServerWriter<v1::Event>* writer) override;
  // stats_calls.cc
  grpc::Status WatchStats(grpc::ServerContext* context, const v1::WatchStatsRequest* request,
                          grpc::ServerWriter<v1::Stats>* writer) override;

 private:
  grpc::Status apply(const grpc::ServerContext& context, const v1::ApplyRequest& request, v1::ApplyResponse* response);
  grpc::Status edit(const grpc::ServerContext& context, const v1::EditRequest& request, v1::ApplyResponse* response);
  grpc::Status roll_back(const grpc::ServerContext& context, const v1::RollbackRequest& request,
                         v1::ApplyResponse* response);

  Controller& controller_;
  Answers answers_;
  // Edits that raced each other would be made again and again.
  std::mutex edit_mutex_;
  const config::MachineNames machine_;
  // Clients that follow events or figures: each holds one of gRPC's threads.
  std::atomic<int> followers_ = 0;
  std::atomic<bool> stopping_ = false;
};

}  // namespace shunt::control::rpc
