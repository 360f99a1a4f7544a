// Why things are as they are, in an operator's words. Pure functions; any thread.
#pragma once

#include <string>

#include "control/debug/explain_report.h"
#include "control/meters.h"
#include "control/model/desired_state.h"
#include "dataplane/explain.h"

namespace shunt::control {

// What a scheduler that goes by load sees of a real: "(256*3+0)/2 = 384"; empty: it does not go by load.
std::string load_text(SchedulerKind scheduler, const Load& load, uint32_t weight);
// How the scheduler came to its real.
std::string rule_of(const Service& service);
// Why one that might have been chosen was not.
std::string why_not_now(SchedulerKind scheduler);

// "port 80 of VIP 192.0.2.10", "ports 8000-8999 of ...", "all ports of ...", "match: ...".
std::string found_by(const Service& service, const ExplainQuery& query);
// Whether one of the service's VIPs, not its match, takes the address and port; its narrowest range.
std::optional<PortRange> range_for(const Service& service, const ExplainQuery& query);

// What the method makes of the packets of a new connection, or of one that there is.
void tell_rewrite(const ExplainQuery& query, const dataplane::RealEntry& real, const dataplane::IpFlow& reply,
                  ExplainedWorker& out);

}  // namespace shunt::control
