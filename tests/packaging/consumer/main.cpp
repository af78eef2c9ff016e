// A program of somebody who has only the installation: one request to NACOS_SERVER_ADDR.
#include <cstdlib>
#include <iostream>
#include <nacos_auth.hpp>

int main() try {
  nacosauth::options options;
  options.server_addr = std::getenv("NACOS_SERVER_ADDR");
  options.username = options.password = "nacos";
  const nacosauth::client client(options);
  nacosauth::request request;
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  const auto response = client.send(request);
  std::cout << response.status() << ' ' << response.body() << '\n';
} catch (const nacosauth::exception &failure) {
  std::cerr << failure.what() << '\n';
  return 1;
}
