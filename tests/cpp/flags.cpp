// How one call differs from others.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "devserver.hpp"

namespace {

nacosauth::request read_of(const std::string &data_id) {
  nacosauth::request request;
  request.path = "/v1/cs/configs";
  request.query = {{"dataId", data_id}, {"group", "DEFAULT_GROUP"}};
  return request;
}

nacosauth::request publish_of(const std::string &data_id) {
  nacosauth::request request;
  request.method = "POST";
  request.path = "/v1/cs/configs";
  request.form = {{"dataId", data_id}, {"group", "DEFAULT_GROUP"}, {"content", "1"}};
  return request;
}

/// The next request is read, and its connection reset.
void reset_once() { control("POST", "/faults", R"({"on":"request","kind":"reset","times":1})"); }

using clock_type = std::chrono::steady_clock;

}  // namespace

TEST_CASE("no_wait never waits for a login, which goes on in the background") {
  const nacosauth::client client(settings_of_a_new_user());
  control("POST", "/faults", R"({"on":"login","kind":"delay","delay_ms":300,"times":1})");
  nacosauth::call_options limits;
  limits.no_wait = true;
  const auto start = clock_type::now();
  const auto none = client.try_token(limits);
  CHECK(clock_type::now() - start < std::chrono::milliseconds(250));
  REQUIRE(!none);
  CHECK(none.error().code() == nacosauth::status::would_block);
  CHECK(none.error().cause() == NACOS_CAUSE_WOULD_BLOCK);
  CHECK(none.error().is_retryable());
  auto request = read_of("demo");
  request.no_wait = true;
  CHECK(client.try_send(request).error().code() == nacosauth::status::would_block);

  const auto give_up = clock_type::now() + std::chrono::seconds(60);
  while (!client.try_token(limits) && clock_type::now() < give_up) std::this_thread::yield();
  CHECK(client.try_token(limits).has_value());
  CHECK(client.send(request).status() == 200);
}

TEST_CASE("no_replay hands the refusal on") {
  const nacosauth::client client(settings_of_a_new_user());
  (void)client.token();
  control("POST", "/revoke");
  auto request = read_of("demo");
  request.no_replay = true;
  const auto refusal = client.send(request);
  CHECK(refusal.status() == 403);
  CHECK(refusal.attempts() == 1);
  CHECK(refusal.replays() == 0);
  request.no_replay = false;
  const auto served = client.send(request);
  CHECK(served.status() == 200);
  CHECK(served.server() == environment("NACOS_SERVER_ADDR"));
  CHECK(!served.is_truncated());
}

TEST_CASE("what may be sent twice is said by the method, or by the caller") {
  const nacosauth::client client(settings_of_a_new_user());
  (void)client.token();
  auto request = read_of("demo");
  reset_once();
  CHECK(client.send(request).attempts() == 2);
  request.idempotent = false;
  reset_once();
  auto broken = client.try_send(request);
  REQUIRE(!broken);
  CHECK(broken.error().code() == nacosauth::status::io);
  CHECK(broken.error().cause() == NACOS_CAUSE_CONNECTION_BROKEN);
  CHECK(broken.error().was_sent() == nacosauth::sent::perhaps);

  request = publish_of("cpp-flags");
  reset_once();
  broken = client.try_send(request);
  CHECK(!broken);
  request.idempotent = true;
  reset_once();
  const auto response = client.send(request);
  CHECK(response.status() == 200);
  CHECK(response.attempts() == 2);
}

TEST_CASE("no_failover asks one server") {
  const nacosauth::client other(settings_of_a_new_user());
  nacosauth::options settings;
  settings.server_addr = "127.0.0.1:1," + environment("NACOS_SERVER_ADDR");
  settings.token = other.token();
  // Each client begins with one of the servers, whichever.
  int refused = 0;
  for (int i = 0; i < 100 && refused == 0; ++i) {
    settings.connect_timeout = std::chrono::milliseconds(1000 + i);
    const nacosauth::client client(settings);
    auto request = read_of("demo");
    request.no_failover = true;
    const auto one = client.try_send(request);
    if (one) {
      CHECK(one->attempts() == 1);
    } else {
      ++refused;
      CHECK(one.error().code() == nacosauth::status::connect);
      CHECK(one.error().cause() == NACOS_CAUSE_CONNECTION_REFUSED);
      CHECK(one.error().server() == "127.0.0.1:1");
      CHECK(one.error().was_sent() == nacosauth::sent::no);
    }
    request.no_failover = false;
    CHECK(client.send(request).server() == environment("NACOS_SERVER_ADDR"));
  }
  CHECK(refused == 1);
}

TEST_CASE("no_anonymous sends nothing without a token") {
  auto settings = settings_of_a_new_user();
  settings.password = "wrong-password";
  const nacosauth::client client(settings);
  control("POST", "/auth", R"({"enabled":false})");
  control("POST", "/faults", R"({"on":"login","kind":"status","status":403,"body":"unknown user!"})");
  auto request = read_of("demo");
  request.no_anonymous = true;
  const auto refused = client.try_send(request);
  request.no_anonymous = false;
  const auto served = client.try_send(request);
  control("DELETE", "/faults");
  control("POST", "/auth", R"({"enabled":true})");
  CHECK(!refused);
  REQUIRE(served);
  CHECK(served->status() == 200);
  CHECK(served->generation() == 0);
}

TEST_CASE("values with a NUL, and secret ones") {
  using namespace std::string_literals;
  const nacosauth::client client(settings_of_a_new_user());
  auto request = read_of("de\0mo"s);
  request.query.push_back({"extra", "a secret", true});
  CHECK(client.send(request).status() == 404);  // asked for as de%00mo, which is not there
  request = publish_of("cpp-nul");
  request.form[2].value = "a\0b"s;
  CHECK(client.send(request).status() == 200);
  CHECK(client.send(read_of("cpp-nul")).body() == "a\0b"s);
}

TEST_CASE("an answer that is larger than wanted") {
  auto settings = settings_of_a_new_user();
  settings.max_response_size = 1000;
  const nacosauth::client client(settings);
  auto request = publish_of("cpp-large");
  request.form[2].value.assign(1001, 'x');
  CHECK(client.send(request).status() == 200);
  const auto large = client.try_send(read_of("cpp-large"));
  REQUIRE(!large);
  CHECK(large.error().code() == nacosauth::status::too_large);
  CHECK(large.error().cause() == NACOS_CAUSE_ANSWER_TOO_LARGE);
}
