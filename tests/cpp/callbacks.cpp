// Functions of ours that the library calls, and what becomes of what they throw.
#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "devserver.hpp"

namespace {

/// What a callback was told, for another thread to wait for.
template <class News>
class told {
 public:
  void add(News news) {
    const std::lock_guard<std::mutex> lock(mutex_);
    all_.push_back(std::move(news));
    more_.notify_all();
  }
  /// Whether news like that come in time.
  bool has(const std::function<bool(const News &)> &wanted) {
    std::unique_lock<std::mutex> lock(mutex_);
    return more_.wait_for(lock, std::chrono::seconds(60), [&] {
      for (const auto &news : all_)
        if (wanted(news)) return true;
      return false;
    });
  }
  std::vector<News> all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<News> all_;
};

/// An event that has outlived its callback.
struct kept_event {
  nacosauth::event event;
  std::string message;
};

/// `has` of a kind of event.
bool came(told<kept_event> &events, nacosauth::event_kind kind) {
  return events.has([kind](const kept_event &kept) { return kept.event.kind == kind; });
}

nacosauth::options settings_with(std::function<nacosauth::supplied()> credentials) {
  nacosauth::options options;
  options.server_addr = environment("NACOS_SERVER_ADDR");
  options.credentials = std::move(credentials);
  return options;
}

/// The message of the error that callers get for want of credentials.
std::string failure_of(std::function<nacosauth::supplied()> credentials) {
  const nacosauth::client client(settings_with(std::move(credentials)));
  const auto token = client.try_token();
  REQUIRE(!token);
  CHECK(token.error().code() == nacosauth::status::no_credentials);
  return token.error().message();
}

/// Whether it becomes so in time.
bool comes(const std::function<bool()> &wanted) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!wanted() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  return wanted();
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a callback supplies a user, and another one when the first is refused") {
  const auto user = settings_of_a_new_user();
  std::atomic<int> asked = 0;
  const nacosauth::client client(settings_with([&] {
    ++asked;
    return nacosauth::user_password{user.username, user.password};
  }));
  CHECK(asked == 0);
  CHECK(!client.token().empty());
  CHECK(asked == 1);
  CHECK(!client.token().empty());
  CHECK(asked == 1);
}

TEST_CASE("a callback supplies a token, and nobody logs in") {
  const nacosauth::client other(settings_of_a_new_user());
  const auto copy = other.copy_token();
  const auto logins = counted("logins");
  const nacosauth::client client(settings_with([&] {
    return nacosauth::foreign_token{copy.value, std::chrono::minutes(10)};
  }));
  const auto got = client.copy_token();
  CHECK(got.value == copy.value);
  CHECK(got.remaining <= std::chrono::minutes(10));
  CHECK(got.remaining > std::chrono::minutes(9));
  CHECK(counted("logins") == logins);
}

TEST_CASE("what a credentials callback throws is the failure of the login") {
  CHECK(contains(failure_of([]() -> nacosauth::supplied { throw std::runtime_error("the vault is sealed"); }),
                 "the vault is sealed"));
  CHECK(contains(failure_of([]() -> nacosauth::supplied { throw 1; }), "no std::exception"));
  CHECK(contains(failure_of([]() -> nacosauth::supplied { throw std::runtime_error("\xff"); }), "not in UTF-8"));
  CHECK(contains(failure_of([] { return nacosauth::no_credentials{"nobody is at home"}; }), "nobody is at home"));
}

