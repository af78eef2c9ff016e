// The development server of these tests: NACOS_SERVER_ADDR, and its control API at NACOS_CONTROL_ADDR.
#pragma once

#include <cstdint>
#include <nacos_auth.hpp>
#include <string>

/// The value of a variable of the environment; throws if there is none.
std::string environment(const char *name);

/// A client of the server for a user that no other test has: what one test does is nothing to the next.
nacosauth::options settings_of_a_new_user();

/// One call of the control API; its answer. Throws unless that is a 200.
std::string control(const std::string &method, const std::string &path, const std::string &json = "");

/// What the server has counted under this name, as "logins".
std::uint64_t counted(const std::string &name);

/// Accepts connections and never answers.
class hung_server {
 public:
  hung_server();
  ~hung_server();
  hung_server(const hung_server &) = delete;
  hung_server &operator=(const hung_server &) = delete;
  std::string address() const;

 private:
  int listener_;
};
