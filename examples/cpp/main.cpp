// Reads one configuration every 200 ms. Argument 1: seconds to run, 30 unless told.
// Environment: NACOS_SERVER_ADDR, NACOS_USERNAME, NACOS_PASSWORD, NACOS_DATA_ID.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <nacos_auth.hpp>
#include <thread>

static std::string env(const char *name, const char *otherwise) {
  const char *value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

int main(int argc, char **argv) try {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  const auto seconds = std::chrono::duration<double>(argc > 1 ? std::atof(argv[1]) : 30);
  unsigned requests = 0, tokens = 0, failures = 0;
  std::uint64_t last = 0;

  nacosauth::options options;
  options.server_addr = env("NACOS_SERVER_ADDR", "127.0.0.1:8848");
  options.username = env("NACOS_USERNAME", "nacos");
  options.password = env("NACOS_PASSWORD", "nacos");
  const nacosauth::client client(options);

  nacosauth::request request;
  request.path = "/v1/cs/configs";
  request.query = {{"dataId", env("NACOS_DATA_ID", "demo")}, {"group", "DEFAULT_GROUP"}};
  while (clock::now() - start < seconds) {
    ++requests;
    try {
      const auto response = client.send(request);
      if (response.status() != 200 && response.status() != 404) {  // 404: there is no such configuration
        ++failures;
        std::cout << "failed HTTP " << response.status() << ": " << response.body() << std::endl;
      }
      if (response.generation() != last) {
        last = response.generation();
        ++tokens;
        std::cout << "token generation=" << last << " requests=" << requests << " replays=" << client.stats().replays
                  << std::endl;
      }
    } catch (const nacosauth::exception &failure) {
      ++failures;
      std::cout << "failed " << failure.error().name() << ": " << failure.what() << std::endl;
    }
    // A rhythm, however long a request takes.
    std::this_thread::sleep_until(start + requests * std::chrono::milliseconds(200));
  }
  std::cout << "done requests=" << requests << " tokens=" << tokens << " replays=" << client.stats().replays
            << " failures=" << failures << std::endl;
  return failures == 0 ? 0 : 1;
} catch (const nacosauth::exception &failure) {
  std::cerr << failure.what() << '\n';
  return 1;
}
