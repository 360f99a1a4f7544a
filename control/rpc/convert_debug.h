// What debug's calls ask and answer, as messages and as plain values. Pure functions; any thread.
#pragma once

#include "control/debug/explain_report.h"
#include "shunt/v1/debug.pb.h"
#include "src/base/result.h"

namespace shunt::control::rpc {

// kInvalid: an address or port that is none, or two families.
Result<ExplainQuery> to_query(const v1::ExplainRequest& request);
v1::ExplainResponse to_proto(const ExplainReport& report);

}  // namespace shunt::control::rpc
