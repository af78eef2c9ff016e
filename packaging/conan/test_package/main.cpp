// No server is needed: settings are checked, nothing is asked.
#include <iostream>
#include <nacos_auth.hpp>

int main() try {
  nacosauth::options options;
  options.server_addr = "127.0.0.1:8848";
  options.username = options.password = "nacos";
  const nacosauth::client client(options);
  std::cout << "nacos-auth " << nacos_auth_version() << " in C++\n";
} catch (const nacosauth::exception &failure) {
  std::cerr << failure.what() << '\n';
  return 1;
}
