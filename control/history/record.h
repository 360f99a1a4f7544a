// A revision as bytes in its file: a header with checksums, what lists show, and the way back. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/history/history.h"

namespace shunt::control {

std::string to_record(const Revision& revision, const WayBack& way_back);

// Both say in `cause` why there is nothing. The first needs no more than the first listed_bytes() of the record.
std::optional<Revision> revision_in(std::string_view record, std::string& cause);
std::optional<WayBack> way_back_in(std::string_view record, std::string& cause);

inline constexpr size_t kRecordHeaderBytes = 56;
// Of a record whose header this begins with; 0: it is none.
size_t listed_bytes(std::string_view header);

}  // namespace shunt::control
