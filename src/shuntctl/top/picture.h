// One screen of `shuntctl top` as text: the status page's words and order. Pure functions; one
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shunt/v1/api.pb.h"

namespace shunt::shuntctl {

// What was asked of the daemon for one screen.
struct Sample {
  std::chrono::system_clock::time_point time;
  v1::Status status;
  // A page of them.
  v1::ListServicesResponse services;
  v1::ListWorkersResponse workers;
  v1::ListPortsResponse ports;
  v1::ListDropsResponse drops;
  // The latest last.
  std::deque<v1::Event> events;
};

struct View {
  // 0: as large as it wants to be.
  size_t columns = 0;
  size_t lines = 0;
  bool colour = false;
  bool exact = false;
  // Each service's reals below it.
  bool reals = false;
  // Number of the first service shown.
  size_t first_service = 1;
  // Why there is no newer sample; empty: there is.
  std::string trouble;
  // What is wrong with the sample; empty: nothing.
  std::string notice;
  // The keys' meaning in the last line.
  bool has_keys = false;
};

// `before`: the sample before, for rates of what the daemon only counts. Lines without newlines,
// none longer than the view's columns, as many as there are lines at most.
std::vector<std::string> picture_of(const Sample& now, const Sample* before, const View& view);

// Services that fit on the screen with all else on it, one line each.
size_t services_that_fit(const Sample& sample, const View& view);

// The first `columns` characters of a line, colours not counted and ended; 0: all of it.
std::string cut(const std::string& line, size_t columns);

}  // namespace shunt::shuntctl
