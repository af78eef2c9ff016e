// Calls that no thread waits for, which end in a callable or a future: on a thread of the library, and through a queue.
#include "async.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

using namespace async_tests;

namespace {

/// What a callable holds: counts how often it is let go of.
class witness {
 public:
  explicit witness(std::atomic<int> &gone) : gone_(&gone) {}
  witness(witness &&other) noexcept : gone_(std::exchange(other.gone_, nullptr)) {}
  witness &operator=(witness &&) = delete;
  ~witness() {
    if (gone_ != nullptr) ++*gone_;
  }

 private:
  std::atomic<int> *gone_;
};

/// AddressSanitizer's allocator does not look after its locks when a process with threads forks.
#ifdef __has_feature
constexpr bool has_allocator_of_its_own = __has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool has_allocator_of_its_own = true;
#else
constexpr bool has_allocator_of_its_own = false;
#endif

/// May be called once, and only moved.
class once {
 public:
  once(std::vector<nacosauth::status> &told, std::atomic<int> &gone) : told_(&told), witness_(gone) {}
  void operator()(nacosauth::result<nacosauth::response> outcome) && { told_->push_back(status_of(outcome)); }

 private:
  std::vector<nacosauth::status> *told_;
  witness witness_;
};

}  // namespace

TEST_CASE("a callable gets the answer, on a thread of the library") {
  const nacosauth::client client(settings_of_a_new_user());
  std::promise<std::thread::id> where;
  nacosauth::result<nacosauth::response> kept =
      nacosauth::unexpected(nacosauth::error(nacosauth::status::internal, nullptr));
  auto held = std::make_unique<int>(7);
  client.async_send(read_of("demo")).start([&, held = std::move(held)](nacosauth::result<nacosauth::response> outcome) {
    kept = std::move(outcome);
    where.set_value(std::this_thread::get_id());
  });
  CHECK(where.get_future().get() != std::this_thread::get_id());
  REQUIRE(kept);
  CHECK(kept->status() == 200);
  CHECK(kept->body() == "hello");
  CHECK(client.stats().logins == 1);
}

TEST_CASE("all three kinds of call, each again and again") {
  const nacosauth::client client(settings_of_a_new_user());
  const auto token = client.async_token();
  CHECK(token.future().get() == token.future().get());
  const auto copy = client.async_copy_token().future().get();
  CHECK(copy.value == client.token());
  CHECK(copy.generation == client.generation());
  CHECK(copy.remaining > std::chrono::minutes(1));
  CHECK(!copy.expired);
  const auto request = client.try_async_send(read_of("demo"));
  for (int i = 0; i < 3; ++i) CHECK(request.future().get()->body() == "hello");
  CHECK(client.stats().logins == 1);
  CHECK(client.try_async_token().future().get().value_or("") == copy.value);
  CHECK(client.try_async_copy_token().future().get()->value == copy.value);
}

TEST_CASE("a future brings what failed, as the exception or as the result") {
  auto settings = settings_of_a_new_user();
  settings.password = "a wrong one";
  const nacosauth::client client(settings);
  try {
    (void)client.async_send(read_of("demo")).future().get();
    FAIL("it succeeded");
  } catch (const nacosauth::exception &failure) {
    CHECK(failure.code() == nacosauth::status::bad_credentials);
    CHECK(failure.error().server() == settings.server_addr);
  }
  CHECK(status_of(client.try_async_token().future().get()) == nacosauth::status::bad_credentials);
}

TEST_CASE("what a callable throws on the library's thread is swallowed, and the next is called all the same") {
  const nacosauth::client client(settings_of_a_new_user());
  std::atomic<int> called = 0, gone = 0;
  for (int i = 0; i < 3; ++i)
    client.async_token().start([&, kept = witness(gone)](nacosauth::result<std::string>) {
      if (++called % 2 == 0) throw std::runtime_error("a full disk");
      throw 1;
    });
  CHECK(comes([&] { return gone == 3; }));
  CHECK(called == 3);
}

