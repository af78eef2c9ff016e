// One meaning for each time-out, as docs/timeouts.md has it.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>

#include "devserver.hpp"

namespace {

using namespace std::chrono_literals;
using nacosauth::time_span;
using real_seconds = std::chrono::duration<double>;
using tiny_hours = std::chrono::duration<std::int8_t, std::ratio<3600>>;

constexpr std::uint64_t unending = std::numeric_limits<std::uint64_t>::max();

static_assert(time_span(0ms).count() == 0 && time_span(-1ns).count() == 0 &&
              time_span(std::chrono::hours::min()).count() == 0);
static_assert(time_span(1ns).count() == 1 && time_span(1us).count() == 1 && time_span(1ms).count() == 1);
static_assert(time_span(1ms + 1ns).count() == 2 && time_span(999'999ns).count() == 1 &&
              time_span(15s).count() == 15'000);
static_assert(time_span(tiny_hours(3)).count() == 3 * 3'600'000 && time_span(real_seconds(0.0001)).count() == 1);
static_assert(time_span(std::chrono::milliseconds::max()).is_unending() &&
              time_span(std::chrono::seconds::max()).is_unending());
static_assert(time_span(std::chrono::hours::max()).is_unending());
static_assert(time_span(std::chrono::nanoseconds::max()).count() == 9'223'372'036'855);
static_assert(std::is_convertible_v<std::chrono::hours, std::optional<time_span>>);
static_assert(!std::is_convertible_v<int, time_span> && !std::is_convertible_v<long, std::optional<time_span>>);

nacosauth::options of(const hung_server &server) {
  nacosauth::options settings;
  settings.server_addr = server.address();
  settings.username = settings.password = "hung";
  return settings;
}

template <class Outcome>
std::string complaint(const Outcome &outcome, nacosauth::status kind = nacosauth::status::invalid_argument) {
  if (outcome || outcome.error().code() != kind) return "";
  CHECK(outcome.error().cause() != "");
  return outcome.error().message();
}

}  // namespace

TEST_CASE("the numbers that C gets") {
  using nacosauth::detail::timeout;
  CHECK(timeout({}) == 0);
  CHECK(timeout(0ms) == 1);
  CHECK(timeout(-1h) == 1);
  CHECK(timeout(1ns) == 1);
  CHECK(timeout(24h - 1ns) == 86'400'000);
  CHECK(timeout(24h) == 86'400'000);
  CHECK(timeout(50 * 24h) == 86'400'000);
  CHECK(timeout(std::chrono::nanoseconds::max()) == 86'400'000);
  CHECK(timeout(std::chrono::hours::max()) == 86'400'000);
  CHECK(timeout(real_seconds(std::numeric_limits<double>::infinity())) == 86'400'000);
  CHECK(time_span(real_seconds(std::numeric_limits<double>::infinity())).count() == unending);
  CHECK(time_span(real_seconds(-std::numeric_limits<double>::infinity())).count() == 0);
  CHECK(time_span(real_seconds(std::numeric_limits<double>::quiet_NaN())).count() == 0);
}

TEST_CASE("no time at all is refused") {
  const auto settings = settings_of_a_new_user();
  const nacosauth::client client(settings);
  for (const time_span none : {time_span(0ms), time_span(-1ms), time_span(std::chrono::hours::min()),
                               time_span(real_seconds(std::numeric_limits<double>::quiet_NaN()))}) {
    CHECK(complaint(client.try_token({none})) == "timeout is zero or negative");
    nacosauth::request request;
    request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
    request.timeout = none;
    CHECK(complaint(client.try_send(request)) == "timeout is zero or negative");
    CHECK(complaint(client.try_set_token("a", none)) == "ttl is zero or negative");
    CHECK_THROWS_AS((void)client.token({none}), nacosauth::exception);
    auto wrong = settings;
    wrong.request_timeout = none;
    CHECK(complaint(nacosauth::client::make(wrong), nacosauth::status::invalid_config) ==
          "request_timeout is zero or negative");
    wrong = settings;
    wrong.connect_timeout = none;
    CHECK(complaint(nacosauth::client::make(wrong), nacosauth::status::invalid_config) ==
          "connect_timeout is zero or negative");
  }
}

TEST_CASE("however long somebody is willing to wait") {
  for (const time_span longest :
       {time_span(25h), time_span(50 * 24h), time_span(std::chrono::nanoseconds::max()),
        time_span(std::chrono::milliseconds::max()), time_span(std::chrono::seconds::max()),
        time_span(std::chrono::hours::max()), time_span(real_seconds(std::numeric_limits<double>::infinity()))}) {
    auto settings = settings_of_a_new_user();
    settings.connect_timeout = settings.request_timeout = longest;
    const nacosauth::client client(settings);
    const auto token = client.token({longest});
    nacosauth::request request;
    request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
    request.timeout = longest;
    CHECK(client.send(request).status() == 200);
    client.set_token(token, longest);
    CHECK(client.copy_token().remaining > 24h);
    CHECK(client.close(longest));

    settings = {};
    settings.server_addr = environment("NACOS_SERVER_ADDR");
    settings.credentials = [&] { return nacosauth::foreign_token{token, longest}; };
    const auto copy = nacosauth::client(settings).copy_token();
    CHECK(!copy.expired);
    CHECK(copy.remaining > 1h);
  }
}

TEST_CASE("close waits as long as it is told, or not at all") {
  for (const time_span bound : {time_span(0ms), time_span(-1s), time_span(1ns)}) {
    std::atomic<bool> inside = false, may_return = false;
    auto settings = settings_of_a_new_user();
    settings.event = [&](const nacosauth::event &) {
      inside = true;
      while (!may_return) std::this_thread::yield();
    };
    const nacosauth::client client(settings);
    (void)client.token();
    while (!inside) std::this_thread::yield();
    const auto start = std::chrono::steady_clock::now();
    CHECK(!client.close(bound));
    CHECK(std::chrono::steady_clock::now() - start < 8s);
    may_return = true;
    CHECK(client.close());
  }
}

TEST_CASE("not given is the client's time-out, and the shortest is short") {
  const hung_server server;
  auto settings = of(server);
  settings.request_timeout = 200ms;
  const nacosauth::client client(settings);
  const auto took = [&](const nacosauth::call_options &limits) {
    const auto start = std::chrono::steady_clock::now();
    const auto token = client.try_token(limits);
    REQUIRE(!token);
    CHECK(token.error().code() == nacosauth::status::timeout);
    return std::chrono::steady_clock::now() - start;
  };
  const auto usual = took({});
  CHECK(usual >= 200ms);
  CHECK(usual < 8s);
  CHECK(took({1ns}) < 8s);
  CHECK(took({400ms}) >= 400ms);
}
