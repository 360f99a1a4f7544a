// What a real is called: the name that it was given, or "ADDRESS:PORT". Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "shunt/v1/config.pb.h"

namespace shunt::config {

// "10.0.0.1:80", "[2001:db8::1]:80"; the address in its one form, or as written where it is none.
std::string endpoint(const std::string& address, uint32_t port);

// An "ADDRESS:PORT" in its one form: "[2001:DB8:0::1]:080" -> "[2001:db8::1]:80". Any other name as
// it is.
std::string canonical_real_name(const std::string& name);

// The real's name, or the default made of its address and port; empty when it has neither.
std::string name_of(const v1::Real& real, const v1::Service& service);

}  // namespace shunt::config
