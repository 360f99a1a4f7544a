#include "control/rpc/debug_service.h"

#include "control/rpc/convert_debug.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {

grpc::Status DebugService::Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                                   v1::ExplainResponse* response) {
  const auto query = to_query(*request);
  if (!query) return to_status(query.error());
  const auto report = controller_.explain(*query);
  if (!report) return to_status(report.error());
  *response = to_proto(*report);
  return grpc::Status::OK;
}

}  // namespace shunt::control::rpc
