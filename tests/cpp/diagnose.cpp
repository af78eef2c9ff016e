// What an examination finds, and how it ends.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "devserver.hpp"

namespace {

/// Whether a finding has this cause and severity.
bool names(const nacosauth::diagnosis &found, const std::string &cause, nacosauth::severity severity) {
  return std::any_of(found.findings.begin(), found.findings.end(), [&](const nacosauth::finding &finding) {
    return finding.cause == cause && finding.severity == severity;
  });
}

nacosauth::diagnose_options read_of_demo() {
  nacosauth::diagnose_options asked;
  asked.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  return asked;
}

constexpr auto error = nacosauth::severity::error;

}  // namespace

TEST_CASE("all is well") {
  const auto settings = settings_of_a_new_user();
  const auto found = nacosauth::diagnose(settings, read_of_demo());
  CHECK(found.severity <= nacosauth::severity::information);
  CHECK(names(found, NACOS_CAUSE_HEALTHY, nacosauth::severity::ok));
  CHECK(found.findings.front().server == settings.server_addr);
  CHECK(found.findings.back().server.empty());
  for (const auto &finding : found.findings) {
    CHECK(!finding.seen.empty());
    CHECK(!finding.means.empty());
    CHECK(!finding.cure.empty());
    CHECK(found.text.find(finding.seen.substr(0, finding.seen.find(' '))) != std::string::npos);
    CHECK(found.json.find("\"cause\":\"" + finding.cause + '"') != std::string::npos);
  }
  CHECK(found.json.front() == '{');
}

TEST_CASE("a wrong password is a finding, and shown nowhere") {
  auto settings = settings_of_a_new_user();
  settings.password = "s3cret-and-wrong";
  const auto found = nacosauth::diagnose(settings);
  CHECK(found.severity == error);
  CHECK(names(found, NACOS_CAUSE_WRONG_CREDENTIALS, error));
  auto shown = found.text + found.json;
  for (const auto &finding : found.findings) shown += finding.seen + finding.means + finding.cure;
  CHECK(shown.find(settings.password) == std::string::npos);
}

TEST_CASE("a token that is refused") {
  nacosauth::diagnose_options asked;
  asked.token =
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyIsImV4cCI6MTcwMDAwMDAwMH0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const auto found = nacosauth::diagnose(settings_of_a_new_user(), asked);
  CHECK(names(found, NACOS_CAUSE_TOKEN_EXPIRED, error));
  CHECK((found.text + found.json).find(asked.token) == std::string::npos);
}

TEST_CASE("a missing permission, and requests that are not sent unless told") {
  const auto settings = settings_of_a_new_user();
  control("POST", "/user",
          R"({"username":")" + settings.username + R"(","password":")" + settings.password + R"(","permitted":false})");
  CHECK(names(nacosauth::diagnose(settings, read_of_demo()), NACOS_CAUSE_PERMISSION_MISSING, error));
  auto asked = read_of_demo();
  asked.method = "DELETE";
  CHECK(names(nacosauth::diagnose(settings, asked), NACOS_CAUSE_NOT_TRIED, nacosauth::severity::information));
  asked.send_writes = true;
  CHECK(names(nacosauth::diagnose(settings, asked), NACOS_CAUSE_PERMISSION_MISSING, error));
}

TEST_CASE("a server that is not there") {
  nacosauth::options settings;
  settings.server_addr = "127.0.0.1:1";
  settings.username = settings.password = "nacos";
  const auto found = nacosauth::try_diagnose(settings);
  REQUIRE(found.has_value());
  CHECK(names(*found, NACOS_CAUSE_CONNECTION_REFUSED, error));
}

TEST_CASE("what is not usable") {
  const auto refusal_of = [](const auto &change) {
    auto settings = settings_of_a_new_user();
    nacosauth::diagnose_options asked;
    change(settings, asked);
    const auto found = nacosauth::try_diagnose(settings, asked);
    return found ? nacosauth::status::ok : found.error().code();
  };
  using nacosauth::diagnose_options;
  using nacosauth::options;
  using nacosauth::status;
  CHECK(refusal_of([](options &settings, diagnose_options &) { settings.server_addr.clear(); }) ==
        status::invalid_config);
  CHECK(refusal_of([](options &settings, diagnose_options &) { settings.proxy.assign(1, '\0'); }) ==
        status::invalid_argument);
  CHECK(refusal_of([](options &, diagnose_options &asked) { asked.token.assign(1, '\0'); }) ==
        status::invalid_argument);
  CHECK(refusal_of([](options &, diagnose_options &asked) { asked.method = "GET"; }) == status::invalid_argument);
  CHECK(refusal_of([](options &, diagnose_options &asked) { asked.path = "/.."; }) == status::invalid_argument);
  CHECK(refusal_of([](options &, diagnose_options &asked) { asked.timeout = std::chrono::seconds(0); }) ==
        status::invalid_argument);
  CHECK_THROWS_AS((void)nacosauth::diagnose({}), nacosauth::exception);
}

TEST_CASE("an examination ends in its time, and from another thread") {
  const hung_server hung;
  nacosauth::options settings;
  settings.server_addr = hung.address();
  settings.username = settings.password = "nacos";
  nacosauth::diagnose_options asked;
  asked.timeout = std::chrono::milliseconds(300);
  const auto start = std::chrono::steady_clock::now();
  CHECK(names(nacosauth::diagnose(settings, asked), NACOS_CAUSE_NO_ANSWER, error));
  nacosauth::cancel_source source;
  asked.timeout = std::chrono::hours::max();
  asked.cancel = &source;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    source.cancel();
  });
  const auto found = nacosauth::try_diagnose(settings, asked);
  other.join();
  REQUIRE(!found.has_value());
  CHECK(found.error().code() == nacosauth::status::cancelled);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
  const auto moved = std::move(source);
  const auto refused = nacosauth::try_diagnose(settings, asked);
  CHECK((!refused && refused.error().code() == nacosauth::status::null_argument));
}

TEST_CASE("of the callbacks only credentials is called, and let go of afterwards") {
  const auto user = settings_of_a_new_user();
  const auto thread = std::this_thread::get_id();
  const auto held = std::make_shared<int>(0);
  int asked = 0, told = 0;
  nacosauth::options settings;
  settings.server_addr = user.server_addr;
  settings.event = [&, held](const nacosauth::event &) { ++told; };
  settings.log = [&](const nacosauth::log_record &) { ++told; };
  settings.keep_waiting = [&] { return ++told != 0; };
  settings.credentials = [&]() -> nacosauth::supplied {
    asked += thread == std::this_thread::get_id() ? 1 : 100;
    return nacosauth::user_password{user.username, user.password};
  };
  CHECK(nacosauth::diagnose(settings).severity <= nacosauth::severity::information);
  CHECK(asked == 1);
  CHECK(told == 0);
  CHECK(held.use_count() == 2);
  settings.credentials = []() -> nacosauth::supplied { throw std::runtime_error("the vault is locked"); };
  const auto found = nacosauth::diagnose(settings);
  CHECK(names(found, NACOS_CAUSE_CREDENTIALS_CALLBACK, error));
  CHECK(found.text.find("the vault is locked") != std::string::npos);
}

TEST_CASE("the name of a severity") { CHECK(name(nacosauth::severity::warning) == std::string("WARNING")); }
