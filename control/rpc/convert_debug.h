// What debug's calls ask and answer, as messages and as plain values. Pure functions; any thread.
#pragma once

#include "control/debug/explain_report.h"
#include "control/debug/watch_report.h"
#include "control/doctor/finding.h"
#include "shunt/v1/debug.pb.h"
#include "src/base/result.h"

namespace shunt::control::rpc {

// kInvalid: an address or port that is none, or two families.
Result<ExplainQuery> to_query(const v1::ExplainRequest& request);
v1::ExplainResponse to_proto(const ExplainReport& report);
// kInvalid: an address or port that is none.
Result<TraceQuery> to_query(const v1::TraceRequest& request);
v1::TracedPacket to_proto(const TraceReport& report);
// kInvalid: more bytes of each frame than are kept. Sets how many are.
Result<CaptureQuery> to_query(const v1::CaptureRequest& request);
void put(const WatchEnd& end, v1::WatchEnd& out);
void put(const Finding& finding, v1::DoctorFinding& out);

}  // namespace shunt::control::rpc