TEST_CASE("a callable is called once and destroyed once, whatever ends the call") {
  std::atomic<int> gone = 0;
  std::vector<nacosauth::status> told;
  const hung_server server;
  {
    const nacosauth::client client(settings_of(server));
    const nacosauth::cancel_source source;
    auto request = read_of("demo");
    // by the operation, twice
    const auto operation = client.async_send(request).start(once(told, gone));
    operation.cancel();
    operation.cancel();
    CHECK(comes([&] { return gone == 1; }));
    operation.cancel();
    // by the cancel of the call
    request.cancel = &source;
    client.async_send(request).start(once(told, gone));
    source.cancel();
    CHECK(comes([&] { return gone == 2; }));
    // by its time-out
    request.cancel = nullptr;
    request.timeout = std::chrono::milliseconds(50);
    client.async_send(request).start(once(told, gone));
    CHECK(comes([&] { return gone == 3; }));
    // by the end of the client
    request.timeout = std::nullopt;
    client.async_send(request).start(once(told, gone));
    client.async_send(request).start(once(told, gone));
  }
  CHECK(gone == 5);  // the destructor has waited for them
  using status = nacosauth::status;
  CHECK(told ==
        std::vector<status>{status::cancelled, status::cancelled, status::timeout, status::closed, status::closed});
}

TEST_CASE("what cannot be started calls nothing") {
  std::atomic<int> gone = 0;
  std::vector<nacosauth::status> told;
  nacosauth::client client(settings_of_a_new_user());
  nacosauth::queue queue;
  const auto failure = [&](const nacosauth::request &request) {
    const auto here = client.try_async_send(request).try_start(once(told, gone));
    const auto there = client.try_async_send(request, queue).try_start(once(told, gone));
    CHECK(gone == 2);
    gone = 0;
    CHECK(status_of(here) == status_of(there));
    CHECK(status_of(client.try_async_send(request).future().get()) == status_of(here));
    CHECK(status_of(client.try_async_send(request, queue).future().get()) == status_of(here));
    CHECK_THROWS_AS(client.async_send(request).start(once(told, gone)), nacosauth::exception);
    CHECK_THROWS_AS((void)client.async_send(request).future().get(), nacosauth::exception);
    gone = 0;
    return here.error();
  };
  auto request = read_of("demo");
  request.path = "no slash";
  CHECK(failure(request).code() == nacosauth::status::invalid_argument);
  request = read_of("demo");
  request.timeout = std::chrono::seconds(0);
  CHECK(failure(request).message() == std::string("timeout is zero or negative"));
  request = read_of("demo");
  request.path = std::string("/a\0b", 4);
  CHECK(failure(request).message() == std::string("path holds a NUL character"));
  nacosauth::client other(std::move(client));
  CHECK(failure(read_of("demo")).code() == nacosauth::status::null_argument);
  client = std::move(other);
  const nacosauth::queue moved(std::move(queue));
  CHECK(queue.fd() == -1);
  CHECK(queue.drain() == 0);
  CHECK(status_of(client.try_async_token({}, queue).future().get()) == nacosauth::status::null_argument);
  client.close();
  CHECK(status_of(client.try_async_token({}, moved).future().get()) == nacosauth::status::closed);
  CHECK(status_of(client.try_async_token().future().get()) == nacosauth::status::closed);
  CHECK(told.empty());
}

TEST_CASE("as many operations as max_operations says") {
  const hung_server server;
  auto settings = settings_of(server);
  settings.max_operations = 2;
  const nacosauth::client client(settings);
  int ended = 0;
  const nacosauth::queue queue;  // completes, as it goes, what has not ended
  const auto start = [&] { return client.try_async_send(read_of("demo"), queue).try_start([&](auto) { ++ended; }); };
  const auto one = start(), two = start(), three = start();
  REQUIRE(one);
  REQUIRE(two);
  REQUIRE(!three);
  CHECK(three.error().code() == nacosauth::status::would_block);
  CHECK(three.error().cause() == NACOS_CAUSE_TOO_MANY_OPERATIONS);
  one->cancel();
  CHECK(loops(queue, [&] { return ended == 1; }));
  CHECK(start());
  CHECK(!start());
}

TEST_CASE("a queue completes on the thread that drains it, as many as are wanted") {
  const nacosauth::client client(settings_of_a_new_user());
  const nacosauth::queue queue;
  CHECK(queue.fd() >= 0);
  CHECK(queue.drain() == 0);
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 5; ++i)
    client.async_send(read_of("demo"), queue).start([&](nacosauth::result<nacosauth::response> outcome) {
      CHECK(outcome->body() == "hello");
      threads.push_back(std::this_thread::get_id());
    });
  CHECK(comes([&] { return queue.drain(1) == 1; }));
  CHECK(threads.size() == 1);
  CHECK(loops(queue, [&] { return threads.size() == 5; }));
  CHECK(threads == std::vector<std::thread::id>(5, std::this_thread::get_id()));
  pollfd watched = {queue.fd(), POLLIN, 0};
  CHECK(poll(&watched, 1, 0) == 0);
}

