// The two ways to fail, and what an error tells.
#include <doctest/doctest.h>

#include <memory>

#include "devserver.hpp"

TEST_CASE("a result holds a value or an error") {
  nacosauth::result<std::string> good = std::string("value");
  CHECK(good.has_value());
  CHECK(static_cast<bool>(good));
  CHECK(*good == "value");
  CHECK(good->size() == 5);
  CHECK(good.value_or("other") == "value");

  const nacosauth::result<std::string> bad =
      nacosauth::unexpected(nacosauth::error(nacosauth::status::timeout, "too late"));
  CHECK(!bad.has_value());
  CHECK(!bad);
  CHECK(bad.error().code() == nacosauth::status::timeout);
  CHECK(bad.value_or("other") == "other");

  const nacosauth::result<void> nothing;
  CHECK(nothing.has_value());
  const nacosauth::result<void> failure = nacosauth::unexpected(bad.error());
  CHECK(!failure);
  CHECK(failure.error().message() == std::string("too late"));
}

TEST_CASE("a result may hold what only moves") {
  nacosauth::result<std::unique_ptr<int>> one = std::make_unique<int>(1);
  const auto value = *std::move(one);
  CHECK(*value == 1);
  nacosauth::result<std::unique_ptr<int>> none =
      nacosauth::unexpected(nacosauth::error(nacosauth::status::io, "broken"));
  CHECK(*std::move(none).value_or(std::make_unique<int>(2)) == 2);
}

TEST_CASE("an error tells what failed, and its copies share it") {
  auto settings = settings_of_a_new_user();
  settings.password = "wrong-password";
  const nacosauth::client client(settings);
  auto refused = client.try_token();
  REQUIRE(!refused);
  const auto error = refused.error();
  CHECK(error.code() == nacosauth::status::bad_credentials);
  CHECK(error.name() == std::string("BAD_CREDENTIALS"));
  CHECK(name(error.code()) == std::string("BAD_CREDENTIALS"));
  CHECK(error.http_status() != 0);
  CHECK(error.cause() == NACOS_CAUSE_WRONG_CREDENTIALS);
  CHECK(error.server() == settings.server_addr);
  CHECK(error.was_sent() == nacosauth::sent::no);
  CHECK(std::string(error.message()).find(settings.server_addr) != std::string::npos);
  CHECK(std::string(error.message()).find("wrong-password") == std::string::npos);
  CHECK(error.native() == refused.error().native());

  refused = client.try_token();  // not asked again so soon
  REQUIRE(!refused);
  REQUIRE(refused.error().retry_after().has_value());
  CHECK(refused.error().retry_after()->count() > 0);
  CHECK(error.message() != std::string());  // still there, though its result is another now
}

TEST_CASE("an exception carries the error, and outlives the client") {
  std::unique_ptr<const nacosauth::exception> kept;
  try {
    nacosauth::options settings;
    settings.server_addr = "127.0.0.1:0";
    const nacosauth::client nowhere(settings);
    FAIL("a client without a user name");
  } catch (const nacosauth::exception &failure) {
    kept = std::make_unique<const nacosauth::exception>(failure);
  }
  CHECK(kept->code() == nacosauth::status::invalid_config);
  CHECK(kept->what() == std::string(kept->error().message()));
  CHECK(kept->what() != std::string());
  CHECK(kept->error().cause() == NACOS_CAUSE_INVALID_CONFIG);
  CHECK(!kept->error().is_retryable());
  CHECK(!kept->error().retry_after());
}

TEST_CASE("a string that C would cut short is refused") {
  using namespace std::string_literals;
  const auto complaint = [](const auto &outcome) -> std::string {
    return outcome || outcome.error().code() != nacosauth::status::invalid_argument ? "" : outcome.error().message();
  };
  auto settings = settings_of_a_new_user();
  const nacosauth::client client(settings);
  CHECK(complaint(client.try_set_credentials("us\0er"s, "b")) == "username holds a NUL character");
  CHECK(complaint(client.try_set_credentials("user", "b\0"s)) == "password holds a NUL character");

  nacosauth::request request;
  request.path = "/v1/cs\0configs"s;
  CHECK(complaint(client.try_send(request)) == "path holds a NUL character");
  request.path = "/v1/cs/configs";
  request.headers = {{"X-\0"s, ""}};
  CHECK(complaint(client.try_send(request)) != "");
  request.headers = {{"X-A", "a\0b"s}};
  CHECK(complaint(client.try_send(request)) != "");

  settings.proxy = "http://127.0.0.1:1\0"s;
  CHECK(complaint(nacosauth::client::make(settings)) == "proxy holds a NUL character");
}
