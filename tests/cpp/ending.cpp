// Calls that end before their answer is there: time-outs, cancel, close.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "devserver.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

/// Promised are 100 ms; busy machines and sanitizers have the rest. Without a time-out calls wait for 15 s.
constexpr auto prompt = std::chrono::seconds(8);

nacosauth::options settings(const hung_server &server) {
  nacosauth::options options;
  options.server_addr = server.address();
  options.username = options.password = "hung";
  return options;
}

/// What calls in several threads end with, once `end` has been called while all of them wait.
std::vector<nacosauth::status> ended_by(const nacosauth::client &client, const nacosauth::cancel_source *cancel,
                                        const std::function<void()> &end) {
  std::vector<nacosauth::status> statuses(8, nacosauth::status::ok);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < statuses.size(); ++i)
    threads.emplace_back([&, i] {
      nacosauth::request request;
      request.path = "/v1/cs/configs";
      request.cancel = cancel;
      if (i % 2 == 0) {
        const auto token = client.try_token({std::nullopt, cancel});
        if (!token) statuses[i] = token.error().code();
      } else {
        const auto response = client.try_send(request);
        if (!response) statuses[i] = response.error().code();
      }
    });
  const auto give_up = clock_type::now() + std::chrono::seconds(60);
  while (client.stats().waits < statuses.size() && clock_type::now() < give_up) std::this_thread::yield();
  const auto start = clock_type::now();
  end();
  for (auto &thread : threads) thread.join();
  CHECK(clock_type::now() - start < prompt);
  return statuses;
}

}  // namespace

TEST_CASE("cancel ends every call that carries it, now and later") {
  const hung_server server;
  const nacosauth::client client(settings(server));
  const nacosauth::cancel_source cancel;
  for (const auto status : ended_by(client, &cancel, [&] { cancel.cancel(); }))
    CHECK(status == nacosauth::status::cancelled);
  CHECK(client.try_token({std::nullopt, &cancel}).error().code() == nacosauth::status::cancelled);
}

TEST_CASE("close ends every call, now and later") {
  const hung_server server;
  const nacosauth::client client(settings(server));
  for (const auto status : ended_by(client, nullptr, [&] { client.close(); }))
    CHECK(status == nacosauth::status::closed);
  CHECK(client.close());
  CHECK(client.generation() == 0);
  CHECK(client.try_token().error().code() == nacosauth::status::closed);
  CHECK(client.try_set_credentials("a", "b").error().code() == nacosauth::status::closed);
  CHECK(client.try_retry().error().code() == nacosauth::status::closed);
  CHECK(client.stats().waits >= 4);
}

TEST_CASE("a time-out, of the call and of the client") {
  const hung_server server;
  auto options = settings(server);
  const auto took = [](const nacosauth::client &client, const nacosauth::call_options &limits) {
    const auto start = clock_type::now();
    const auto token = client.try_token(limits);
    REQUIRE(!token);
    CHECK(token.error().code() == nacosauth::status::timeout);
    CHECK(token.error().is_retryable());
    return clock_type::now() - start;
  };
  const nacosauth::client patient(options);
  CHECK(took(patient, {std::chrono::milliseconds(150), nullptr}) >= std::chrono::milliseconds(150));
  CHECK(took(patient, {std::chrono::nanoseconds(1), nullptr}) < prompt);
  options.request_timeout = std::chrono::milliseconds(150);
  CHECK(took(nacosauth::client(options), {}) < prompt);
}
