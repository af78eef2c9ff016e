// The C++ header: ownership, both kinds of failure, every member function. NACOS_SERVER_ADDR: lets nacos/nacos in.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nacos_auth.hpp>
#include <string>
#include <thread>
#include <type_traits>

namespace {

int checks, failures;

void check(bool good, const char *what, int line) {
  ++checks;
  if (good) return;
  ++failures;
  std::printf("%s:%d: not so: %s\n", __FILE__, line, what);
}
#define CHECK(...) check((__VA_ARGS__), #__VA_ARGS__, __LINE__)

template <class Owner>
constexpr bool only_moves = std::is_nothrow_move_constructible_v<Owner> &&std::is_nothrow_move_assignable_v<Owner> &&
                            !std::is_copy_constructible_v<Owner> && !std::is_copy_assignable_v<Owner>;
static_assert(only_moves<nacosauth::client> && only_moves<nacosauth::response>);
static_assert(only_moves<nacosauth::error> && only_moves<nacosauth::cancel_source>);
static_assert(std::is_nothrow_copy_constructible_v<nacosauth::exception>);
static_assert(sizeof(nacosauth::client) == sizeof(nacos_auth *));

template <class Call>
nacosauth::status thrown_by(Call call) {
  try {
    call();
  } catch (const nacosauth::exception &failure) {
    CHECK(failure.what() == std::string(failure.error().message()) && failure.what()[0] != '\0');
    return failure.code();
  }
  return nacosauth::status::ok;
}

nacosauth::options settings(const std::string &server) {
  nacosauth::options options;
  options.server_addr = server;
  options.username = "nacos";
  options.password = "nacos";
  return options;
}

void tokens(const nacosauth::client &client) {
  const auto copy = client.copy_token();
  CHECK(!copy.value.empty() && copy.generation != 0 && copy.remaining.count() > 0 && !copy.expired);
  CHECK(client.token() == copy.value && client.generation() == copy.generation);
  const auto token = client.try_token({std::chrono::seconds(1), nullptr});
  CHECK(token && *token == copy.value && token->size() == copy.value.size());
}

void requests(const nacosauth::client &client) {
  nacosauth::request publish;
  publish.method = "POST";
  publish.path = "/v1/cs/configs";
  publish.form = {{"dataId", "cpp-test"}, {"group", "DEFAULT_GROUP"}, {"content", "a=1&b=\u00e9"}};
  CHECK(client.send(publish).status() == 200);

  nacosauth::request get;
  get.path = "/v1/cs/configs";
  get.query = {{"dataId", "cpp-test"}, {"group", "DEFAULT_GROUP"}};
  auto response = client.send(get);
  CHECK(response.status() == 200 && response.body() == "a=1&b=\u00e9");
  CHECK(response.generation() == client.generation() && response.replays() == 0);
  CHECK(response.header("Content-Type").has_value() && !response.header("x-absent").has_value());
  bool found = false;
  for (const auto &[name, value] : response.headers()) found |= name == "content-type" && !value.empty();
  CHECK(found);

  const auto kept = std::move(response);
  CHECK(kept.status() == 200 && response.status() == 0 && response.body().empty());
  nacos_response_free(client.send(get).release());

#if __cplusplus >= 202002L
  CHECK(client.send({.path = "/v1/cs/configs", .query = {{"dataId", "absent"}, {"group", "g"}}}).status() == 404);
#endif
}

void wrong_arguments(const nacosauth::client &client) {
  using namespace std::string_literals;
  nacosauth::request request;
  request.path = "/v1/cs\0configs"s;
  CHECK(thrown_by([&] { (void)client.send(request); }) == nacosauth::status::invalid_argument);
  const auto refused = client.try_send(request);
  CHECK(!refused && refused.error().message() == "path holds a NUL character"s && refused.error().native() == nullptr);
  request.path = "no slash";
  CHECK(thrown_by([&] { (void)client.send(request); }) == nacosauth::status::invalid_argument);
  request.path = "/v1/cs/configs";
  request.headers = {{"X-Evil", "a\r\nb"}};
  CHECK(thrown_by([&] { (void)client.send(request); }) == nacosauth::status::invalid_argument);
  CHECK(thrown_by([&] { client.set_credentials("nacos", "na\0cos"s); }) == nacosauth::status::invalid_argument);
  CHECK(thrown_by([&] { client.set_credentials("nacos", ""); }) == nacosauth::status::invalid_argument);
  CHECK(thrown_by([] { nacosauth::client nowhere{nacosauth::options()}; }) == nacosauth::status::invalid_config);
  auto none = nacosauth::client::make(settings(""));
  CHECK(!none && none.error().code() == nacosauth::status::invalid_config && none.error().native() != nullptr);
  CHECK(none.error().name() == "INVALID_CONFIG"s && !none.error().retryable() && !none.error().retry_after());
  nacos_error_free(none.error().release());
}

void ownership(const std::string &server) {
  nacosauth::client one(settings(server));
  nacosauth::client two(std::move(one));
  CHECK(one.native() == nullptr && two.native() != nullptr);
  CHECK(thrown_by([&] { (void)one.token(); }) == nacosauth::status::null_argument);  // moved from: an error, no crash
  one = std::move(two);
  nacosauth::client three(one.release());
  CHECK(!three.token().empty());
  three.close();
  three.close();
  CHECK(three.generation() == 0);
  CHECK(thrown_by([&] { (void)three.token(); }) == nacosauth::status::closed);
  CHECK(three.try_token().error().code() == nacosauth::status::closed);
  CHECK(three.stats().requests == 0);
}

void other_calls(const nacosauth::client &client) {
  const auto generation = client.generation();
  CHECK(client.report_rejected(generation, 200, "x") == nacosauth::advice::hand_on);
  CHECK(client.report_rejected(generation, 403, "{\"status\":403,\"message\":\"token invalid!\"}") ==
        nacosauth::advice::replay);
  CHECK(client.generation() != generation && !client.token().empty());
  CHECK(thrown_by([&] { (void)client.report_rejected(1, 7, {}); }) == nacosauth::status::invalid_argument);
  CHECK(client.stats().rejections == 1);

  const nacosauth::cancel_source cancel;
  client.set_credentials("nacos", "wrong-password");
  cancel.cancel();
  CHECK(thrown_by([&] { (void)client.token({std::nullopt, &cancel}); }) == nacosauth::status::cancelled);
  auto refused = client.try_token();
  CHECK(!refused && refused.error().code() == nacosauth::status::bad_credentials);
  CHECK(refused.error().http_status() != 0);
  refused = client.try_token();  // not asked again so soon
  CHECK(!refused && refused.error().retry_after().has_value());
  client.set_credentials("nacos", "nacos");
  CHECK(client.try_token().has_value());
}

}  // namespace

int main() {
  const char *server = std::getenv("NACOS_SERVER_ADDR");
  if (server == nullptr) {
    std::puts("NACOS_SERVER_ADDR is not set");
    return 2;
  }
  const nacosauth::client client(settings(server));
  tokens(client);
  requests(client);
  wrong_arguments(client);
  ownership(server);
  other_calls(client);
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
