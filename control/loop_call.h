// From a caller's thread to the controller's loop and back. Only the files of Controller include this.
#pragma once

#include <asio/post.hpp>
#include <cassert>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "src/base/result.h"

namespace shunt::control {

inline Error stopping_error() { return {ErrorCode::kUnavailable, "shuntd: it is stopping; ask again when it runs"}; }

// Runs `work` on the loop with a function that takes its outcome, and waits for that, no longer than `limit`. `State`:
// Controller's.
template <typename T, typename State, typename Work>
Result<T> call_on_loop(State& state, Work work, std::optional<std::chrono::milliseconds> limit = {}) {
  assert(std::this_thread::get_id() != state.thread.get_id());
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto outcome = promise->get_future();
  {
    const std::lock_guard lock(state.stop_mutex);
    if (state.stopping) return stopping_error();
    asio::post(state.loop, [promise = std::move(promise), work = std::move(work)]() mutable {
      work([promise](Result<T> result) { promise->set_value(std::move(result)); });
    });
  }
  // What comes too late is thrown away with the promise.
  if (limit && outcome.wait_for(*limit) != std::future_status::ready) {
    return Error{ErrorCode::kUnavailable, "controller: no answer within " + std::to_string(limit->count()) +
                                              " ms; its thread is busy or stands still, see the log of shuntd"};
  }
  try {
    return outcome.get();
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInternal,
                 "controller: the request failed (" + std::string(error.what()) + "); see the log of shuntd"};
  }
}

}  // namespace shunt::control
