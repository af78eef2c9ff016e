#include "devserver.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// The body of the answer to one request on a connection of its own.
std::string asked(const std::string &server, const std::string &request) {
  const auto there = loopback(static_cast<std::uint16_t>(std::stoi(server.substr(server.find(':') + 1))));
  const int link = socket(AF_INET, SOCK_STREAM, 0);
  std::string answer;
  if (connect(link, reinterpret_cast<const sockaddr *>(&there), sizeof(there)) == 0 &&
      write(link, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
    char part[1024];
    for (ssize_t got; (got = read(link, part, sizeof(part))) > 0;) answer.append(part, static_cast<std::size_t>(got));
  }
  ::close(link);
  if (answer.rfind("HTTP/1.1 200", 0) != 0) throw std::runtime_error("the server said: " + answer);
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

std::string control(const std::string &method, const std::string &path, const std::string &json) {
  const auto server = environment("NACOS_CONTROL_ADDR");
  return asked(server, method + ' ' + path + " HTTP/1.1\r\nHost: " + server +
                           "\r\nConnection: close\r\nContent-Length: " + std::to_string(json.size()) + "\r\n\r\n" +
                           json);
}

std::uint64_t counted(const std::string &name) {
  const auto counts = control("GET", "/counts");
  const auto key = '"' + name + "\":";
  const auto found = counts.find(key);
  if (found == std::string::npos) throw std::runtime_error("no " + name + " in " + counts);
  return std::stoull(counts.substr(found + key.size()));
}

nacosauth::options settings_of_a_new_user() {
  static int users = 0;
  nacosauth::options options;
  options.server_addr = environment("NACOS_SERVER_ADDR");
  options.username = "user" + std::to_string(++users);
  options.password = "a password";
  control("POST", "/user",
          R"({"username":")" + options.username + R"(","password":")" + options.password + R"(","permitted":true})");
  return options;
}

hung_server::hung_server() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
  const auto here = loopback(0);
  if (bind(listener_, reinterpret_cast<const sockaddr *>(&here), sizeof(here)) != 0 || listen(listener_, 64) != 0)
    throw std::runtime_error("no hung server");
}

hung_server::~hung_server() { ::close(listener_); }

std::string hung_server::address() const {
  sockaddr_in here = {};
  socklen_t length = sizeof(here);
  if (getsockname(listener_, reinterpret_cast<sockaddr *>(&here), &length) != 0)
    throw std::runtime_error("no address of the hung server");
  return "127.0.0.1:" + std::to_string(ntohs(here.sin_port));
}