TEST_CASE("a callable that drain calls starts the next call, and drains itself") {
  const nacosauth::client client(settings_of_a_new_user());
  const nacosauth::queue queue;
  int left = 20;
  std::function<void(nacosauth::result<std::string>)> next = [&](nacosauth::result<std::string> token) {
    CHECK(token.value_or("") == client.token());
    queue.drain();
    if (--left > 0) client.async_token({}, queue).start(next);
  };
  client.async_token({}, queue).start(next);
  CHECK(loops(queue, [&] { return left == 0; }));
}

TEST_CASE("what a callable throws comes out of drain, and the rest is there the next time") {
  const nacosauth::client client(settings_of_a_new_user());
  const nacosauth::queue queue;
  std::atomic<int> called = 0, gone = 0;
  for (int i = 0; i < 3; ++i)
    client.async_token({}, queue).start([&, kept = witness(gone)](nacosauth::result<std::string>) {
      if (++called == 2) throw std::runtime_error("a full disk");
    });
  int thrown = 0;
  CHECK(comes([&] {
    try {
      queue.drain();
    } catch (const std::runtime_error &) {
      ++thrown;
    }
    return called == 3;
  }));
  CHECK(thrown == 1);
  CHECK(gone == 3);
}

TEST_CASE("close ends what is under way, in the queue too") {
  const hung_server server;
  const nacosauth::client client(settings_of(server));
  const nacosauth::queue queue;
  std::vector<nacosauth::status> told;
  for (int i = 0; i < 3; ++i)
    client.async_token({}, queue).start([&](auto outcome) { told.push_back(status_of(outcome)); });
  CHECK(client.close());
  CHECK(told.empty());
  CHECK(loops(queue, [&] { return told.size() == 3; }));
  CHECK(told == std::vector<nacosauth::status>(3, nacosauth::status::closed));
}

TEST_CASE("the end of a queue completes everything: with what has come, or as cancelled") {
  const nacosauth::client client(settings_of_a_new_user());
  const hung_server server;
  const nacosauth::client waiting(settings_of(server));
  std::atomic<int> gone = 0;
  std::vector<nacosauth::status> told, later;
  std::future<std::string> future;
  std::future<nacosauth::result<std::string>> other;
  {
    nacosauth::queue queue;
    const auto tell = [&, queue = &queue](auto outcome) {
      told.push_back(status_of(outcome));
      const auto again = client.try_async_token({}, *queue).try_start([](auto) {});
      later.push_back(status_of(again));
      queue->drain();
      throw std::runtime_error("nobody hears this");
    };
    client.async_send(read_of("demo"), queue).start(tell);
    pollfd watched = {queue.fd(), POLLIN, 0};
    CHECK(poll(&watched, 1, 60000) == 1);
    waiting.async_send(read_of("demo"), queue).start(tell);
    waiting.async_send(read_of("demo"), queue).start([kept = witness(gone)](auto) {});
    future = waiting.async_token({}, queue).future();
    other = waiting.try_async_token({}, queue).future();
  }
  CHECK(gone == 1);
  CHECK(told == std::vector<nacosauth::status>{nacosauth::status::ok, nacosauth::status::cancelled});
  CHECK(later == std::vector<nacosauth::status>(2, nacosauth::status::null_argument));
  CHECK_THROWS_AS(future.get(), nacosauth::exception);
  CHECK(status_of(other.get()) == nacosauth::status::cancelled);
}

TEST_CASE("a call that has a queue's end behind it is not started") {
  const nacosauth::client client(settings_of_a_new_user());
  auto queue = std::make_unique<nacosauth::queue>();
  const auto call = client.try_async_token({}, *queue);
  auto started = nacosauth::status::ok;
  client.async_token({}, *queue).start([&](auto) {
    queue.reset();  // inside drain(), or in the destructor
    started = status_of(call.future().get());
  });
  CHECK(comes([&] { return !queue || queue->drain() > 0; }));
  CHECK(!queue);
  CHECK(started == nacosauth::status::null_argument);
}

TEST_CASE("one queue in the place of another") {
  const hung_server server;
  const nacosauth::client client(settings_of(server));
  nacosauth::queue queue;
  auto told = nacosauth::status::ok;
  client.async_token({}, queue).start([&](auto outcome) { told = status_of(outcome); });
  auto &same = queue;
  queue = std::move(same);
  CHECK(told == nacosauth::status::ok);
  CHECK(queue.fd() >= 0);
  queue = nacosauth::queue();
  CHECK(told == nacosauth::status::cancelled);
  CHECK(queue.fd() >= 0);
  CHECK(queue.drain() == 0);
}

