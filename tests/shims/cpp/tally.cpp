// parallel and loop: one line many times, and what that gave in numbers.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "shim.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

class tally {
 public:
  void once(const shim &shim, const json &line) {
    const auto start = clock_type::now();
    outcome done;
    std::string failure;
    try {
      done = shim.act(line);
    } catch (const nacosauth::exception &error) {
      failure = error.error().name();
    } catch (const shim_error &) {
      failure = "SHIM";
    }
    const std::chrono::duration<double, std::milli> took = clock_type::now() - start;
    const std::lock_guard<std::mutex> lock(mutex_);
    milliseconds_.push_back(took.count());
    if (!failure.empty()) {
      ++errors_[failure];
      return;
    }
    ++ok_;
    if (done.fields.contains("http_status")) ++http_[std::to_string(done.fields["http_status"].get<int>())];
    if (done.generation != 0) generations_.insert(done.generation);
  }

  json summary() {
    std::sort(milliseconds_.begin(), milliseconds_.end());
    return {{"ok", ok_},  // here a count
            {"errors", errors_},
            {"http", http_},
            {"generations", generations_.size()},
            {"max_ms", percentile(100)},
            {"p50_ms", percentile(50)},
            {"p99_ms", percentile(99)}};
  }

 private:
  /// The nearest rank, in microseconds' precision.
  double percentile(std::size_t percent) const {
    if (milliseconds_.empty()) return 0;
    return std::round(milliseconds_[(milliseconds_.size() * percent + 99) / 100 - 1] * 1e3) / 1e3;
  }

  std::mutex mutex_;
  std::uint64_t ok_ = 0;
  std::map<std::string, std::uint64_t> errors_, http_;
  std::set<std::uint64_t> generations_;
  std::vector<double> milliseconds_;
};

}  // namespace

json in_threads(const shim &shim, const json &line, std::uint64_t threads, std::uint64_t each) {
  tally all;
  std::vector<std::thread> running;
  for (std::uint64_t i = 0; i < threads; ++i)
    running.emplace_back([&] {
      for (std::uint64_t j = 0; j < each; ++j) all.once(shim, line);
    });
  for (auto &thread : running) thread.join();
  return all.summary();
}

json in_a_row(const shim &shim, const json &line, std::chrono::milliseconds duration,
              std::chrono::milliseconds interval) {
  tally all;
  const auto start = clock_type::now();
  for (auto due = start + interval; clock_type::now() - start < duration; due += interval) {
    all.once(shim, line);
    std::this_thread::sleep_until(due);
  }
  return all.summary();
}
