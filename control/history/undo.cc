#include "control/history/undo.h"

#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace shunt::control {

// Every part of the state is named here, so that a new one cannot be forgotten.
void copy_all_but_services(const DesiredState& from, DesiredState& to) {
  const auto& [timeouts, local_addresses, services, sysctls, access_lists, snat] = from;
  to.timeouts = timeouts;
  to.local_addresses = local_addresses;
  to.sysctls = sysctls;
  to.access_lists = access_lists;
  to.snat = snat;
}

namespace {

bool has_order(const std::vector<std::string_view>& names, const DesiredState& state) {
  if (names.size() != state.services.size()) return false;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != state.services[i].name) return false;
  }
  return true;
}

std::vector<Service> in_order(std::vector<Service> services, const std::vector<std::string>& order) {
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < services.size(); ++i) places.emplace(services[i].name, i);
  std::vector<size_t> wanted;
  for (const std::string& name : order) {
    if (const auto place = places.find(name); place != places.end()) wanted.push_back(place->second);
  }
  std::vector<Service> result;
  result.reserve(wanted.size());
  for (const size_t place : wanted) result.push_back(std::move(services[place]));
  return result;
}

}  // namespace

Undo undo_of(const DesiredState& before, const DesiredState& after) {
  Undo result;
  copy_all_but_services(before, result.before);
  std::unordered_map<std::string_view, const Service*> old_services;
  for (const Service& service : before.services) old_services.emplace(service.name, &service);
  std::vector<std::string_view> names;
  for (const Service& service : after.services) {
    const auto old = old_services.find(service.name);
    if (old == old_services.end()) {
      result.added.push_back(service.name);
      continue;
    }
    names.push_back(service.name);
    if (*old->second != service) result.before.services.push_back(*old->second);
    old_services.erase(old);
  }
  for (const Service& service : before.services) {
    if (!old_services.contains(service.name)) continue;
    result.before.services.push_back(service);
    names.push_back(service.name);
  }
  if (!has_order(names, before)) {
    for (const Service& service : before.services) result.order.push_back(service.name);
  }
  return result;
}

DesiredState undo(DesiredState after, const Undo& way_back) {
  DesiredState result;
  copy_all_but_services(way_back.before, result);
  std::unordered_map<std::string_view, const Service*> old_services;
  for (const Service& service : way_back.before.services) old_services.emplace(service.name, &service);
  const std::unordered_set<std::string_view> added(way_back.added.begin(), way_back.added.end());
  for (Service& service : after.services) {
    if (added.contains(service.name)) continue;
    const auto old = old_services.find(service.name);
    result.services.push_back(old == old_services.end() ? std::move(service) : *old->second);
    if (old != old_services.end()) old_services.erase(old);
  }
  for (const Service& service : way_back.before.services) {
    if (old_services.contains(service.name)) result.services.push_back(service);
  }
  if (!way_back.order.empty()) result.services = in_order(std::move(result.services), way_back.order);
  return result;
}

}  // namespace shunt::control
