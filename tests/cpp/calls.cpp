// Every call of the client, answered by the server.
#include <doctest/doctest.h>

#include "devserver.hpp"

namespace {

nacosauth::request read_of(const std::string &data_id) {
  nacosauth::request request;
  request.path = "/v1/cs/configs";
  request.query = {{"dataId", data_id}, {"group", "DEFAULT_GROUP"}};
  return request;
}

nacosauth::rejection answer_of(std::uint64_t generation, int http_status, std::string_view body) {
  nacosauth::rejection answer;
  answer.generation = generation;
  answer.http_status = http_status;
  answer.body = body;
  return answer;
}

}  // namespace

TEST_CASE("the token, and what is known of it") {
  const nacosauth::client client(settings_of_a_new_user());
  CHECK(client.generation() == 0);
  const auto copy = client.copy_token();
  CHECK(!copy.value.empty());
  CHECK(copy.generation == client.generation());
  CHECK(copy.remaining.count() > 0);
  CHECK(!copy.expired);
  CHECK(client.token() == copy.value);
  const auto token = client.try_token({std::chrono::seconds(1), nullptr});
  REQUIRE(token);
  CHECK(*token == copy.value);
}

TEST_CASE("a form, a query, a body with any bytes, and their answers") {
  using namespace std::string_literals;
  const nacosauth::client client(settings_of_a_new_user());
  nacosauth::request publish;
  publish.method = "POST";
  publish.path = "/v1/cs/configs";
  publish.form = {{"dataId", "cpp-test"}, {"group", "DEFAULT_GROUP"}, {"content", "a=1&b=\u00e9"}};
  CHECK(client.send(publish).status() == 200);

  const auto response = client.send(read_of("cpp-test"));
  CHECK(response.status() == 200);
  CHECK(response.body() == "a=1&b=\u00e9");
  CHECK(response.generation() == client.generation());
  CHECK(response.replays() == 0);
  REQUIRE(response.header("Content-Type"));
  CHECK(!response.header("x-absent"));
  CHECK(!response.header("content-type\0"s));
  const auto headers = response.headers();
  REQUIRE(headers.size() == nacos_response_header_count(response.native()));
  for (const auto &[name, value] : headers) CHECK(response.header(name).has_value());
  CHECK(client.send(read_of("absent")).status() == 404);

  publish.form.clear();
  publish.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  publish.body = "dataId=cpp-test&group=DEFAULT_GROUP&content=a%00b";
  CHECK(client.send(publish).status() == 200);
  CHECK(client.send(read_of("cpp-test")).body() == "a\0b"s);
}

#if __cplusplus >= 202002L
TEST_CASE("settings and requests by name") {
  const auto user = settings_of_a_new_user();
  const nacosauth::client client(
      {.server_addr = user.server_addr, .username = user.username, .password = user.password});
  CHECK(client.send({.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"}).body() == "hello");
}
#endif

TEST_CASE("what the C functions refuse") {
  const nacosauth::client client(settings_of_a_new_user());
  auto request = read_of("demo");
  request.path = "no slash";
  CHECK(client.try_send(request).error().code() == nacosauth::status::invalid_argument);
  request = read_of("demo");
  request.headers = {{"X-Evil", "a\r\nb"}};
  CHECK(client.try_send(request).error().code() == nacosauth::status::invalid_argument);
  const auto refused = client.try_set_credentials("user", "");
  CHECK(refused.error().code() == nacosauth::status::invalid_argument);
  CHECK(refused.error().native() != nullptr);
  CHECK(client.try_report_rejected(answer_of(1, 7, {})).error().code() == nacosauth::status::invalid_argument);
}

TEST_CASE("a token that the server refuses is replaced inside the call") {
  const nacosauth::client client(settings_of_a_new_user());
  const auto old = client.copy_token();
  control("POST", "/revoke");
  const auto response = client.send(read_of("demo"));
  CHECK(response.body() == "hello");
  CHECK(response.replays() == 1);
  CHECK(client.generation() != old.generation);
  CHECK(client.token() != old.value);
  const auto statistics = client.stats();
  CHECK(statistics.logins == 2);
  CHECK(statistics.replays == 1);
  CHECK(statistics.logins_first == 1);
  CHECK(statistics.logins_rejection == 1);
  CHECK(statistics.generation == client.generation());
  CHECK(statistics.remaining > std::chrono::minutes(1));
  CHECK(statistics.refresh_state == nacosauth::refresh_state::idle);
  CHECK(statistics.token_state == nacosauth::token_state::fresh);
}

TEST_CASE("an answer that another HTTP library got") {
  const nacosauth::client client(settings_of_a_new_user());
  const auto generation = client.copy_token().generation;
  CHECK(client.report_rejected(answer_of(generation, 200, "x")).advice == nacosauth::advice::hand_on);
  auto refusal = answer_of(generation, 403, R"({"status":403,"message":"token invalid!"})");
  CHECK(client.report_rejected(refusal).advice == nacosauth::advice::replay);
  CHECK(client.generation() != generation);
  CHECK(!client.token().empty());
  CHECK(client.stats().rejections == 1);

  auto busy = answer_of(client.generation(), 503, "");
  busy.server = environment("NACOS_SERVER_ADDR");
  busy.retry_after = "7";
  const auto advised = client.report_rejected(busy);
  CHECK(advised.advice == nacosauth::advice::hand_on);
  CHECK(advised.wait == std::chrono::seconds(7));
  busy.server = std::string("a\0b", 3);
  CHECK(client.try_report_rejected(busy).error().message() == std::string("server holds a NUL character"));
}
