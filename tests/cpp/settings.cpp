// Settings that a client is made with.
#include <doctest/doctest.h>

#include "devserver.hpp"

namespace {

/// The error of settings that differ in one way from good ones.
template <class Change>
nacosauth::error refusal_of(const Change &change) {
  nacosauth::options settings;
  settings.server_addr = "127.0.0.1:1";
  settings.username = settings.password = "nacos";
  change(settings);
  const auto client = nacosauth::client::make(settings);
  if (client) return nacosauth::error(nacosauth::status::ok, "nothing is wrong");
  return client.error();
}

}  // namespace

TEST_CASE("each setting reaches the library") {
  using nacosauth::options;
  const auto names = [](const nacosauth::error &error, const std::string &setting) {
    INFO(error.message());
    return error.code() == nacosauth::status::invalid_config && error.cause() == NACOS_CAUSE_INVALID_CONFIG &&
           std::string(error.message()).find(setting) != std::string::npos;
  };
  CHECK(names(refusal_of([](options &o) { o.ca_pem = "no PEM"; }), "ca_pem"));
  CHECK(names(refusal_of([](options &o) { o.client_cert_pem = o.client_key_pem = "no PEM"; }), "client_"));
  CHECK(names(refusal_of([](options &o) { o.ca_pem = o.ca_file = "both"; }), "exclude each other"));
  CHECK(names(refusal_of([](options &o) { o.client_cert_pem = "no key"; }), "client_key"));
  CHECK(names(refusal_of([](options &o) { o.tls_server_name = "no name"; }), "tls_server_name"));
  CHECK(names(refusal_of([](options &o) { o.user_agent = "two\r\nlines"; }), "user_agent"));
  CHECK(names(refusal_of([](options &o) { o.context_path = "a b\r\n"; }), "context_path"));
  CHECK(names(refusal_of([](options &o) { o.token_in = static_cast<nacosauth::token_in>(9); }), "token_in"));
  CHECK(names(refusal_of([](options &o) { o.anonymous = static_cast<nacosauth::anonymous>(9); }), "anonymous"));
  CHECK(refusal_of([](options &o) { o.ca_pem.assign(1, '\0'); }).message() ==
        std::string("ca_pem holds a NUL character"));
  CHECK(refusal_of([](options &) {}).code() == nacosauth::status::ok);
}

TEST_CASE("braces are settings with nothing in them, not a handle") {
  const auto missing = doctest::Contains("server_addr: ");
  CHECK_THROWS_WITH_AS(nacosauth::client({}), missing, nacosauth::exception);
  CHECK_THROWS_WITH_AS(nacosauth::client{{}}, missing, nacosauth::exception);
  CHECK_THROWS_WITH_AS((void)nacosauth::diagnose({}), missing, nacosauth::exception);
  const auto made = nacosauth::client::make({});
  REQUIRE_FALSE(made);
  CHECK(made.error().code() == nacosauth::status::invalid_config);
  CHECK(std::string_view(made.error().message()).find("server_addr: ") != std::string_view::npos);
  CHECK(nacosauth::cancel_source({}).native() != nullptr);
}

TEST_CASE("the token in each place") {
  for (const auto place : {nacosauth::token_in::automatic, nacosauth::token_in::authorization,
                           nacosauth::token_in::header, nacosauth::token_in::query}) {
    auto settings = settings_of_a_new_user();
    settings.token_in = place;
    nacosauth::request request;
    request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
    CHECK(nacosauth::client(settings).send(request).body() == "hello");
  }
}

TEST_CASE("names, for logs") {
  CHECK(name(nacosauth::token_in::query) == std::string("QUERY"));
  CHECK(name(nacosauth::log_level::warn) == std::string("WARN"));
  CHECK(name(nacosauth::event_kind::credentials_rejected) == std::string("CREDENTIALS_REJECTED"));
  CHECK(name(nacosauth::token_state::fresh) == std::string("FRESH"));
  CHECK(name(nacosauth::refresh_state::in_flight) == std::string("IN_FLIGHT"));
  CHECK(name(nacosauth::advice::replay) == std::string("REPLAY"));
  CHECK(name(static_cast<nacosauth::event_kind>(77)) == std::string("UNKNOWN"));
}