TEST_CASE("several threads start and drain at the same time") {
  const nacosauth::client client(settings_of_a_new_user());
  const nacosauth::queue queue;
  std::atomic<int> ended = 0, good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n)
        client.async_token({}, queue).start([&](nacosauth::result<std::string> token) {
          good += token.has_value();
          ++ended;
        });
      while (ended < 100) queue.drain(3);
    });
  for (auto &thread : threads) thread.join();
  CHECK(ended == 100);
  CHECK(good == 100);
}

TEST_CASE("a callable may close and destroy the client") {
  auto client = std::make_unique<nacosauth::client>(settings_of_a_new_user());
  std::promise<nacosauth::status> told;
  client->async_token().start([&](nacosauth::result<std::string> token) {
    client->close();
    client.reset();
    told.set_value(status_of(token));
  });
  CHECK(told.get_future().get() == nacosauth::status::ok);
}

TEST_CASE("in the child of a fork the queue is empty, and works") {
  const nacosauth::client client(settings_of_a_new_user());
  CHECK(!client.token().empty());
  std::atomic<int> gone = 0, called = 0;
  nacosauth::queue queue;
  for (int i = 0; i < 3; ++i) client.async_token({}, queue).start([&, kept = witness(gone)](auto) { ++called; });
  const auto child = fork();
  if (child == 0) {
    std::atomic<int> own = 0;
    int wrong = queue.drain() != 0;
    client.async_token({}, queue).start([&](nacosauth::result<std::string> token) { own += token.has_value(); });
    if (!loops(queue, [&] { return own == 1; })) wrong |= 2;
    client.async_token({}, queue).start([&](auto) { ++own; });
    { const nacosauth::queue ended(std::move(queue)); }
    if (own != 2) wrong |= 4;
    if (called != 0 || gone != 0) wrong |= 8;
    _exit(wrong);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(loops(queue, [&] { return called == 3; }));
  CHECK(gone == 3);
}

TEST_CASE("children of a fork use a queue that other threads were using" * doctest::skip(has_allocator_of_its_own)) {
  const nacosauth::client client(settings_of_a_new_user());
  CHECK(!client.token().empty());
  const nacosauth::queue queue;
  std::atomic<bool> over = false;
  std::atomic<int> failed = 0;
  std::atomic<int> running = 0;
  const auto use = [&] {
    while (!over || running > 0) {
      queue.drain();
      if (over || running >= 100) continue;
      ++running;
      client.async_token({}, queue).start([&](nacosauth::result<std::string> token) {
        failed += !token;
        --running;
      });
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back(use);
  std::vector<int> wrong;
  for (int i = 0; i < 20; ++i) {
    const auto child = fork();
    if (child == 0) {
      alarm(60);  // SIGALRM ends one that hangs
      int own = 0;
      for (int n = 0; n < 3; ++n) client.async_token({}, queue).start([&](auto token) { own += token.has_value(); });
      _exit(loops(queue, [&] { return own == 3; }) ? 0 : 1);
    }
    int status = -1;
    if (waitpid(child, &status, 0) != child || status != 0) wrong.push_back(status);
  }
  over = true;
  for (auto &thread : threads) thread.join();
  CHECK(wrong.empty());
  CHECK(failed == 0);
}

namespace {

std::atomic<int> counted_calls = 0;

void count_call(const nacosauth::result<std::string> &token) { counted_calls += token.has_value(); }

struct counts_const {
  int operator()(const nacosauth::result<std::string> &token) const noexcept {
    return counted_calls += token.has_value();
  }
};

}  // namespace

TEST_CASE("anything that can be called") {
  const nacosauth::client client(settings_of_a_new_user());
  const nacosauth::queue queue;
  const auto call = client.async_token({}, queue);
  counted_calls = 0;
  call.start(count_call);
  call.start(&count_call);
  call.start(std::function<void(nacosauth::result<std::string>)>(count_call));
  const counts_const kept;
  call.start(kept);
  call.start(std::ref(kept));
  call.start([](auto &&token) { count_call(token); });
  call.start([count = 0](nacosauth::result<std::string> token) mutable {
    ++count;
    count_call(token);
  });
  CHECK(loops(queue, [] { return counted_calls == 7; }));
}
