// What the tests of calls that no thread waits for have in common.
#pragma once

#include <poll.h>

#include <chrono>
#include <functional>
#include <ostream>
#include <thread>

#include "devserver.hpp"

namespace async_tests {

inline nacosauth::request read_of(const std::string &data_id) {
  nacosauth::request request;
  request.path = "/v1/cs/configs";
  request.query = {{"dataId", data_id}, {"group", "DEFAULT_GROUP"}};
  return request;
}

inline nacosauth::options settings_of(const hung_server &server) {
  nacosauth::options options;
  options.server_addr = server.address();
  options.username = options.password = "hung";
  return options;
}

/// Whether it becomes so in time.
inline bool comes(const std::function<bool()> &wanted) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!wanted()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// A loop over one queue, until it is so; false if that does not come in time.
inline bool loops(const nacosauth::queue &queue, const std::function<bool()> &wanted) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!wanted()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    pollfd watched = {queue.fd(), POLLIN, 0};
    if (poll(&watched, 1, 100) > 0 && queue.drain() == 0) return false;  // readable, and nothing there
  }
  return true;
}

/// How a call ended.
template <class T>
nacosauth::status status_of(const nacosauth::result<T> &outcome) {
  return outcome ? nacosauth::status::ok : outcome.error().code();
}

}  // namespace async_tests
