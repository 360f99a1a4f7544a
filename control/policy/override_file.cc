#include "control/policy/override_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "control/durable_file.h"

namespace shunt::control {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::duration_cast;

// Milliseconds since 1970.
int64_t to_number(WallClock::time_point time) {
  return duration_cast<Milliseconds>(time.time_since_epoch()).count();
}
WallClock::time_point to_time(int64_t number) { return WallClock::time_point(Milliseconds(number)); }

void put(Json& out, const char* key, const std::optional<WallClock::time_point>& time) {
  if (time) out[key] = to_number(*time);
}
std::optional<WallClock::time_point> time_at(const Json& in, const char* key) {
  if (!in.contains(key)) return std::nullopt;
  return to_time(in.at(key).get<int64_t>());
}

Json to_json(const WeightOverride& weight) {
  Json out = {{"weight", weight.weight}, {"since", to_number(weight.since)}, {"by", weight.by}};
  put(out, "until", weight.until);
  return out;
}
Json to_json(const DrainOverride& drain) {
  Json out = {{"since", to_number(drain.since)}, {"by", drain.by}, {"then", name_of(drain.then)}};
  put(out, "until", drain.until);
  put(out, "deadline", drain.deadline);
  return out;
}

WeightOverride to_weight(const Json& in) {
  const auto weight = in.at("weight").get<uint32_t>();
  if (weight > UINT16_MAX) throw std::out_of_range("weight " + std::to_string(weight) + " exceeds 65535");
  return {weight, to_time(in.at("since").get<int64_t>()), time_at(in, "until"), in.at("by").get<std::string>()};
}
DrainOverride to_drain(const Json& in) {
  DrainOverride drain;
  drain.since = to_time(in.at("since").get<int64_t>());
  drain.until = time_at(in, "until");
  drain.by = in.at("by").get<std::string>();
  drain.deadline = time_at(in, "deadline");
  const auto then = in.at("then").get<std::string>();
  for (const AtDeadline each : {AtDeadline::kLeave, AtDeadline::kReset, AtDeadline::kReschedule}) {
    if (then == name_of(each)) {
      drain.then = each;
      return drain;
    }
  }
  throw std::out_of_range("then is " + then);
}

KeptOverride to_kept(const Json& in) {
  KeptOverride kept;
  kept.service = in.at("service").get<std::string>();
  kept.real = in.at("real").get<std::string>();
  const auto address = IpAddress::parse(in.at("address").get<std::string>());
  if (!address) throw std::out_of_range("address is none");
  kept.address = *address;
  kept.port = in.at("port").get<uint16_t>();
  if (in.contains("weight")) kept.value.weight = to_weight(in.at("weight"));
  if (in.contains("drain")) kept.value.drain = to_drain(in.at("drain"));
  return kept;
}

constexpr std::string_view kSubject = "overrides";

Error failure(const std::string& path, const char* what, int error) {
  return file_error(kSubject, path, what, error);
}

}  // namespace

std::string to_json(const KeptOverrides& overrides) {
  Json out = {{"format", 1}, {"revision", overrides.revision}, {"overrides", Json::array()}};
  for (const KeptOverride& each : overrides.list) {
    Json one = {{"service", each.service},
                {"real", each.real},
                {"address", each.address.to_string()},
                {"port", each.port}};
    if (each.value.weight) one["weight"] = to_json(*each.value.weight);
    if (each.value.drain) one["drain"] = to_json(*each.value.drain);
    out["overrides"].push_back(std::move(one));
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<KeptOverrides> overrides_from_json(const std::string& text) {
  try {
    const Json in = Json::parse(text);
    if (in.at("format").get<int>() != 1) return Error{ErrorCode::kInvalid, "its format is not 1"};
    KeptOverrides overrides;
    overrides.revision = in.at("revision").get<uint64_t>();
    for (const Json& each : in.at("overrides")) overrides.list.push_back(to_kept(each));
    return overrides;
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInvalid, error.what()};
  }
}

OverrideFile::OverrideFile(std::string directory) : path_(std::move(directory) + "/overrides.json") {}

Result<KeptOverrides> OverrideFile::load() {
  errno = 0;
  std::ifstream file(path_);
  if (!file) {
    if (errno == ENOENT) return KeptOverrides{};
    return failure(path_, "open", errno);
  }
  std::stringstream text;
  text << file.rdbuf();
  auto overrides = overrides_from_json(text.str());
  if (overrides) return overrides;
  const std::string aside = path_ + ".damaged-" + std::to_string(WallClock::now().time_since_epoch().count());
  if (::rename(path_.c_str(), aside.c_str()) != 0) return failure(path_, "keep the damaged file aside", errno);
  return Error{ErrorCode::kInvalid, "overrides " + path_ + ": " + overrides.error().message + "; it was kept as " + aside +
                                        ", no override is in force: drain and set weights again"};
}

Result<void> OverrideFile::write(const KeptOverrides& overrides) {
  if (auto written = replace_file(kSubject, path_, path_ + ".new", to_json(overrides)); !written) return written;
  return sync_directory(kSubject, std::filesystem::path(path_).parent_path());
}

}  // namespace shunt::control
