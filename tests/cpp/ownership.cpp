// Who owns a handle, and what is left of one that has been moved from.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#include "devserver.hpp"

namespace {

template <class Owner>
constexpr bool only_moves = std::is_nothrow_move_constructible_v<Owner> &&std::is_nothrow_move_assignable_v<Owner> &&
                            !std::is_copy_constructible_v<Owner> && !std::is_copy_assignable_v<Owner>;
static_assert(only_moves<nacosauth::client> && only_moves<nacosauth::response>);
static_assert(only_moves<nacosauth::cancel_source>);
static_assert(std::is_nothrow_copy_constructible_v<nacosauth::error>);
static_assert(std::is_nothrow_copy_constructible_v<nacosauth::exception>);
static_assert(std::is_base_of_v<std::exception, nacosauth::exception>);
static_assert(sizeof(nacosauth::client) == sizeof(nacos_auth *));
static_assert(!std::is_constructible_v<nacosauth::client, nacos_auth *>);
static_assert(!std::is_constructible_v<nacosauth::client, std::nullptr_t>);
static_assert(!std::is_constructible_v<nacosauth::response, nacos_response *>);
static_assert(!std::is_constructible_v<nacosauth::cancel_source, nacos_cancel *>);
static_assert(!std::is_constructible_v<nacosauth::error, nacos_status, nacos_error *>);
static_assert(!std::is_constructible_v<nacosauth::error, nacosauth::status, nacos_error *>);
static_assert(!std::is_convertible_v<nacos_auth *, nacosauth::client>);
static_assert(!std::is_convertible_v<nacosauth::options, nacosauth::client>);
static_assert(!std::is_convertible_v<const char *, nacosauth::error>);

/// What a call on something that is gone says.
template <class Outcome>
std::string complaint(const Outcome &outcome) {
  if (outcome || outcome.error().code() != nacosauth::status::null_argument) return "";
  CHECK(outcome.error().cause() == NACOS_CAUSE_INVALID_ARGUMENT);
  return outcome.error().message();
}

/// So that no compiler complains.
template <class Object>
void move_onto_itself(Object &object) {
  Object &same = object;
  object = std::move(same);
}

}  // namespace

TEST_CASE("a client moves, and what it was moved from fails without harm") {
  nacosauth::client one(settings_of_a_new_user());
  nacosauth::client two(std::move(one));
  CHECK(one.native() == nullptr);
  CHECK(one.generation() == 0);
  CHECK(one.try_token().error().code() == nacosauth::status::null_argument);
  CHECK(one.try_stats().error().code() == nacosauth::status::null_argument);
  CHECK_THROWS_AS(one.set_credentials("a", "b"), nacosauth::exception);
  CHECK(one.close());
  CHECK(one.share().native() == nullptr);

  one = std::move(two);
  CHECK(!one.token().empty());
  std::vector<nacosauth::client> kept;
  kept.push_back(std::move(one));
  CHECK(!kept.back().token().empty());
}

TEST_CASE("what is gone says so, whatever is called") {
  nacosauth::client gone(settings_of_a_new_user());
  const nacosauth::client kept(std::move(gone));
  const std::string said = "the client has been moved from, or handed over";
  CHECK(complaint(gone.try_token()) == said);
  CHECK(complaint(gone.try_copy_token()) == said);
  CHECK(complaint(gone.try_send({})) == said);
  CHECK(complaint(gone.try_report_rejected({})) == said);
  CHECK(complaint(gone.try_set_credentials("a", "b")) == said);
  CHECK(complaint(gone.try_set_token("a")) == said);
  CHECK(complaint(gone.try_retry()) == said);
  CHECK(complaint(gone.try_stats()) == said);
  CHECK(complaint(gone.share().try_token()) == said);
  CHECK_THROWS_WITH_AS((void)gone.token(), said.c_str(), nacosauth::exception);

  // A call that nobody could end any more does not begin.
  nacosauth::cancel_source source;
  const nacosauth::cancel_source moved(std::move(source));
  nacosauth::request request;
  request.path = "/v1/cs/configs";
  request.cancel = &source;
  source.cancel();
  CHECK(complaint(kept.try_send(request)) == "cancel has been moved from, or handed over");
  CHECK(complaint(kept.try_token({{}, &source})) == "cancel has been moved from, or handed over");
  request.cancel = &moved;
  CHECK(kept.try_token({{}, &moved}).has_value());
}

TEST_CASE("nothing is lost by moving an object onto itself") {
  nacosauth::client client(settings_of_a_new_user());
  move_onto_itself(client);
  CHECK(!client.token().empty());
  nacosauth::request request;
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  auto response = client.send(request);
  move_onto_itself(response);
  CHECK(response.body() == "hello");
  nacosauth::cancel_source cancel;
  move_onto_itself(cancel);
  CHECK(cancel.native() != nullptr);
  auto failed = client.try_set_token("");
  REQUIRE(!failed);
  auto error = failed.error();
  move_onto_itself(error);
  CHECK(error.message() == std::string(failed.error().message()));
  const auto stolen = std::move(error);
  CHECK(error.message() != nullptr);
  CHECK(error.name() != nullptr);
}

TEST_CASE("a handle is lent, handed over and taken over") {
  nacosauth::client client(settings_of_a_new_user());
  nacos_auth *lent = client.native();
  nacos_auth *handed_over = client.release();
  CHECK(handed_over == lent);
  CHECK(client.native() == nullptr);
  const auto taken_over = nacosauth::client::adopt(handed_over);
  CHECK(!taken_over.token().empty());

  nacosauth::cancel_source cancel;
  nacos_cancel *signal = cancel.release();
  REQUIRE(signal != nullptr);
  const auto again = nacosauth::cancel_source::adopt(signal);
  CHECK(again.native() == signal);
}

TEST_CASE("a client is shared: it lives as long as its last owner") {
  std::atomic<int> events = 0;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> witness = held;
  auto settings = settings_of_a_new_user();
  settings.event = [&events, held](const nacosauth::event &) { ++events; };
  held.reset();
  auto first = std::make_unique<nacosauth::client>(settings);
  settings.event = nullptr;
  std::vector<std::thread> threads;
  std::atomic<int> served = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&served, own = first->share()] {
      for (int j = 0; j < 50; ++j) {
        const auto another = own.share();
        served += another.try_token().has_value() ? 1 : 0;
      }
    });
  first.reset();
  for (auto &thread : threads) thread.join();
  threads.clear();  // and with them the last owners
  CHECK(served == 8 * 50);
  CHECK(events == 2);
  CHECK(witness.expired());
}

TEST_CASE("close is for all who share a client") {
  const nacosauth::client one(settings_of_a_new_user());
  const auto other = one.share();
  CHECK(other.native() == one.native());
  CHECK(!other.token().empty());
  CHECK(one.close());
  CHECK(other.try_token().error().code() == nacosauth::status::closed);
}

TEST_CASE("a response outlives its client, and moves") {
  auto client = std::make_unique<nacosauth::client>(settings_of_a_new_user());
  nacosauth::request request;
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  auto response = client->send(request);
  client.reset();
  CHECK(response.body() == "hello");

  auto moved = std::move(response);
  CHECK(moved.body() == "hello");
  CHECK(response.native() == nullptr);
  CHECK(response.status() == 0);
  CHECK(response.body().empty());
  CHECK(response.headers().empty());
  CHECK(!response.header("content-type"));
  nacos_response_free(moved.release());
}
