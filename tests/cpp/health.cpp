// How a client is, and its figures as text.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "devserver.hpp"

namespace {

/// Waits until the client is so, as probes see it.
nacosauth::health becomes(const nacosauth::client &client, nacosauth::health_status status) {
  nacosauth::call_options without_waiting;
  without_waiting.no_wait = true;
  for (int turn = 0; turn < 6000 && client.health().status != status; ++turn) {
    (void)client.try_copy_token(without_waiting);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  auto found = client.health();
  CHECK(found.status == status);
  return found;
}

}  // namespace

TEST_CASE("from unknown to well, degraded, and down") {
  auto settings = settings_of_a_new_user();
  const nacosauth::client client(settings);
  auto found = client.health();
  CHECK(found.status == nacosauth::health_status::unknown);
  CHECK(!found.is_ready);
  CHECK(!found.reason);
  CHECK(std::string(name(found.status)) == "UNKNOWN");

  found = becomes(client, nacosauth::health_status::ok);
  CHECK(found.is_ready);
  CHECK(found.cause.empty());
  CHECK(found.remaining.count() > 0);
  CHECK(found.failing_for.count() == 0);

  client.set_credentials(settings.username, "s3cret-and-wrong");
  found = becomes(client, nacosauth::health_status::degraded);
  CHECK(found.is_ready);
  CHECK(found.cause == NACOS_CAUSE_WRONG_CREDENTIALS);
  REQUIRE(found.reason);
  CHECK(found.reason->code() == nacosauth::status::bad_credentials);
  CHECK(found.reason->cause() == found.cause);
  CHECK(found.reason->server() == settings.server_addr);
  CHECK(std::string(found.reason->message()).find("s3cret") == std::string::npos);
  CHECK(found.failing_for.count() > 0);
  CHECK(found.retry_in.count() > 0);

  client.close();
  found = client.health();
  CHECK(found.status == nacosauth::health_status::down);
  CHECK(found.cause == NACOS_CAUSE_CLOSED);
}

TEST_CASE("figures of one client and of several") {
  const nacosauth::client one(settings_of_a_new_user()), other(settings_of_a_new_user());
  (void)one.token();
  CHECK(one.metrics().find("\nnacos_auth_health{status=\"ok\"} 1\n") != std::string::npos);
  const auto text = nacosauth::metrics({{"a\nb", &one}, {"c", &other}});
  CHECK(text.find("\nnacos_auth_health{client=\"a\\nb\",status=\"ok\"} 1\n") != std::string::npos);
  CHECK(text.find("\nnacos_auth_health{client=\"c\",status=\"unknown\"} 1\n") != std::string::npos);
  CHECK(nacosauth::try_metrics({{std::string("a\0b", 3), &one}}).error().code() == nacosauth::status::invalid_argument);
  CHECK(nacosauth::try_metrics({{"a", nullptr}}).error().code() == nacosauth::status::null_argument);
  CHECK(nacosauth::metrics({}).find("nacos_auth_build_info") != std::string::npos);
}

TEST_CASE("a client that has been moved from has neither") {
  nacosauth::client client(settings_of_a_new_user());
  const auto moved = std::move(client);
  CHECK(client.try_health().error().code() == nacosauth::status::null_argument);
  CHECK(client.try_metrics().error().code() == nacosauth::status::null_argument);
  CHECK(moved.health().status == nacosauth::health_status::unknown);
}
