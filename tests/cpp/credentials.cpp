// Credentials from elsewhere than the options' user name and password, and other ones later.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>

#include "devserver.hpp"

namespace {

/// A file that goes when this does.
class temporary_file {
 public:
  explicit temporary_file(const std::string &text) {
    const int file = mkstemp(path_.data());
    REQUIRE(file >= 0);
    CHECK(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(file);
  }
  ~temporary_file() { unlink(path_.c_str()); }
  temporary_file(const temporary_file &) = delete;
  temporary_file &operator=(const temporary_file &) = delete;
  const std::string &path() const { return path_; }

 private:
  std::string path_ = "/tmp/nacos_auth-XXXXXX";
};

nacosauth::options settings_with_token(const std::string &token) {
  nacosauth::options options;
  options.server_addr = environment("NACOS_SERVER_ADDR");
  options.token = token;
  return options;
}

nacosauth::status refusal_of(const nacosauth::options &options) {
  const auto client = nacosauth::client::make(options);
  return client ? nacosauth::status::ok : client.error().code();
}

}  // namespace

TEST_CASE("other credentials from now on") {
  const auto first = settings_of_a_new_user(), second = settings_of_a_new_user();
  const nacosauth::client client(first);
  const auto old = client.token();
  client.set_credentials(second.username, second.password);
  CHECK(client.token() != old);
  CHECK(client.try_set_credentials(first.username, first.password).has_value());
  CHECK(!client.token().empty());
}

TEST_CASE("the password from a file") {
  auto settings = settings_of_a_new_user();
  const temporary_file file(settings.password + '\n');
  settings.password.clear();
  settings.password_file = file.path();
  CHECK(!nacosauth::client(settings).token().empty());
  settings.password_file += ".absent";
  CHECK(refusal_of(settings) == nacosauth::status::invalid_config);
}

TEST_CASE("a token from somebody else, and another one later") {
  const nacosauth::client one(settings_of_a_new_user()), two(settings_of_a_new_user());
  const auto first = one.token(), second = two.token();
  const auto logins = counted("logins");
  const nacosauth::client client(settings_with_token(first));
  CHECK(client.token() == first);

  client.set_token(second, std::chrono::seconds(60));
  const auto copy = client.copy_token();
  CHECK(copy.value == second);
  CHECK(copy.remaining <= std::chrono::seconds(60));
  CHECK(copy.remaining > std::chrono::seconds(0));
  CHECK(client.try_set_token(first).has_value());
  CHECK(client.token() == first);
  CHECK(counted("logins") == logins);

  const auto refused = client.try_set_token("");
  CHECK(refused.error().code() == nacosauth::status::invalid_argument);
  CHECK(refused.error().native() != nullptr);
  CHECK(client.try_set_token(std::string("a\0b", 3)).error().message() == std::string("token holds a NUL character"));
  client.close();
  CHECK(client.try_set_token(first).error().code() == nacosauth::status::closed);
  CHECK_THROWS_AS(client.set_token(first), nacosauth::exception);
}

TEST_CASE("one source of credentials, no more and no less") {
  nacosauth::options none;
  none.server_addr = "127.0.0.1:1";
  CHECK(refusal_of(none) == nacosauth::status::invalid_config);
  none.username = "nacos";
  CHECK(refusal_of(none) == nacosauth::status::invalid_config);

  auto two = settings_with_token("token");
  two.username = "nacos";
  CHECK(refusal_of(two) != nacosauth::status::ok);
  two.username.clear();
  two.credentials = [] { return nacosauth::no_credentials{}; };
  CHECK(refusal_of(two) != nacosauth::status::ok);
  two.token.clear();
  CHECK(refusal_of(two) == nacosauth::status::ok);
}
