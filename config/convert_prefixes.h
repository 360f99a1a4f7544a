// Prefixes between the schema's texts and values. Pure functions; any thread.
#pragma once

#include <google/protobuf/repeated_field.h>

#include <string>
#include <vector>

#include "src/base/address.h"

namespace shunt::config {

// REQUIRES validated texts.
inline std::vector<Prefix> to_prefixes(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(static_cast<size_t>(texts.size()));
  for (const std::string& text : texts) prefixes.push_back(Prefix::parse(text).value());
  return prefixes;
}

inline void put_prefixes(const std::vector<Prefix>& prefixes, google::protobuf::RepeatedPtrField<std::string>& out) {
  out.Reserve(static_cast<int>(prefixes.size()));
  for (const Prefix& prefix : prefixes) *out.Add() = prefix.to_string();
}

}  // namespace shunt::config
