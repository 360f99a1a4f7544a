#include "control/service_edit.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "control/controller.h"

namespace shunt::control {
namespace {

void put(uint64_t number, std::string& bytes) { bytes.append(reinterpret_cast<const char*>(&number), sizeof number); }

bool take(std::string_view& bytes, uint64_t& number) {
  if (bytes.size() < sizeof number) return false;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return true;
}

bool take(std::string_view& bytes, std::string& text) {
  uint64_t size = 0;
  if (!take(bytes, size) || size > bytes.size()) return false;
  text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

template <typename Set>
bool any_real_in(const Service& service, const Set& addresses) {
  return !addresses.empty() && std::any_of(service.reals.begin(), service.reals.end(), [&addresses](const Real& real) {
    return addresses.contains(real.address);
  });
}

// All its weights and thresholds as if they were one.
Service unweighted(Service service) {
  for (Real& real : service.reals) {
    real.weight = 1;
    real.upper_threshold = real.lower_threshold = 0;
  }
  return service;
}

}  // namespace

bool is_near(const Service& service, const Neighbourhood& around) {
  if (around.matches && service.match) return true;
  for (const IpAddress& vip : addresses_of(service)) {
    if (around.vips.contains(vip) || around.reals.contains(vip)) return true;
  }
  return any_real_in(service, around.vips) ||
         (service.protocol == Protocol::kUdp && any_real_in(service, around.reals));
}

void make_edits(const std::vector<ServiceEdit>& edits, DesiredState& state) {
  if (edits.empty()) return;
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < state.services.size(); ++i) places.emplace(state.services[i].name, i);
  std::unordered_set<size_t> gone;
  for (const ServiceEdit& edit : edits) {
    for (const std::string& name : edit.removed) {
      const auto found = places.find(name);
      if (found == places.end()) continue;
      gone.insert(found->second);
      places.erase(found);
    }
    for (const Service& service : edit.set) {
      const auto [found, is_new] = places.emplace(service.name, state.services.size());
      if (is_new) state.services.push_back(service);
      else state.services[found->second] = service;
    }
  }
  // Once for all of them: a journal may hold thousands.
  std::vector<Service> kept;
  kept.reserve(state.services.size() - gone.size());
  for (size_t i = 0; i < state.services.size(); ++i) {
    if (!gone.contains(i)) kept.push_back(std::move(state.services[i]));
  }
  state.services = std::move(kept);
}

std::optional<ServiceEdit> edit_between(const DesiredState& before, DesiredState after) {
  ServiceEdit edit;
  std::unordered_map<std::string_view, size_t> left;
  for (size_t i = 0; i < before.services.size(); ++i) left.emplace(before.services[i].name, i);
  size_t behind = 0;
  bool has_new = false;
  for (Service& service : after.services) {
    const auto old = left.find(service.name);
    if (old == left.end()) {
      has_new = true;
      edit.set.push_back(std::move(service));
      continue;
    }
    if (has_new || old->second < behind) return std::nullopt;
    behind = old->second;
    if (before.services[old->second] != service) edit.set.push_back(std::move(service));
    left.erase(old);
  }
  for (const auto& [name, place] : left) edit.removed.emplace_back(name);
  std::sort(edit.removed.begin(), edit.removed.end());
  return edit;
}

bool differ_in_weights_alone(const std::vector<Service>& before, const std::vector<Service>& after) {
  return std::equal(before.begin(), before.end(), after.begin(), after.end(),
                    [](const Service& a, const Service& b) { return unweighted(a) == unweighted(b); });
}

std::string to_bytes(const ServiceEdit& edit, const StateCodec& codec) {
  std::string bytes;
  put(edit.removed.size(), bytes);
  for (const std::string& name : edit.removed) {
    put(name.size(), bytes);
    bytes += name;
  }
  DesiredState state;
  state.services = edit.set;
  return bytes + codec.encode(state);
}

Result<ServiceEdit> edit_in(std::string_view bytes, const StateCodec& codec) {
  ServiceEdit edit;
  uint64_t names = 0;
  bool is_whole = take(bytes, names);
  for (; is_whole && names > 0; --names) is_whole = take(bytes, edit.removed.emplace_back());
  if (!is_whole) return Error{ErrorCode::kInvalid, "an edit is cut short"};
  auto state = (codec.decode_part ? codec.decode_part : codec.decode)(std::string(bytes));
  if (!state) return state.error();
  edit.set = std::move(state->services);
  return edit;
}

}  // namespace shunt::control
