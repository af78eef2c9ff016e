// Reads one configuration 1000 times at once, on one thread: calls are started with a callable, which a loop calls that
// polls the descriptor of a queue. Environment: NACOS_SERVER_ADDR, NACOS_USERNAME, NACOS_PASSWORD, NACOS_DATA_ID.
#include <poll.h>

#include <cstdlib>
#include <iostream>
#include <nacos_auth.hpp>

static std::string env(const char *name, const char *otherwise) {
  const char *value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

int main() try {
  unsigned requests = 0, ended = 0, failures = 0;
  nacosauth::options options;
  options.server_addr = env("NACOS_SERVER_ADDR", "127.0.0.1:8848");
  options.username = env("NACOS_USERNAME", "nacos");
  options.password = env("NACOS_PASSWORD", "nacos");
  const nacosauth::client client(options);

  // One of its own, first: a future, for a thread that can wait.
  std::cout << "a token of " << client.async_token().future().get().size() << " bytes" << std::endl;

  const nacosauth::queue queue;
  nacosauth::request request;
  request.path = "/v1/cs/configs";
  request.query = {{"dataId", env("NACOS_DATA_ID", "demo")}, {"group", "DEFAULT_GROUP"}};
  const auto call = client.async_send(request, queue);  // nothing happens yet
  while (requests < 1000) {
    // Returns at once. What it returns could cancel this call alone.
    call.start([&](nacosauth::result<nacosauth::response> answer) {
      ++ended;
      if (answer && (answer->status() == 200 || answer->status() == 404))
        return;  // 404: there is no such configuration
      ++failures;
      std::cout << "failed: " << (answer ? answer->body() : answer.error().message()) << std::endl;
    });
    ++requests;
  }

  while (ended < requests) {
    pollfd watched = {queue.fd(), POLLIN, 0};  // among whatever else the program waits for
    if (poll(&watched, 1, -1) > 0) queue.drain();
  }
  const auto stats = client.stats();
  std::cout << "done requests=" << requests << " tokens=" << stats.logins << " replays=" << stats.replays
            << " failures=" << failures << std::endl;
  return failures == 0 ? 0 : 1;
} catch (const nacosauth::exception &failure) {
  std::cerr << failure.what() << '\n';
  return 1;
}
