// What is wrong with a command line, and what may have been meant. One thread.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace shunt::shuntctl {

// `error`: what parsing ended with. Subject, cause and remedy.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error);

}  // namespace shunt::shuntctl
