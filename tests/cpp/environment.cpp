// Settings from environment variables, by the table that the tests of every language read.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>

#include "devserver.hpp"

namespace {

using strings = std::map<std::string, std::string>;

struct one_case {
  std::string what;
  strings variables, settings;
  std::string message;  // "": it does not fail
};

std::string unescaped(std::string text) {
  for (auto at = text.find("\\x"); at != text.npos; at = text.find("\\x", at + 1))
    text.replace(at, 4, 1, static_cast<char>(std::stoi(text.substr(at + 2, 2), nullptr, 16)));
  return text;
}

std::vector<one_case> table() {
  std::ifstream file("tests/environment.txt");
  std::vector<one_case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto word = line.substr(0, line.find(' ')), rest = line.substr(line.find(' ') + 1);
    const auto name = rest.substr(0, rest.find('='));
    const auto value = [&] { return unescaped(rest.substr(rest.find('=') + 1)); };
    if (word == "case")
      cases.push_back({rest, {}, {}, {}});
    else if (word == "set")
      cases.back().variables[name] = value();
    else if (word == "gives")
      cases.back().settings[name] = value();
    else if (word == "fails")
      cases.back().message = rest;
    else
      throw std::runtime_error(line);
  }
  return cases;
}

/// Nothing but these variables of ours, as long as it lives.
class only {
 public:
  explicit only(const strings &variables) {
    for (const char *name : nacosauth::detail::environment::names) {
      if (const char *value = std::getenv(name)) before_[name] = value;
      unsetenv(name);
    }
    for (const auto &[name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
  ~only() {
    for (const char *name : nacosauth::detail::environment::names) unsetenv(name);
    for (const auto &[name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  only(const only &) = delete;
  only &operator=(const only &) = delete;

 private:
  strings before_;
};

/// Those that have not their defaults.
strings settings_of(const nacosauth::options &given) {
  strings all = {{"server_addr", given.server_addr},
                 {"username", given.username},
                 {"password", given.password},
                 {"password_file", given.password_file},
                 {"token", given.token},
                 {"context_path", given.context_path.value_or("")},
                 {"ca_file", given.ca_file},
                 {"client_cert_file", given.client_cert_file},
                 {"client_key_file", given.client_key_file},
                 {"tls_server_name", given.tls_server_name},
                 {"proxy", given.proxy}};
  if (given.token_in == nacosauth::token_in::authorization) all["token_in"] = "authorization";
  if (given.token_in == nacosauth::token_in::header) all["token_in"] = "header";
  if (given.token_in == nacosauth::token_in::query) all["token_in"] = "query";
  for (auto at = all.begin(); at != all.end();) at = at->second.empty() ? all.erase(at) : std::next(at);
  return all;
}

}  // namespace

TEST_CASE("settings from the environment: the table of all languages") {
  const auto cases = table();
  CHECK(cases.size() > 30);
  for (const auto &one : cases) {
    CAPTURE(one.what);
    const only variables(one.variables);
    if (one.message.empty()) {
      const auto read = nacosauth::detail::environment::read();
      REQUIRE(read);
      CHECK(settings_of(*read) == one.settings);
      continue;
    }
    const auto read = nacosauth::options::try_from_env();
    REQUIRE_FALSE(read);
    CHECK(read.error().message() == one.message);
    CHECK(read.error().code() == nacosauth::status::invalid_config);
    CHECK(read.error().cause() != "");
    CHECK(std::string(read.error().message()).find("s3cret") == std::string::npos);
    CHECK_THROWS_AS((void)nacosauth::options::from_env(), nacosauth::exception);
  }
}

TEST_CASE("a client with settings from the environment") {
  const auto address = environment("NACOS_SERVER_ADDR");
  const only variables({{"NACOS_SERVER_ADDR", address}, {"NACOS_USERNAME", "nacos"}, {"NACOS_PASSWORD", "nacos"}});
  CHECK_FALSE(nacosauth::client(nacosauth::options::from_env()).token().empty());
}

TEST_CASE("the variables are read for nobody else") {
  const auto address = environment("NACOS_SERVER_ADDR");
  const only variables(
      {{"NACOS_PROXY", "http://127.0.0.1:1"}, {"NACOS_TOKEN", "wrong"}, {"NACOS_TOKEN_IN", "nowhere"}});
  nacosauth::options settings;
  settings.server_addr = address;
  settings.username = settings.password = "nacos";
  CHECK_FALSE(nacosauth::client(settings).token().empty());
}