TEST_CASE("what cannot be a login is a failure, and no secret in it") {
  using namespace std::string_literals;
  const auto no_nul = failure_of([] { return nacosauth::user_password{"user", "secret\0word"s}; });
  CHECK(contains(no_nul, "password holds a NUL character"));
  CHECK(!contains(no_nul, "secret"));
  CHECK(contains(failure_of([] { return nacosauth::foreign_token{"a\0b"s, {}}; }), "token holds a NUL character"));
  // The text before the NUL is not taken for the whole.
  const auto no_message = failure_of([] { return nacosauth::no_credentials{"nobody is\0 at home"s}; });
  CHECK(contains(no_message, "message of no_credentials holds a NUL character"));
  CHECK(contains(failure_of([] {
                   return nacosauth::user_password{"us\0er"s, "b"};
                 }),
                 "username holds a NUL character"));
  CHECK(contains(failure_of([] {
                   return nacosauth::foreign_token{"token", std::chrono::milliseconds(0)};
                 }),
                 "ttl is zero or negative"));
  CHECK(contains(failure_of([] {
                   return nacosauth::foreign_token{"token", std::chrono::seconds(-1)};
                 }),
                 "ttl is zero or negative"));
  CHECK(contains(failure_of([] { return nacosauth::user_password{}; }), "username"));
  CHECK(contains(failure_of([] { return nacosauth::foreign_token{}; }), "token"));
}

namespace {

/// An exception with nothing to say.
class mute : public std::exception {
 public:
  const char *what() const noexcept override { return nullptr; }
};

/// An exception that is none of the standard's, and whose copies count.
struct foreign {
  std::string text;
};

}  // namespace

TEST_CASE("nothing that is thrown in any function reaches C") {
  const std::vector<std::function<void()>> throwing = {
      [] { throw std::runtime_error("standard"); },
      [] { throw foreign{"foreign"}; },
      [] { throw mute(); },
      [] { throw 1; },
      [] { throw "text"; },
      [] { throw static_cast<const char *>(nullptr); },
      [] { throw nacosauth::exception(nacosauth::error(nacosauth::status::io, nullptr)); },
      [] { throw std::bad_alloc(); },
      [] { std::function<void()>()(); },
      [] { std::throw_with_nested(foreign{"outer"}); }};
  for (const auto &fails : throwing) {
    CHECK(!failure_of([&]() -> nacosauth::supplied {
             fails();
             return nacosauth::no_credentials{"it did not throw"};
           }).empty());
    std::atomic<int> events = 0, lines = 0;
    auto settings = settings_of_a_new_user();
    settings.log_level = nacosauth::log_level::debug;
    settings.event = [&](const nacosauth::event &) { ++events, fails(); };
    settings.log = [&](const nacosauth::log_record &) { ++lines, fails(); };
    settings.keep_waiting = [&]() -> bool {
      fails();
      return true;
    };
    {
      const nacosauth::client client(settings);
      (void)client.try_token();  // cancelled if the login takes so long that somebody asks
    }
    CHECK(events >= 1);
    CHECK(lines == events);
  }
}

