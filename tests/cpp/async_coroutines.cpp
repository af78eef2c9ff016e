// Calls that coroutines wait for.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "async.hpp"

#ifdef __cpp_lib_coroutine

using namespace async_tests;

namespace {

/// A coroutine that begins at once and belongs to nobody: its frame ends with it.
struct detached {
  struct promise_type {
    detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

/// A coroutine that begins at once, and whose owner destroys it.
struct owned {
  struct promise_type {
    owned get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

/// Counts how often it goes.
struct counting {
  std::atomic<int> &gone;
  explicit counting(std::atomic<int> &count) : gone(count) {}
  counting(const counting &) = delete;
  counting &operator=(const counting &) = delete;
  ~counting() { ++gone; }
};

detached tell_token(nacosauth::async_call<nacosauth::result<std::string>> call, std::promise<nacosauth::status> &told) {
  const auto token = co_await call;
  told.set_value(status_of(token));
}

detached read_often(const nacosauth::client &client, const nacosauth::queue &queue, int times, int &done, int &wrong) {
  for (int i = 0; i < times; ++i) {
    const auto response = co_await client.async_send(read_of("demo"), queue);
    if (response.body() != "hello") ++wrong;
  }
  ++done;
}

owned wait_for_ever(const nacosauth::client &client, const nacosauth::queue &queue, std::atomic<int> &gone,
                    int &resumed) {
  const counting here(gone);
  const auto outcome = co_await client.try_async_send(read_of("demo"), queue);
  resumed += static_cast<int>(status_of(outcome));
}

}  // namespace

TEST_CASE("a coroutine goes on on the library's thread") {
  const nacosauth::client client(settings_of_a_new_user());
  std::promise<std::pair<std::string, std::thread::id>> told;
  [](const nacosauth::client &c, auto &promise) -> detached {
    const auto response = co_await c.async_send(read_of("demo"));
    const auto copy = co_await c.async_copy_token();
    promise.set_value({std::string(response.body()) + ' ' + copy.value, std::this_thread::get_id()});
  }(client, told);
  const auto [text, thread] = told.get_future().get();
  CHECK(text == "hello " + client.token());
  CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("a coroutine goes on on the thread that drains") {
  const nacosauth::client client(settings_of_a_new_user());
  const nacosauth::queue queue;
  std::thread::id thread;
  [](const nacosauth::client &c, const nacosauth::queue &q, std::thread::id &where) -> detached {
    (void)co_await c.async_token({}, q);
    where = std::this_thread::get_id();
  }(client, queue, thread);
  CHECK(thread == std::thread::id());
  CHECK(loops(queue, [&] { return thread != std::thread::id(); }));
  CHECK(thread == std::this_thread::get_id());
}

TEST_CASE("many coroutines on one queue, each with many calls") {
  const nacosauth::client client(settings_of_a_new_user());
  const nacosauth::queue queue;
  int done = 0, wrong = 0;
  for (int i = 0; i < 20; ++i) read_often(client, queue, 10, done, wrong);
  CHECK(loops(queue, [&] { return done == 20; }));
  CHECK(wrong == 0);
}

TEST_CASE("many coroutines on the library's thread, each with many calls") {
  const nacosauth::client client(settings_of_a_new_user());
  std::atomic<int> done = 0, good = 0;
  for (int i = 0; i < 20; ++i)
    [](const nacosauth::client &c, std::atomic<int> &ended, std::atomic<int> &right) -> detached {
      for (int n = 0; n < 50; ++n) right += (co_await c.try_async_token()).has_value();
      ++ended;
    }(client, done, good);
  CHECK(comes([&] { return done == 20; }));
  CHECK(good == 1000);
}

TEST_CASE("co_await throws, where the name does not begin with try_") {
  auto settings = settings_of_a_new_user();
  settings.password = "a wrong one";
  const nacosauth::client client(settings);
  std::promise<nacosauth::status> told;
  [](const nacosauth::client &c, std::promise<nacosauth::status> &promise) -> detached {
    auto status = nacosauth::status::ok;
    try {
      (void)co_await c.async_send(read_of("demo"));
    } catch (const nacosauth::exception &failure) {
      status = failure.code();
    }
    promise.set_value(status);
  }(client, told);
  CHECK(told.get_future().get() == nacosauth::status::bad_credentials);
}

TEST_CASE("a call that cannot be started does not suspend the coroutine") {
  const nacosauth::client client(settings_of_a_new_user());
  client.close();
  std::promise<nacosauth::status> here, there;
  tell_token(client.try_async_token(), here);
  auto told = here.get_future();
  CHECK(told.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  CHECK(told.get() == nacosauth::status::closed);
  const nacosauth::queue queue;
  tell_token(client.try_async_token({}, queue), there);
  CHECK(there.get_future().get() == nacosauth::status::closed);
}

TEST_CASE("a coroutine is resumed by a cancel, a time-out and the end of the client") {
  const hung_server server;
  const nacosauth::cancel_source source;
  std::promise<nacosauth::status> cancelled, late, closed;
  {
    const nacosauth::client client(settings_of(server));
    tell_token(client.try_async_token({std::nullopt, &source}), cancelled);
    source.cancel();
    CHECK(cancelled.get_future().get() == nacosauth::status::cancelled);
    tell_token(client.try_async_token({std::chrono::milliseconds(50)}), late);
    CHECK(late.get_future().get() == nacosauth::status::timeout);
    tell_token(client.try_async_token(), closed);
  }
  auto told = closed.get_future();
  CHECK(told.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  CHECK(told.get() == nacosauth::status::closed);
}

TEST_CASE("destroying a coroutine that waits cancels its call") {
  const hung_server server;
  auto settings = settings_of(server);
  settings.max_operations = 1;
  const nacosauth::client client(settings);
  const nacosauth::queue queue;
  std::atomic<int> gone = 0;
  int resumed = 0;
  auto coroutine = wait_for_ever(client, queue, gone, resumed);
  CHECK(status_of(client.try_async_token({}, queue).future().get()) == nacosauth::status::would_block);
  coroutine.handle.destroy();
  CHECK(gone == 1);
  CHECK(comes([&] { return queue.drain() == 1; }));  // its completion, which nobody waits for any more
  CHECK(resumed == 0);
  // The same for one that has ended already, and waits in the queue.
  auto another = wait_for_ever(client, queue, gone, resumed);
  client.close();
  pollfd watched = {queue.fd(), POLLIN, 0};
  CHECK(poll(&watched, 1, 60000) == 1);
  another.handle.destroy();
  CHECK(gone == 2);
  CHECK(queue.drain() == 1);
  CHECK(resumed == 0);
}

TEST_CASE("the end of a queue resumes the coroutines that wait") {
  const hung_server server;
  const nacosauth::client client(settings_of(server));
  std::atomic<int> gone = 0;
  int resumed = 0;
  owned coroutine = {};
  {
    const nacosauth::queue queue;
    coroutine = wait_for_ever(client, queue, gone, resumed);
    auto never = wait_for_ever(client, queue, gone, resumed);
    never.handle.destroy();
  }
  CHECK(resumed == static_cast<int>(nacosauth::status::cancelled));
  CHECK(coroutine.handle.done());
  CHECK(gone == 2);
  coroutine.handle.destroy();
}

#endif