TEST_CASE("a thread that is cancelled inside a function goes on") {
  const auto cancelled = [] {
    pthread_cancel(pthread_self());
    pthread_testcancel();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  std::atomic<int> events = 0;
  auto settings = settings_of_a_new_user();
  settings.event = [&](const nacosauth::event &) { ++events, cancelled(); };
  {
    const nacosauth::client client(settings);
    CHECK(!client.token().empty());
    CHECK(comes([&] { return events.load() >= 2; }));
    CHECK(client.close());
  }
  const auto user = settings_of_a_new_user();
  const nacosauth::client client(settings_with([&] {
    cancelled();
    return nacosauth::user_password{user.username, user.password};
  }));
  CHECK(!client.token().empty());
}

TEST_CASE("events tell what happens") {
  told<kept_event> events;
  auto settings = settings_of_a_new_user();
  settings.event = [&](const nacosauth::event &event) { events.add({event, std::string(event.message)}); };
  const nacosauth::client client(settings);
  const auto first = client.copy_token().generation;
  CHECK(events.has([&](const kept_event &kept) {
    return kept.event.kind == nacosauth::event_kind::token_refreshed && kept.event.generation == first &&
           kept.event.level == nacosauth::log_level::info && kept.event.status == nacosauth::status::ok &&
           !kept.event.retry_after && !kept.message.empty();
  }));

  control("POST", "/revoke");
  nacosauth::request request;
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  CHECK(client.send(request).status() == 200);
  CHECK(events.has([&](const kept_event &kept) {
    return kept.event.kind == nacosauth::event_kind::token_rejected && kept.event.generation == first;
  }));

  client.set_credentials(settings.username, "wrong-password");
  (void)client.try_token();  // which the old token may still answer
  CHECK(events.has([&](const kept_event &kept) {
    return kept.event.kind == nacosauth::event_kind::login_failed &&
           kept.event.status == nacosauth::status::bad_credentials && kept.event.http_status != 0 &&
           kept.event.retry_after && contains(kept.message, settings.server_addr) &&
           !contains(kept.message, "wrong-password");
  }));
}

TEST_CASE("lines of the log, down to the level wanted") {
  const auto lines_at = [](nacosauth::log_level level) {
    told<nacosauth::log_level> lines;
    told<kept_event> events;
    auto settings = settings_of_a_new_user();
    settings.log_level = level;
    settings.log = [&](const nacosauth::log_record &record) {
      if (!record.message.empty() && record.message.find('\n') == record.message.npos) lines.add(record.level);
    };
    settings.event = [&](const nacosauth::event &event) { events.add({event, {}}); };
    {
      const nacosauth::client client(settings);
      CHECK(!client.token().empty());
      CHECK(came(events, nacosauth::event_kind::login_started));
      CHECK(came(events, nacosauth::event_kind::token_refreshed));
    }
    return lines.all();  // complete: the client is gone
  };
  using level = nacosauth::log_level;
  CHECK(lines_at(level::debug) == std::vector<level>{level::debug, level::info});
  CHECK(lines_at(level::info) == std::vector<level>{level::info});
  CHECK(lines_at(level::warn).empty());
}

TEST_CASE("events and records name server and cause") {
  struct kept {
    std::string message, server, cause;
  };
  told<kept> events, records;
  const auto keep = [](auto &told, const auto &what) {
    told.add({std::string(what.message), std::string(what.server), std::string(what.cause)});
  };
  auto settings = settings_of_a_new_user();
  settings.password = "wrong-password";
  settings.event = [&](const nacosauth::event &event) { keep(events, event); };
  settings.log = [&](const nacosauth::log_record &record) { keep(records, record); };
  {
    const nacosauth::client client(settings);
    CHECK(!client.try_token());
  }
  const auto is_refusal = [&](const kept &news) {
    return news.server == settings.server_addr && news.cause == NACOS_CAUSE_WRONG_CREDENTIALS && !news.message.empty();
  };
  CHECK(events.has(is_refusal));
  CHECK(records.has(is_refusal));
}

TEST_CASE("a call that waits asks whether to go on") {
  const hung_server server;
  std::atomic<int> asked = 0;
  std::atomic<bool> goes_on = true;
  nacosauth::options settings;
  settings.server_addr = server.address();
  settings.username = settings.password = "asks";
  settings.keep_waiting = [&] {
    ++asked;
    if (!goes_on) throw std::runtime_error("the user has had enough");
    return asked < 5;
  };
  const nacosauth::client client(settings);
  const auto ended = [&] {
    const auto token = client.try_token();
    return token ? nacosauth::status::ok : token.error().code();
  };
  CHECK(ended() == nacosauth::status::cancelled);
  CHECK(asked == 5);
  goes_on = false;
  CHECK(ended() == nacosauth::status::cancelled);  // what it throws is a no
  CHECK(asked == 6);
}

TEST_CASE("close has a bound") {
  std::atomic<bool> inside = false, may_return = false;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> witness = held;
  auto settings = settings_of_a_new_user();
  settings.event = [&inside, &may_return, held](const nacosauth::event &) {
    inside = true;
    while (!may_return) std::this_thread::yield();
  };
  held.reset();
  {
    const nacosauth::client client(settings);
    settings.event = nullptr;
    CHECK(!client.token().empty());
    CHECK(comes([&] { return inside.load(); }));
    CHECK(!client.close(std::chrono::milliseconds(50)));
    CHECK(!witness.expired());
    CHECK(client.try_token().error().code() == nacosauth::status::closed);
    may_return = true;
    CHECK(client.close());
  }
  CHECK(comes([&] { return witness.expired(); }));
}

TEST_CASE("retry ends a pause") {
  auto settings = settings_of_a_new_user();
  settings.password = "not yet";
  const nacosauth::client client(settings);
  CHECK(!client.try_token());
  control("POST", "/password", R"({"username":")" + settings.username + R"(","password":"not yet"})");
  CHECK(!client.try_token());  // from memory
  const auto statistics = client.stats();
  CHECK(statistics.refresh_state == nacosauth::refresh_state::backing_off);
  CHECK(statistics.retry_in.count() > 0);
  CHECK(statistics.suppressed_by_pause + statistics.suppressed_by_rejection == 1);
  client.retry();
  CHECK(!client.token().empty());
}

TEST_CASE("what event and log callbacks throw is swallowed, and the next news come all the same") {
  std::atomic<int> events = 0, lines = 0;
  told<kept_event> last;
  auto settings = settings_of_a_new_user();
  settings.log_level = nacosauth::log_level::debug;
  settings.log = [&](const nacosauth::log_record &) {
    ++lines;
    throw std::runtime_error("a full disk");
  };
  settings.event = [&](const nacosauth::event &event) {
    ++events;
    last.add({event, {}});
    throw 1;
  };
  {
    const nacosauth::client client(settings);
    CHECK(!client.token().empty());
    CHECK(came(last, nacosauth::event_kind::token_refreshed));
  }
  CHECK(events >= 2);
  CHECK(lines == events);
}

TEST_CASE("a callback may use the client, and close it") {
  told<nacosauth::status> after;
  std::atomic<const nacosauth::client *> used = nullptr;
  auto settings = settings_of_a_new_user();
  settings.event = [&](const nacosauth::event &event) {
    const nacosauth::client *client = used;
    if (event.kind != nacosauth::event_kind::token_refreshed || client == nullptr) return;
    if (client->stats().logins != 1 || client->token().empty()) return;
    client->close();
    const auto token = client->try_token();
    after.add(token ? nacosauth::status::ok : token.error().code());
  };
  const nacosauth::client client(settings);
  used = &client;
  (void)client.try_token();
  CHECK(after.has([](nacosauth::status status) { return status == nacosauth::status::closed; }));
}

TEST_CASE("no callback runs once the client is gone") {
  std::atomic<bool> inside = false, gone = false, late = false;
  auto settings = settings_of_a_new_user();
  settings.event = [&](const nacosauth::event &) {
    inside = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (gone) late = true;
  };
  {
    const nacosauth::client client(settings);
    CHECK(!client.token().empty());
    CHECK(comes([&] { return inside.load(); }));
  }
  gone = true;
  CHECK(!late);
  const nacosauth::client other(settings_of_a_new_user());  // the library goes on with other work meanwhile
  CHECK(!other.token().empty());
  CHECK(!late);
}

TEST_CASE("what callbacks hold is let go of, with the client or if there is to be none") {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> witness = held;
  auto settings = settings_of_a_new_user();
  settings.log = [held](const nacosauth::log_record &) {};
  held.reset();
  auto client = std::make_unique<nacosauth::client>(settings);
  CHECK(!client->token().empty());
  settings.log = nullptr;
  CHECK(!witness.expired());
  client.reset();
  CHECK(comes([&] { return witness.expired(); }));

  held = std::make_shared<int>(2);
  const std::weak_ptr<int> unwanted = held;
  settings.event = [held](const nacosauth::event &) {};
  held.reset();
  settings.server_addr = "no address";
  CHECK(nacosauth::client::make(settings).error().code() == nacosauth::status::invalid_config);
  settings.event = nullptr;
  CHECK(unwanted.expired());
}
