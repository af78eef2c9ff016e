/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nacos_auth.hpp
 * @brief nacos_auth.h for C++17 and later: owners that clean up after themselves, results or exceptions, std::chrono.
 *
 * Header only. The C header documents what the functions do; this one only says what C++ adds:
 * - Everything fallible comes twice: token() throws nacosauth::exception, try_token() returns result<std::string>.
 *   result<T> is std::expected<T, error> where the standard library has it, else a type with its basic members:
 *   has_value, bool, *, ->, error and value_or. Either may throw std::bad_alloc besides. With -fno-exceptions only the
 *   functions that return results are there.
 * - Calls that no thread waits for: client::async_send() and its like give an async_call, to be started with a
 * callable, as a std::future, or with co_await; they end on a thread of the library, or on that of a loop through a
 * queue.
 * - client, response, cancel_source and operation own a C handle and can be moved, not copied. native() lends the
 * handle to the C functions, release() hands it over, adopt() takes one over; no constructor takes a pointer. `{}` are
 * settings with nothing in them, never a handle; nullptr and 0 are neither, and do not compile. One that has been moved
 * from may be assigned to, and fails with status::null_argument otherwise, also as the cancel of a call.
 * client::share() makes another owner of the same client.
 * - Time-outs are any std::chrono::duration, see time_span and docs/timeouts.md.
 * - const member functions may be called from any number of threads at once.
 * - A string with a NUL inside is refused where C would cut it.
 * - Callbacks are any callables. What they throw never reaches C: see options. pthread_cancel has no effect on the
 * threads that they run on; one that calls pthread_exit ends the program.
 *
 * The namespace is nacosauth because nacos_auth is the name of the handle in C.
 */
#ifndef NACOS_AUTH_HPP
#define NACOS_AUTH_HPP

#if __cplusplus < 201703L
#error "nacos_auth.hpp needs C++17: compile with -std=c++17 or later, or use nacos_auth.h"
#endif

#if __has_include(<pthread.h>)
#include <pthread.h>
#endif
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if __has_include(<version>)
#include <version>
#endif
#ifdef __cpp_lib_expected
#include <expected>
#endif
#if defined(__cpp_impl_coroutine) && __has_include(<coroutine>)
#include <coroutine>
#endif

#include "nacos_auth.h"

// A header that has been left behind by another version would fail in a hundred places below.
#if !defined(NACOS_AUTH_VERSION_NUMBER) || NACOS_AUTH_VERSION_NUMBER < 0x000100 || NACOS_AUTH_ABI_VERSION != 1
#error "the nacos_auth.h that was found does not belong to this nacos_auth.hpp: install both from one version"
#endif

namespace nacosauth {

// The two kinds of result make two ABIs, which one program may mix: each has a namespace for the linker to see.
#ifdef __cpp_lib_expected
inline namespace std_expected {
#else
inline namespace own_expected {
#endif

/// The statuses of C.
enum class status : nacos_status {
  ok = NACOS_OK,
  invalid_argument = NACOS_INVALID_ARGUMENT,
  null_argument = NACOS_NULL_ARGUMENT,
  invalid_utf8 = NACOS_INVALID_UTF8,
  invalid_config = NACOS_INVALID_CONFIG,
  unsupported_option = NACOS_UNSUPPORTED_OPTION,
  buffer_too_small = NACOS_BUFFER_TOO_SMALL,
  connect = NACOS_CONNECT,
  timeout = NACOS_TIMEOUT,
  tls = NACOS_TLS,
  io = NACOS_IO,
  protocol = NACOS_PROTOCOL,
  too_large = NACOS_TOO_LARGE,
  bad_credentials = NACOS_BAD_CREDENTIALS,
  forbidden = NACOS_FORBIDDEN,
  throttled = NACOS_THROTTLED,
  server = NACOS_SERVER,
  no_credentials = NACOS_NO_CREDENTIALS,
  cancelled = NACOS_CANCELLED,
  closed = NACOS_CLOSED,
  would_block = NACOS_WOULD_BLOCK,
  panic = NACOS_PANIC,
  internal = NACOS_INTERNAL,
};

/// As "BAD_CREDENTIALS".
inline const char *name(status code) noexcept { return nacos_status_name(static_cast<nacos_status>(code)); }

/// Where the token goes on a request.
enum class token_in : std::int32_t {
  automatic = NACOS_TOKEN_IN_AUTO,
  authorization = NACOS_TOKEN_IN_AUTHORIZATION,
  header = NACOS_TOKEN_IN_HEADER,
  query = NACOS_TOKEN_IN_QUERY,
};

/// As "QUERY".
inline const char *name(token_in place) noexcept { return nacos_token_in_name(static_cast<std::int32_t>(place)); }

/// Whether requests may be sent without a token.
enum class anonymous : std::int32_t {
  automatic = NACOS_ANONYMOUS_AUTO,
  never = NACOS_ANONYMOUS_NEVER,
};

/// What to do with an answer that client::report_rejected() was told of.
enum class advice : std::int32_t {
  hand_on = NACOS_ADVICE_RETURN,
  replay = NACOS_ADVICE_REPLAY,
  replay_if_idempotent = NACOS_ADVICE_REPLAY_IF_IDEMPOTENT,
};

/// As "REPLAY".
inline const char *name(advice given) noexcept { return nacos_advice_name(static_cast<std::int32_t>(given)); }

/// Whether a server may have acted on a request that failed.
enum class sent : std::int32_t {
  no = NACOS_SENT_NO,
  perhaps = NACOS_SENT_PERHAPS,
};

/// How much a record of the log or an event matters.
enum class log_level : std::int32_t {
  error = NACOS_LOG_ERROR,
  warn = NACOS_LOG_WARN,
  info = NACOS_LOG_INFO,
  debug = NACOS_LOG_DEBUG,
};

/// As "WARN".
inline const char *name(log_level level) noexcept { return nacos_log_level_name(static_cast<std::int32_t>(level)); }

/// What has happened. More may come.
enum class event_kind : std::int32_t {
  login_started = NACOS_EVENT_LOGIN_STARTED,
  token_refreshed = NACOS_EVENT_TOKEN_REFRESHED,
  login_failed = NACOS_EVENT_LOGIN_FAILED,
  credentials_rejected = NACOS_EVENT_CREDENTIALS_REJECTED,
  recovered = NACOS_EVENT_RECOVERED,
  token_rejected = NACOS_EVENT_TOKEN_REJECTED,
  server_down = NACOS_EVENT_SERVER_DOWN,
  servers_disagree = NACOS_EVENT_SERVERS_DISAGREE,
  token_in_query = NACOS_EVENT_TOKEN_IN_QUERY,
  sent_without_token = NACOS_EVENT_SENT_WITHOUT_TOKEN,
  permission_denied = NACOS_EVENT_PERMISSION_DENIED,
};

/// As "LOGIN_FAILED".
inline const char *name(event_kind kind) noexcept { return nacos_event_name(static_cast<std::int32_t>(kind)); }

/// How the token is.
enum class token_state : std::int32_t {
  none = NACOS_TOKEN_NONE,
  fresh = NACOS_TOKEN_FRESH,
  advisory = NACOS_TOKEN_ADVISORY,
  mandatory = NACOS_TOKEN_MANDATORY,
  expired = NACOS_TOKEN_EXPIRED,
  rejected = NACOS_TOKEN_REJECTED,
};

/// As "FRESH".
inline const char *name(token_state state) noexcept { return nacos_token_state_name(static_cast<std::int32_t>(state)); }

/// How its renewal is.
enum class refresh_state : std::int32_t {
  idle = NACOS_REFRESH_IDLE,
  in_flight = NACOS_REFRESH_IN_FLIGHT,
  backing_off = NACOS_REFRESH_BACKING_OFF,
  credentials_rejected = NACOS_REFRESH_CREDENTIALS_REJECTED,
};

/// As "BACKING_OFF".
inline const char *name(refresh_state state) noexcept {
  return nacos_refresh_state_name(static_cast<std::int32_t>(state));
}

/// How bad a finding of diagnose() is. More may come.
enum class severity : std::int32_t {
  ok = NACOS_SEVERITY_OK,
  information = NACOS_SEVERITY_INFORMATION,
  warning = NACOS_SEVERITY_WARNING,
  error = NACOS_SEVERITY_ERROR,
};

/// As "WARNING".
inline const char *name(severity how_bad) noexcept { return nacos_severity_name(static_cast<std::int32_t>(how_bad)); }

/// How well a client is. More may come.
enum class health_status : std::int32_t {
  unknown = NACOS_HEALTH_UNKNOWN,
  ok = NACOS_HEALTH_OK,
  degraded = NACOS_HEALTH_DEGRADED,
  down = NACOS_HEALTH_DOWN,
};

/// As "DEGRADED".
inline const char *name(health_status status) noexcept { return nacos_health_name(static_cast<std::int32_t>(status)); }

/// The unit of every time here.
using milliseconds = std::chrono::milliseconds;

/// Counters of one client since it was made, and the present state.
struct statistics {
  std::uint64_t logins = 0;          ///< that brought a token this client uses
  std::uint64_t login_failures = 0;  ///< that failed
  std::uint64_t requests = 0;        ///< sent, or tried to be
  std::uint64_t replays = 0;         ///< requests repeated with a new token (for report_rejected(): advised to be)
  std::uint64_t rejections = 0;      ///< answers that refused a token, whatever the reason
  std::uint64_t rejections_permission = 0;  ///< of those: for want of a permission
  std::uint64_t waits = 0;                  ///< calls that waited for a login
  std::uint64_t generation = 0;             ///< of the token; 0: there is none
  milliseconds remaining = {};  ///< until the token's reckoned expiry; negative after it, max() if nobody knows it
  nacosauth::token_state token_state = {};      ///< of the token
  nacosauth::refresh_state refresh_state = {};  ///< of its renewal
  std::uint64_t logins_first = 0;               ///< of the logins: when there was no token yet
  std::uint64_t logins_renewal = 0;             ///< of the logins: before the token's expiry
  std::uint64_t logins_rejection = 0;           ///< of the logins: after a server refused the token
  std::uint64_t failures_unreachable = 0;       ///< of the failures: no server could be reached
  std::uint64_t failures_overloaded = 0;  ///< of the failures: no answer in time, or too much to do (429, 502 to 504)
  /// Of the failures: the credentials were refused, or the server failed over them (500)
  std::uint64_t failures_refused = 0;
  /// Of the failures: the answer was not that of a Nacos, or there was nothing to log in with
  std::uint64_t failures_other = 0;
  std::uint64_t rejections_identity = 0;  ///< of the rejections: invalid or expired
  std::uint64_t rejections_unknown = 0;   ///< of the rejections: without saying why
  /// Calls that got the last login's error because the next login was not due yet
  std::uint64_t suppressed_by_pause = 0;
  std::uint64_t suppressed_by_rejection = 0;  ///< the same while the credentials counted as wrong
  /// Refusals of a token that had been replaced already: answered by a replay, without a login
  std::uint64_t suppressed_by_generation = 0;
  std::uint64_t waiting = 0;   ///< calls that wait for a login now
  milliseconds retry_in = {};  ///< until the next login after one that failed; 0 if none is waiting for its time
};

/// A parameter, a header or a field of a form.
struct pair {
  std::string name = {};      ///< any bytes of UTF-8
  std::string value = {};     ///< any bytes of UTF-8
  bool is_sensitive = false;  ///< no message of the library holds the value, not even where a server repeats it
};
/// Several of them.
using pairs = std::vector<pair>;

namespace detail {

template <auto Free>
struct freed_with {
  template <class Handle>
  void operator()(Handle *handle) const noexcept {
    Free(handle);
  }
};

template <class Handle, auto Free>
using owner = std::unique_ptr<Handle, freed_with<Free>>;

/// Marks the constructors that take a handle over: no `{}` shall be taken for one.
struct adopted {
  explicit adopted() = default;
};

/// What `{nullptr}` and `{0}` are sooner than settings. Functions that take settings are deleted for it: no text is to
/// be made of a null pointer, and no handle is meant.
template <std::size_t Count>
using null_pointers = const std::nullptr_t (&)[Count];

}  // namespace detail

/// How long: any std::chrono::duration, rounded up to whole milliseconds. The largest ones and infinite ones are
/// without end; zero, negative ones and NaN are no time at all.
class time_span {
 public:
  /// As long as `given`.
  template <class Rep, class Period>
  constexpr time_span(std::chrono::duration<Rep, Period> given) noexcept : ms_(rounded(given)) {}

  /// In milliseconds; 0: no time at all.
  constexpr std::uint64_t count() const noexcept { return ms_; }
  /// Whether it is without end.
  constexpr bool is_unending() const noexcept { return ms_ == std::numeric_limits<std::uint64_t>::max(); }

 private:
  template <class Rep, class Period>
  static constexpr std::uint64_t rounded(std::chrono::duration<Rep, Period> given) noexcept {
    // Not by comparing durations, which converts the larger unit first, and overflows.
    const long double seconds = static_cast<long double>(given.count()) * Period::num / Period::den;
    if (!(seconds > 0)) return 0;
    if (seconds >= 9.2e15L) return std::numeric_limits<std::uint64_t>::max();
    const auto whole = std::chrono::duration_cast<milliseconds>(given);
    return static_cast<std::uint64_t>(whole.count()) + (whole < given ? 1u : 0u);
  }

  std::uint64_t ms_;
};

namespace detail {

/// The largest time-out: a day.
constexpr std::uint64_t longest_timeout = 86'400'000;

/// A time-out as C takes it, where 0 is the default: no time at all is the shortest there is.
inline std::uint32_t timeout(const std::optional<time_span> &given) noexcept {
  if (!given) return 0;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(given->count(), 1, longest_timeout));
}

}  // namespace detail

/// Why a call failed. Copies share one object. Safe to print: holds no password, token or query.
class error {
 public:
  /// Takes over what a C function returned; `details` may be NULL.
  [[nodiscard]] static error adopt(nacos_status code, nacos_error *details) {
    return error(detail::adopted(), code, details);
  }
  /// An error of this header; `message` is static, NULL for the words of the status.
  explicit error(status code, const char *message) noexcept
      : code_(static_cast<nacos_status>(code)), message_(message) {}

  /// What kind of failure.
  status code() const noexcept { return static_cast<status>(code_); }
  /// As "BAD_CREDENTIALS".
  const char *name() const noexcept { return nacos_status_name(code_); }
  /// What failed, on which server, and what to do. Valid until the last copy of the error goes.
  const char *message() const noexcept {
    if (words_) return words_->c_str();
    if (details_) return nacos_error_message(details_.get());
    return message_ != nullptr ? message_ : nacos_status_message(code_);
  }
  /// Of the answer that caused the failure; 0 if none did.
  int http_status() const noexcept { return nacos_error_http_status(details_.get()); }
  /// Why, more closely than the status says it: one of NACOS_CAUSE_*. Valid until the last copy of the error goes.
  std::string_view cause() const noexcept {
    if (details_) return nacos_error_cause(details_.get());
    switch (code()) {
      case status::invalid_argument:
      case status::null_argument:
        return NACOS_CAUSE_INVALID_ARGUMENT;
      case status::invalid_config:
        return NACOS_CAUSE_INVALID_CONFIG;
      default:
        return "";
    }
  }
  /// That the failure is about, as "host:port"; "" for none or all. Valid until the last copy of the error goes.
  std::string_view server() const noexcept { return nacos_error_server(details_.get()); }
  /// Whether a server may have acted on the request. sent::no: sending it again does nothing twice.
  sent was_sent() const noexcept { return static_cast<sent>(nacos_error_was_sent(details_.get())); }
  /// Whether the same call may succeed later without anybody changing anything.
  bool is_retryable() const noexcept { return nacos_error_is_retryable(details_.get()) != 0; }
  /// Until the library itself logs in again; nullopt if unknown.
  std::optional<milliseconds> retry_after() const noexcept {
    const std::uint64_t after = nacos_error_retry_after_ms(details_.get());
    if (after == 0) return std::nullopt;
    return milliseconds(static_cast<milliseconds::rep>(after));
  }

  /// The same failure in other words.
  [[nodiscard]] error with_message(std::string message) const {
    error other = *this;
    other.words_ = std::make_shared<const std::string>(std::move(message));
    return other;
  }

  /// NULL if there is no object with details.
  const nacos_error *native() const noexcept { return details_.get(); }

 private:
  explicit error(detail::adopted, nacos_status code, nacos_error *details)
      : code_(code), details_(details, nacos_error_free) {}

  nacos_status code_;
  const char *message_ = nullptr;
  std::shared_ptr<const std::string> words_;
  std::shared_ptr<nacos_error> details_;
};

#ifdef __cpp_lib_expected

template <class T>
using result = std::expected<T, error>;
using unexpected = std::unexpected<error>;

#else

/// Makes a result of an error.
class unexpected {
 public:
  /// Holds `cause`.
  explicit unexpected(nacosauth::error cause) noexcept : cause_(std::move(cause)) {}
  /// What it holds.
  const nacosauth::error &error() const noexcept { return cause_; }

 private:
  nacosauth::error cause_;
};

/// A value or an error: the part of std::expected that is enough to tell them apart and to get at either.
template <class T>
class [[nodiscard]] result {
 public:
  /// A success.
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// A failure.
  result(const unexpected &failure) : state_(std::in_place_index<1>, failure.error()) {}

  /// Whether it holds a value.
  bool has_value() const noexcept { return state_.index() == 0; }
  /// The same.
  explicit operator bool() const noexcept { return has_value(); }
  /// The value; only with has_value().
  T &operator*() &noexcept { return *std::get_if<0>(&state_); }
  /// The value; only with has_value().
  const T &operator*() const &noexcept { return *std::get_if<0>(&state_); }
  /// The value; only with has_value().
  T &&operator*() &&noexcept { return std::move(*std::get_if<0>(&state_)); }
  /// The value; only with has_value().
  T *operator->() noexcept { return std::get_if<0>(&state_); }
  /// The value; only with has_value().
  const T *operator->() const noexcept { return std::get_if<0>(&state_); }
  /// The value, or `otherwise`.
  template <class Other>
  T value_or(Other &&otherwise) const & {
    return has_value() ? **this : static_cast<T>(std::forward<Other>(otherwise));
  }
  /// The value, or `otherwise`.
  template <class Other>
  T value_or(Other &&otherwise) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<Other>(otherwise));
  }
  /// The error; only without has_value().
  const nacosauth::error &error() const noexcept { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, nacosauth::error> state_;
};

/// Success or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  /// A success.
  result() noexcept = default;
  /// A failure.
  result(const unexpected &failure) noexcept : failure_(failure.error()) {}

  /// Whether it is a success.
  bool has_value() const noexcept { return !failure_; }
  /// The same.
  explicit operator bool() const noexcept { return has_value(); }
  /// The error; only without has_value().
  const nacosauth::error &error() const noexcept { return *failure_; }

 private:
  std::optional<nacosauth::error> failure_;
};

#endif

#ifdef __cpp_exceptions

/// What the functions without try_ throw.
class exception : public std::exception {
 public:
  /// Carries `cause`.
  explicit exception(nacosauth::error cause) noexcept : cause_(std::move(cause)) {}

  /// error().message().
  const char *what() const noexcept override { return cause_.message(); }
  /// error().code().
  status code() const noexcept { return cause_.code(); }
  /// What it carries.
  const nacosauth::error &error() const noexcept { return cause_; }

 private:
  nacosauth::error cause_;
};

#endif

namespace detail {

#ifdef __cpp_exceptions
template <class T>
T unwrap(result<T> outcome) {
  if (!outcome) throw exception(outcome.error());
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}
#endif

/// What comes of a C function that has no output; `call` gets the place for its error.
template <class Call>
result<void> outcome(const Call &call) {
  nacos_error *details = nullptr;
  const nacos_status code = call(&details);
  if (code != NACOS_OK) return unexpected(error::adopt(code, details));
  return {};
}

/// Collects what C borrows of C++ objects, and remembers what is not usable: strings that C would cut short, times that
/// are none, handles that are gone.
class lender {
 public:
  const char *text(const std::string &given, const char *complaint) noexcept {
    if (given.size() != std::strlen(given.c_str())) complain(status::invalid_argument, complaint);
    return given.c_str();
  }
  /// NULL for an empty one.
  const char *optional(const std::string &given, const char *complaint) noexcept {
    return given.empty() ? nullptr : text(given, complaint);
  }
  /// 0 for none.
  std::uint32_t timeout(const std::optional<time_span> &given, const char *complaint,
                        status kind = status::invalid_argument) noexcept {
    if (given && given->count() == 0) complain(kind, complaint);
    return detail::timeout(given);
  }
  /// 0 for none.
  std::uint64_t life(const std::optional<time_span> &given) noexcept {
    if (!given) return 0;
    if (given->count() == 0) complain(status::invalid_argument, "ttl is zero or negative");
    return given->count();
  }
  template <class Handle>
  Handle *handle(Handle *given, const char *complaint) noexcept {
    if (given == nullptr) complain(status::null_argument, complaint);
    return given;
  }
  /// NULL for none.
  template <class Source>
  auto cancel(const Source *given) noexcept -> decltype(given->native()) {
    return given == nullptr ? nullptr : handle(given->native(), "cancel has been moved from, or handed over");
  }
  /// The error of the last thing that was not usable.
  result<void> check() const {
    if (complaint_ == nullptr) return {};
    return unexpected(error(kind_, complaint_));
  }

 private:
  void complain(status kind, const char *complaint) noexcept {
    kind_ = kind;
    complaint_ = complaint;
  }

  status kind_ = status::ok;
  const char *complaint_ = nullptr;
};

/// Pairs as C borrows them, with their lengths.
inline std::vector<nacos_pair> lent(const pairs &given) {
  std::vector<nacos_pair> all;
  all.reserve(given.size());
  for (const auto &[name, value, is_sensitive] : given)
    all.push_back(
        {name.c_str(), value.c_str(), name.size(), value.size(), is_sensitive ? NACOS_PAIR_SENSITIVE : 0u, 0});
  return all;
}

}  // namespace detail

/// Ends calls from another thread.
class cancel_source {
 public:
  /// A new signal.
  cancel_source() noexcept : handle_(nacos_cancel_new()) {}
  /// Takes over what nacos_cancel_new returned.
  [[nodiscard]] static cancel_source adopt(nacos_cancel *handle) noexcept {
    return cancel_source(detail::adopted(), handle);
  }
  static cancel_source adopt(std::nullptr_t) = delete;

  /// Every call that carries this source ends with status::cancelled, now and later.
  void cancel() const noexcept { nacos_cancel_trigger(handle_.get()); }

  /// The handle, lent; NULL after a move.
  nacos_cancel *native() const noexcept { return handle_.get(); }
  /// The handle, handed over: free it with nacos_cancel_free.
  nacos_cancel *release() noexcept { return handle_.release(); }

 private:
  explicit cancel_source(detail::adopted, nacos_cancel *handle) noexcept : handle_(handle) {}

  detail::owner<nacos_cancel, nacos_cancel_free> handle_;
};

/// What a credentials callback may answer: a user to log in as.
struct user_password {
  std::string username = {};  ///< name of a Nacos user
  std::string password = {};  ///< its password
};

/// What a credentials callback may answer: a token that somebody else got. No login happens.
struct foreign_token {
  std::string value = {};  ///< the token
  /// Its life from now; nullopt: unknown, the callback is asked again in minutes. No time at all is a failure.
  std::optional<time_span> ttl = {};
};

/// What a credentials callback may answer: there are none, and why. Throwing says the same.
struct no_credentials {
  std::string message = {};  ///< for the error that callers get: no secret in it
};

/// The answer of a credentials callback.
using supplied = std::variant<user_password, foreign_token, no_credentials>;

/// Something that has happened. Holds no password, token or query.
struct event {
  event_kind kind = {};                          ///< what
  log_level level = {};                          ///< how much it matters
  std::uint64_t generation = 0;                  ///< of the token it is about; 0: it is about none
  nacosauth::status status = {};                 ///< why a login failed; status::ok for what is no failure
  int http_status = 0;                           ///< behind that; 0 if no answer was
  std::optional<milliseconds> retry_after = {};  ///< until the next login after one that failed
  std::string_view message = {};                 ///< the same in words, borrowed for the callback like the next two
  std::string_view server = {};                  ///< it is about, as "host:port"; "" for none or all
  std::string_view cause = {};                   ///< one of NACOS_CAUSE_*; "" for what is no trouble
};

/// A record of the log. Holds no password, token or query; the strings are borrowed for the callback.
struct log_record {
  log_level level = {};           ///< how much it matters
  std::string_view message = {};  ///< the line, without a line end
  std::string_view server = {};   ///< it is about, as "host:port"; "" for none or all
  std::string_view cause = {};    ///< one of NACOS_CAUSE_*; "" for what is no trouble
};

/**
 * Settings of a client, with the defaults of the C header; empty means not given. Required are server_addr and
 * credentials: username with password or password_file, or token, or the callback.
 *
 * Callbacks run on threads of the library and may call the client, close() included; event and log never at the same
 * time, credentials also while one of them runs. close() and the destructor tell what is still to be told, in their own
 * thread. What `credentials` throws becomes the failure of the login (status::no_credentials with its what()); what
 * `event` and `log` throw is swallowed. None begins once close() or the destructor has returned, so they may refer to
 * what outlives the client; they themselves are destroyed by then. There are two exceptions: one that has not returned
 * when the bound of close() or, in the destructor without a close(), request_timeout has passed, goes on, and what
 * waits behind it is told then; and close() inside a callback waits for nothing. What has happened so far is told soon
 * after, and then they are destroyed, on any thread.
 *
 * `keep_waiting` is asked every 50 to 100 ms by each call that waits, on its thread: false, or whatever it throws, ends
 * the call with status::cancelled.
 *
 * The TLS files are read when the client is made, and again, every two seconds at the most, when a connection is made.
 */
struct options {
  std::string server_addr = {};                  ///< one or several of `[http(s)://]host[:port]`, separated by commas
  std::optional<std::string> context_path = {};  ///< nullopt: "/nacos"; "" or "/": nothing
  std::string username = {};                     ///< name of a Nacos user
  std::string password = {};                     ///< its password
  std::string password_file = {};                ///< holds the password; read anew for each login
  std::string token = {};                        ///< that somebody else got; nothing logs in
  std::function<supplied()> credentials = {};    ///< asked for each login
  std::function<void(const nacosauth::event &)> event = {};     ///< told what happens
  std::function<void(const nacosauth::log_record &)> log = {};  ///< told what happens, in lines
  std::function<bool()> keep_waiting = {};                      ///< asked by calls that wait whether to go on
  std::string ca_file = {};                                     ///< PEM; empty: the system's authorities
  std::string client_cert_file = {};                            ///< PEM; goes with client_key_file
  std::string client_key_file = {};                             ///< PEM
  std::string ca_pem = {};                                      ///< instead of ca_file: the PEM itself
  std::string client_cert_pem = {};                             ///< instead of client_cert_file: the PEM itself
  std::string client_key_pem = {};                              ///< instead of client_key_file: the PEM itself
  std::string tls_server_name = {};                             ///< that certificates have to be for; empty: the host
  std::string proxy = {};                                       ///< "http://[user:password@]host:port", "socks5://…"
  std::string user_agent = {};                                  ///< empty: "nacos-auth/" and the library's version
  std::uint64_t max_response_size = 0;                          ///< in bytes, decoded; 0: 64 MiB
  std::optional<time_span> connect_timeout = {};                ///< to one server; nullopt: 2 s
  std::optional<time_span> request_timeout = {};                ///< of calls that set none of their own; nullopt: 15 s
  std::uint32_t max_connections = 0;                            ///< in use by requests at the same time; 0: 128
  std::uint32_t max_operations = 0;                             ///< async_calls under way at the same time; 0: 16384
  nacosauth::token_in token_in = nacosauth::token_in::automatic;     ///< where the token goes
  nacosauth::anonymous anonymous = nacosauth::anonymous::automatic;  ///< whether requests may be sent without one
  nacosauth::log_level log_level = nacosauth::log_level::info;       ///< down to which level log is called

  /// From environment variables, which have the same names in every language: NACOS_SERVER_ADDR; NACOS_USERNAME with
  /// NACOS_PASSWORD or NACOS_PASSWORD_FILE, or else NACOS_TOKEN; and, where wanted, NACOS_CONTEXT_PATH, NACOS_CA_FILE,
  /// NACOS_CLIENT_CERT_FILE, NACOS_CLIENT_KEY_FILE, NACOS_TLS_SERVER_NAME, NACOS_PROXY, NACOS_TOKEN_IN. An empty one
  /// counts as not set. What is missing, contradictory or not usable, be it a file that cannot be read, is
  /// status::invalid_config and names the variable. No other thread may change the environment meanwhile.
  [[nodiscard]] static result<options> try_from_env();
#ifdef __cpp_exceptions
  /// try_from_env(), or throws.
  [[nodiscard]] static options from_env();
#endif
};

namespace detail {

/// Settings as C borrows them, without the callbacks.
inline nacos_auth_options lent(const options &settings, lender &given) {
  auto in = nacos_auth_options_default();
  in.server_addr = given.text(settings.server_addr, "server_addr holds a NUL character");
  // An empty name or password is what the error should be about, unless something else stands in for it.
  const bool has_user = settings.token.empty() && !settings.credentials;
  const bool has_password = has_user && settings.password_file.empty();
  in.username = given.text(settings.username, "username holds a NUL character");
  if (!has_user && settings.username.empty()) in.username = nullptr;
  in.password = given.text(settings.password, "password holds a NUL character");
  if (!has_password && settings.password.empty()) in.password = nullptr;
  in.password_file = given.optional(settings.password_file, "password_file holds a NUL character");
  in.token = given.optional(settings.token, "token holds a NUL character");
  if (settings.context_path) in.context_path = given.text(*settings.context_path, "context_path holds a NUL character");
  in.ca_file = given.optional(settings.ca_file, "ca_file holds a NUL character");
  in.client_cert_file = given.optional(settings.client_cert_file, "client_cert_file holds a NUL character");
  in.client_key_file = given.optional(settings.client_key_file, "client_key_file holds a NUL character");
  in.ca_pem = given.optional(settings.ca_pem, "ca_pem holds a NUL character");
  in.client_cert_pem = given.optional(settings.client_cert_pem, "client_cert_pem holds a NUL character");
  in.client_key_pem = given.optional(settings.client_key_pem, "client_key_pem holds a NUL character");
  in.tls_server_name = given.optional(settings.tls_server_name, "tls_server_name holds a NUL character");
  in.proxy = given.optional(settings.proxy, "proxy holds a NUL character");
  in.user_agent = given.optional(settings.user_agent, "user_agent holds a NUL character");
  in.max_response_size = settings.max_response_size;
  in.connect_timeout_ms =
      given.timeout(settings.connect_timeout, "connect_timeout is zero or negative", status::invalid_config);
  in.request_timeout_ms =
      given.timeout(settings.request_timeout, "request_timeout is zero or negative", status::invalid_config);
  in.max_connections = settings.max_connections;
  in.max_operations = settings.max_operations;
  in.token_in = static_cast<std::int32_t>(settings.token_in);
  in.anonymous = static_cast<std::int32_t>(settings.anonymous);
  in.log_level = static_cast<std::int32_t>(settings.log_level);
  return in;
}

/// Calls what is not C for C: what `call` throws goes to `caught`, in words.
template <class Call, class Caught>
void contain(const Call &call, [[maybe_unused]] const Caught &caught) noexcept {
#ifdef PTHREAD_CANCEL_DISABLE
  // pthread_cancel would unwind through C, at once or later. It is not allowed again: on threads of the library
  // nobody misses it, on others the library itself has put it off.
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
#endif
#ifdef __cpp_exceptions
  try {
    call();
  } catch (const std::exception &failure) {
    caught(failure.what());
  } catch (...) {
    caught("it threw something that is no std::exception");
  }
#else
  call();
#endif
}

/// A client's callbacks as C knows them: the object is its callback_data.
class callbacks {
 public:
  /// Has `in` call those that are there; NULL if there are none.
  static std::unique_ptr<callbacks> of(const options &settings, nacos_auth_options &in) {
    if (!settings.credentials && !settings.event && !settings.log && !settings.keep_waiting) return nullptr;
    std::unique_ptr<callbacks> made(new callbacks(settings));
    if (settings.credentials) in.credentials = supply;
    if (settings.event) in.event = tell;
    if (settings.log) in.log = write;
    if (settings.keep_waiting) in.keep_waiting = ask;
    in.callback_data = made.get();
    in.callback_drop = [](void *data) { delete static_cast<callbacks *>(data); };
    return made;
  }

 private:
  explicit callbacks(const options &settings)
      : credentials_(settings.credentials),
        event_(settings.event),
        log_(settings.log),
        keep_waiting_(settings.keep_waiting) {}

  static void supply(void *data, nacos_credentials *answer) noexcept {
    const auto fail = [answer](const char *why) {
      // A what() that is not UTF-8 is refused.
      if (nacos_credentials_set_failure(answer, why, nullptr) != NACOS_OK)
        (void)nacos_credentials_set_failure(answer, "it failed, and not in UTF-8", nullptr);
    };
    contain(
        [&] {
          const auto refused = std::visit([&](const auto &given) { return give(answer, given); },
                                          static_cast<const callbacks *>(data)->credentials_());
          if (!refused) fail(refused.error().message());
        },
        fail);
  }

  static result<void> give(nacos_credentials *answer, const user_password &given) {
    lender lender;
    const char *user = lender.text(given.username, "username holds a NUL character");
    const char *secret = lender.text(given.password, "password holds a NUL character");
    if (auto usable = lender.check(); !usable) return usable;
    return outcome(
        [&](nacos_error **details) { return nacos_credentials_set_password(answer, user, secret, details); });
  }
  static result<void> give(nacos_credentials *answer, const foreign_token &given) {
    lender lender;
    const char *token = lender.text(given.value, "token holds a NUL character");
    const auto life = lender.life(given.ttl);
    if (auto usable = lender.check(); !usable) return usable;
    return outcome([&](nacos_error **details) { return nacos_credentials_set_token(answer, token, life, details); });
  }
  static result<void> give(nacos_credentials *answer, const no_credentials &given) {
    lender lender;
    const char *message = lender.text(given.message, "the message of no_credentials holds a NUL character");
    if (auto usable = lender.check(); !usable) return usable;
    return outcome([&](nacos_error **details) { return nacos_credentials_set_failure(answer, message, details); });
  }

  static void tell(void *data, const nacos_event *what) noexcept {
    event told;
    told.kind = static_cast<event_kind>(what->kind);
    told.level = static_cast<log_level>(what->level);
    told.generation = what->generation;
    told.status = static_cast<status>(what->status);
    told.http_status = what->http_status;
    if (what->retry_after_ms != 0)
      told.retry_after = milliseconds(static_cast<milliseconds::rep>(what->retry_after_ms));
    told.message = what->message;
    told.server = what->server;
    told.cause = what->cause;
    contain([&] { static_cast<const callbacks *>(data)->event_(told); }, [](const char *) {});
  }

  static void write(void *data, const nacos_log_record *what) noexcept {
    const log_record record{static_cast<log_level>(what->level), what->message, what->server, what->cause};
    contain([&] { static_cast<const callbacks *>(data)->log_(record); }, [](const char *) {});
  }

  static std::int32_t ask(void *data) noexcept {
    bool goes_on = false;
    contain([&] { goes_on = static_cast<const callbacks *>(data)->keep_waiting_(); }, [](const char *) {});
    return goes_on ? 1 : 0;
  }

  std::function<supplied()> credentials_;
  std::function<void(const event &)> event_;
  std::function<void(const log_record &)> log_;
  std::function<bool()> keep_waiting_;
};

}  // namespace detail

/// What limits one call.
struct call_options {
  std::optional<time_span> timeout = {};  ///< nullopt: the client's request_timeout; no time at all is refused
  const cancel_source *cancel = nullptr;  ///< borrowed for the call
  bool no_wait = false;                   ///< fails with status::would_block where it would have to wait for a login
};

/// A request to the open API of Nacos.
struct request {
  std::string method = "GET";  ///< any HTTP method
  std::string path = {};       ///< required; what comes after the context path, and stays below it
  pairs query = {};            ///< percent-encoded by the library
  pairs headers = {};          ///< those that would beat the token or frame the message are refused
  pairs form = {};             ///< becomes the body; percent-encoded by the library
  std::string body = {};       ///< any bytes; not together with form
  /// nullopt: the client's request_timeout, and as much more as a header Long-Pulling-Timeout says. No time at all is
  /// refused.
  std::optional<time_span> timeout = {};
  const cancel_source *cancel = nullptr;  ///< borrowed for the call
  /// Whether sending it twice does no more than sending it once; nullopt: as its method says.
  std::optional<bool> idempotent = {};
  bool no_wait = false;       ///< status::would_block where it would have to wait for a login or a connection
  bool no_replay = false;     ///< sent once at the most; the answer may be a refusal then
  bool no_failover = false;   ///< one server only
  bool no_anonymous = false;  ///< never without a token
};

namespace detail {

inline std::uint32_t flags_of(const request &what) noexcept {
  std::uint32_t flags = 0;
  if (what.no_wait) flags |= NACOS_FLAG_NO_WAIT;
  if (what.no_replay) flags |= NACOS_FLAG_NO_REPLAY;
  if (what.no_failover) flags |= NACOS_FLAG_NO_FAILOVER;
  if (what.no_anonymous) flags |= NACOS_FLAG_NO_ANONYMOUS;
  if (what.idempotent && *what.idempotent) flags |= NACOS_FLAG_IDEMPOTENT;
  if (what.idempotent && !*what.idempotent) flags |= NACOS_FLAG_NOT_IDEMPOTENT;
  return flags;
}

/// What limits a call as C borrows it.
inline nacos_call_options lent(const call_options &limits, lender &given) {
  auto in = nacos_call_options_default();
  in.timeout_ms = given.timeout(limits.timeout, "timeout is zero or negative");
  in.cancel = given.cancel(limits.cancel);
  in.flags = limits.no_wait ? NACOS_FLAG_NO_WAIT : 0u;
  return in;
}

/// A request as C borrows it.
class lent_request {
 public:
  lent_request(const lent_request &) = delete;
  lent_request &operator=(const lent_request &) = delete;
  lent_request(const request &what, lender &given)
      : query_(lent(what.query)), headers_(lent(what.headers)), form_(lent(what.form)) {
    options.method = given.text(what.method, "method holds a NUL character");
    options.path = given.text(what.path, "path holds a NUL character");
    options.query = query_.data();
    options.query_count = query_.size();
    options.headers = headers_.data();
    options.header_count = headers_.size();
    options.form = form_.data();
    options.form_count = form_.size();
    options.body = reinterpret_cast<const std::uint8_t *>(what.body.data());
    options.body_len = what.body.size();
    options.timeout_ms = given.timeout(what.timeout, "timeout is zero or negative");
    options.cancel = given.cancel(what.cancel);
    options.flags = flags_of(what);
  }

  nacos_request_options options = nacos_request_options_default();

 private:
  std::vector<nacos_pair> query_, headers_, form_;
};

inline lent_request lent(const request &what, lender &given) { return lent_request(what, given); }

}  // namespace detail

/// A copy of the token, and what is known of it. `value` is a secret.
struct token_copy {
  std::string value = {};        ///< the token
  std::uint64_t generation = 0;  ///< its number in this process
  milliseconds remaining = {};   ///< until its reckoned expiry; negative after it, max() if nobody knows it
  bool expired = false;          ///< past its expiry, and given out because no server could be asked for another
};

/// An answer to a request that another HTTP library has sent, for client::report_rejected().
struct rejection {
  std::uint64_t generation = 0;      ///< of the token that the request had
  int http_status = 0;               ///< of the answer: 100 to 999; required
  std::string_view body = {};        ///< of the answer; its first 4 KiB are enough
  std::string server = {};           ///< that answered, as in server_addr, or any URL of it; empty: not known
  std::string retry_after = {};      ///< the header Retry-After; empty: none
  std::uint32_t refused_before = 0;  ///< how often this request has been refused the same token before
};

/// What to do with it.
struct advised {
  nacosauth::advice advice = nacosauth::advice::hand_on;  ///< hand it on, or send the request again
  milliseconds wait = {};  ///< before that; with advice::hand_on: how long the server asks to be left alone
};

/// The answer to a request, whatever its HTTP status. What it returns is borrowed from it.
class response {
 public:
  /// Takes over what nacos_request returned.
  [[nodiscard]] static response adopt(nacos_response *handle) noexcept { return response(detail::adopted(), handle); }
  static response adopt(std::nullptr_t) = delete;

  /// The HTTP status.
  int status() const noexcept { return nacos_response_status(handle_.get()); }
  /// Any bytes.
  std::string_view body() const noexcept {
    std::size_t length = 0;
    const auto *bytes = nacos_response_body(handle_.get(), &length);
    return {reinterpret_cast<const char *>(bytes), length};
  }
  /// The first header of that name, in any case.
  std::optional<std::string_view> header(std::string_view name) const {
    if (name.find('\0') != name.npos) return std::nullopt;
    const char *value = nacos_response_header(handle_.get(), std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  }
  /// In the order of the answer, those of one name together; names in lower case.
  std::vector<std::pair<std::string_view, std::string_view>> headers() const {
    std::vector<std::pair<std::string_view, std::string_view>> all(nacos_response_header_count(handle_.get()));
    for (std::size_t i = 0; i < all.size(); ++i) {
      const char *name = nullptr, *value = nullptr;
      if (nacos_response_header_at(handle_.get(), i, &name, &value, nullptr) == NACOS_OK) all[i] = {name, value};
    }
    return all;
  }
  /// Whether the body was cut, as that of a refusal is beyond 64 KiB.
  bool is_truncated() const noexcept { return nacos_response_is_truncated(handle_.get()) != 0; }
  /// The one that answered, as "host:port".
  std::string_view server() const noexcept { return nacos_response_server(handle_.get()); }
  /// How often the request was sent in all, to whatever server: 1 nearly always.
  unsigned attempts() const noexcept { return nacos_response_attempts(handle_.get()); }
  /// Of the token that got this answer; 0 if the request went without one.
  std::uint64_t generation() const noexcept { return nacos_response_generation(handle_.get()); }
  /// How often the request was repeated with a new token: 0 nearly always, 2 at the most.
  unsigned replays() const noexcept { return nacos_response_replays(handle_.get()); }

  /// The handle, lent; NULL after a move.
  const nacos_response *native() const noexcept { return handle_.get(); }
  /// The handle, handed over: free it with nacos_response_free.
  nacos_response *release() noexcept { return handle_.release(); }

 private:
  explicit response(detail::adopted, nacos_response *handle) noexcept : handle_(handle) {}

  detail::owner<nacos_response, nacos_response_free> handle_;
};

/// What diagnose() is to look at besides servers and credentials.
struct diagnose_options {
  std::string method = {};                ///< of a request that fails; empty: GET
  std::string path = {};                  ///< its path below the context path, with its query, encoded; empty: none
  std::string token = {};                 ///< that is refused; no login is made with it; empty: none
  std::optional<time_span> timeout = {};  ///< nullopt: 10 s; no time at all is refused
  const cancel_source *cancel = nullptr;  ///< borrowed for the call
  bool send_writes = false;               ///< sends the request even though it may change something
};

/// One step of an examination. Holds no password, token or query.
struct finding {
  nacosauth::severity severity = {};  ///< how bad it is
  std::string cause = {};             ///< one of NACOS_CAUSE_*: NACOS_CAUSE_HEALTHY for what is as it should be
  std::string server = {};            ///< it is about, as "host:port"; "" for none or all
  std::string seen = {};              ///< the server's own words, times, versions
  std::string means = {};             ///< in a sentence
  std::string cure = {};              ///< what to do about it, in a sentence
};

/// What an examination found. Holds no password, token or query, so that it can be shown to anybody.
struct diagnosis {
  std::vector<finding> findings = {};  ///< in the order in which they were made
  nacosauth::severity severity = {};   ///< of the worst of them
  std::string text = {};               ///< all of them for people, a paragraph each
  std::string json = {};               ///< all of them as JSON, see nacos_diagnosis_json
};

namespace detail {

/// A copy of what nacos_auth_diagnose returned.
inline result<diagnosis> copied(const nacos_diagnosis *found) {
  diagnosis all;
  all.severity = static_cast<severity>(nacos_diagnosis_severity(found));
  all.text = nacos_diagnosis_text(found);
  all.json = nacos_diagnosis_json(found);
  const std::size_t count = nacos_diagnosis_count(found);
  all.findings.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto one = nacos_finding_default();
    nacos_error *details = nullptr;
    const auto code = nacos_diagnosis_finding(found, i, &one, &details);
    if (code != NACOS_OK) return unexpected(error::adopt(code, details));
    all.findings.push_back({static_cast<severity>(one.severity), one.cause, one.server, one.seen, one.means, one.cure});
  }
  return all;
}

}  // namespace detail

/// Finds out whether these settings work, and if not, why not, see nacos_auth_diagnose; and what is wrong with a token
/// or a request. Whatever is wrong with servers, credentials, token or request is a finding, and no error. Makes
/// connections and logins of its own. Of the callbacks only `credentials` is called, on this thread.
[[nodiscard]] inline result<diagnosis> try_diagnose(const options &settings, const diagnose_options &asked = {}) {
  detail::lender lender;
  auto in = detail::lent(settings, lender);
  auto what = nacos_diagnose_options_default();
  what.method = lender.optional(asked.method, "method holds a NUL character");
  what.path = lender.optional(asked.path, "path holds a NUL character");
  what.token = lender.optional(asked.token, "token holds a NUL character");
  what.timeout_ms = lender.timeout(asked.timeout, "timeout is zero or negative");
  what.cancel = lender.cancel(asked.cancel);
  what.flags = asked.send_writes ? NACOS_DIAGNOSE_SEND_WRITES : 0u;
  if (auto usable = lender.check(); !usable) return unexpected(usable.error());
  const auto callbacks = detail::callbacks::of(settings, in);  // which stay this function's
  nacos_diagnosis *found = nullptr;
  nacos_error *details = nullptr;
  const auto code = nacos_auth_diagnose(&in, &what, &found, &details);
  if (code != NACOS_OK) return unexpected(error::adopt(code, details));
  const detail::owner<nacos_diagnosis, nacos_diagnosis_free> owned(found);
  return detail::copied(found);
}
template <std::size_t Count>
result<diagnosis> try_diagnose(detail::null_pointers<Count>, const diagnose_options &asked = {}) = delete;

#ifdef __cpp_exceptions
/// try_diagnose(), or throws.
[[nodiscard]] inline diagnosis diagnose(const options &settings, const diagnose_options &asked = {}) {
  return detail::unwrap(try_diagnose(settings, asked));
}
template <std::size_t Count>
diagnosis diagnose(detail::null_pointers<Count>, const diagnose_options &asked = {}) = delete;
#endif

/// What is known of a client's health.
struct health {
  health_status status = {};                ///< in one word
  bool is_ready = false;                    ///< requests can be expected to succeed: ok or degraded
  std::string cause = {};                   ///< one of NACOS_CAUSE_*; "" if it is well, or nothing is known
  std::optional<error> reason = {};         ///< what is wrong, with the server and its words, if something is
  milliseconds failing_for = {};            ///< since the first failed login after the last success; 0: it did not fail
  milliseconds remaining = {};              ///< until the token's reckoned expiry; as that of statistics
  milliseconds retry_in = {};               ///< until the next login after one that failed
  nacosauth::token_state token_state = {};  ///< of the token
  nacosauth::refresh_state refresh_state = {};  ///< of its renewal
};

namespace detail {

/// The text of nacos_auth_metrics.
inline result<std::string> metrics_of(nacos_auth *const *handles, const char *const *names, std::size_t count) {
  nacos_metrics *metrics = nullptr;
  nacos_error *details = nullptr;
  const auto code = nacos_auth_metrics(handles, names, count, &metrics, &details);
  if (code != NACOS_OK) return unexpected(error::adopt(code, details));
  const owner<nacos_metrics, nacos_metrics_free> owned(metrics);
  return std::string(nacos_metrics_text(metrics));
}

}  // namespace detail

/// An async_call that has been started. The call goes on when this is destroyed; it is needed to cancel it alone.
class operation {
 public:
  /// Takes over what nacos_request_start or nacos_token_start returned.
  [[nodiscard]] static operation adopt(nacos_operation *handle) noexcept {
    return operation(detail::adopted(), handle);
  }
  static operation adopt(std::nullptr_t) = delete;

  /// Has the call end soon with status::cancelled, unless it ends otherwise at that moment. Nothing happens once it has
  /// ended. Does not wait; the callable is called, or the coroutine resumed, all the same.
  void cancel() const noexcept { nacos_operation_cancel(handle_.get()); }

  /// The handle, lent; NULL after a move.
  nacos_operation *native() const noexcept { return handle_.get(); }
  /// The handle, handed over: free it with nacos_operation_free.
  nacos_operation *release() noexcept { return handle_.release(); }

 private:
  explicit operation(detail::adopted, nacos_operation *handle) noexcept : handle_(handle) {}

  detail::owner<nacos_operation, nacos_operation_free> handle_;
};

namespace detail {

/// What a completion brought: whoever has this owns it.
struct completed {
  explicit completed(const nacos_completion &from) noexcept
      : response(from.response), token(from.token), error(from.error), status(from.status) {}
  /// The end of an operation of which nothing has come.
  explicit completed(const char *why) noexcept : status(NACOS_CANCELLED), message(why) {}

  owner<nacos_response, nacos_response_free> response;
  owner<nacos_token, nacos_token_free> token;
  owner<nacos_error, nacos_error_free> error;
  nacos_status status;
  const char *message = nullptr;
};

inline void take(completed &ended, result<response> &outcome) { outcome = response::adopt(ended.response.release()); }
inline void take(completed &ended, result<std::string> &outcome) {
  outcome = std::string(nacos_token_text(ended.token.get()));
}
inline void take(completed &ended, result<token_copy> &outcome) {
  auto info = nacos_token_info_default();
  nacos_error *details = nullptr;
  if (const auto code = nacos_token_describe(ended.token.get(), &info, &details); code != NACOS_OK) {
    outcome = unexpected(nacosauth::error::adopt(code, details));
    return;
  }
  outcome = token_copy{nacos_token_text(ended.token.get()), info.generation, milliseconds(info.remaining_ms),
                       info.expired != 0};
}

/// The same as a result. Out of memory is a failure like others: whoever waits has to be told something.
template <class T>
result<T> result_of(completed ended) noexcept {
  result<T> outcome = unexpected(error(status::internal, "there is no memory for what the operation brought"));
#ifdef __cpp_exceptions
  try {
#endif
    if (ended.status == NACOS_OK)
      take(ended, outcome);
    else if (ended.message != nullptr)
      outcome = unexpected(error(static_cast<status>(ended.status), ended.message));
    else
      outcome = unexpected(error::adopt(ended.status, ended.error.release()));
#ifdef __cpp_exceptions
  } catch (...) {
  }
#endif
  return outcome;
}

class ledger;

/// What waits for the end of one operation: the `data` of its completion, which owns it.
class pending {
 public:
  pending() = default;
  pending(const pending &) = delete;
  pending &operator=(const pending &) = delete;
  virtual ~pending() = default;
  /// Called once.
  virtual void complete(completed ended) = 0;

  /// As C calls it, on a thread of the library.
  static void call(void *data, const nacos_completion *completion) noexcept {
    const std::unique_ptr<pending> waiting(static_cast<pending *>(data));
    contain([&] { waiting->complete(completed(*completion)); }, [](const char *) {});
  }

 private:
  friend class ledger;
  ledger *in_ = nullptr;
  pending *before_ = nullptr, *after_ = nullptr;
};

/// Whatever waits, in one process, for operations that complete to one queue.
class ledger {
 public:
  ledger(int descriptor, ledger *of_parent) noexcept : descriptor_(descriptor), of_parent_(of_parent) {}
  ledger(const ledger &) = delete;
  ledger &operator=(const ledger &) = delete;

  bool has_number_of_this_process() const noexcept { return process_ == this_process(); }
  /// A child in a namespace of its own may have its parent's number, but its queue has another descriptor.
  bool is_of_descriptor(int descriptor) const noexcept { return descriptor_ == descriptor; }

  void add(pending &waiting) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting.in_ = this;
    waiting.after_ = first_;
    if (first_ != nullptr) first_->before_ = &waiting;
    first_ = &waiting;
  }
  /// Out of the one that it is in.
  static void remove(pending &waiting) {
    const std::lock_guard<std::mutex> lock(waiting.in_->mutex_);
    (waiting.before_ != nullptr ? waiting.before_->after_ : waiting.in_->first_) = waiting.after_;
    if (waiting.after_ != nullptr) waiting.after_->before_ = waiting.before_;
  }
  /// The one that came last, removed; NULL if there is none. Only while nobody else uses this.
  std::unique_ptr<pending> take() {
    std::unique_ptr<pending> found(first_);
    if (found) remove(*found);
    return found;
  }

 private:
  static long this_process() noexcept {
#if __has_include(<unistd.h>)
    return static_cast<long>(::getpid());
#else
    return 0;
#endif
  }

  std::mutex mutex_;
  pending *first_ = nullptr;
  const long process_ = this_process();
  const int descriptor_;
  [[maybe_unused]] ledger *const of_parent_;  // kept: what is in there ends in the parent
};

/// What a queue and the calls that complete to it share.
class queue_core {
 public:
  explicit queue_core(owner<nacos_queue, nacos_queue_free> handle) noexcept : handle_(std::move(handle)) {}
  queue_core(const queue_core &) = delete;
  queue_core &operator=(const queue_core &) = delete;
  ~queue_core() { delete own_ledger(); }

  /// NULL once the queue is being destroyed, and all that has ended is completed.
  nacos_queue *handle() const noexcept { return handle_.get(); }

  /// False: the queue is being destroyed.
  bool add(pending &waiting) {
    if (is_closed_) return false;
    if (auto *own = own_ledger()) {
      own->add(waiting);
      return true;
    }
    auto *before = ledger_.load();
    auto made = std::make_unique<ledger>(nacos_queue_fd(handle_.get()), before);
    if (ledger_.compare_exchange_strong(before, made.get())) (void)made.release();
    ledger_.load()->add(waiting);  // one that another thread has made meanwhile, perhaps
    return true;
  }

  /// Completes one that has ended; false if none has.
  bool complete_one() {
    auto completion = nacos_completion_default();
    if (nacos_queue_next(handle_.get(), &completion, nullptr) != NACOS_OK) return false;
    const std::unique_ptr<pending> waiting(static_cast<pending *>(completion.data));
    completed ended(completion);
    ledger::remove(*waiting);
    waiting->complete(std::move(ended));
    return true;
  }

  void close() noexcept {
    is_closed_ = true;
    while (swallow([&] { return complete_one(); })) continue;
    closed_ = own_ledger();
    handle_.reset();
    while (auto *own = own_ledger()) {
      const auto waiting = own->take();
      if (!waiting) break;
      swallow([&] { return waiting->complete(completed("the queue was destroyed before the operation ended")), true; });
    }
  }

 private:
  /// NULL: this process has none yet. The parent's of a fork stays as it is, and a thread that is not here may hold its
  /// lock.
  ledger *own_ledger() const noexcept {
    auto *current = ledger_.load();
    if (current == nullptr || !current->has_number_of_this_process()) return nullptr;
    const auto is_own = handle_ ? current->is_of_descriptor(nacos_queue_fd(handle_.get())) : current == closed_;
    return is_own ? current : nullptr;
  }

  /// What `call` returns; true if it throws.
  template <class Call>
  static bool swallow(const Call &call) noexcept {
#ifdef __cpp_exceptions
    try {
      return call();
    } catch (...) {
      return true;
    }
#else
    return call();
#endif
  }

  owner<nacos_queue, nacos_queue_free> handle_;
  std::atomic<bool> is_closed_{false};
  std::atomic<ledger *> ledger_{nullptr};
  ledger *closed_ = nullptr;  // what own_ledger() was when there was a handle
};

}  // namespace detail

/**
 * Where calls end for a loop that polls descriptors: they are completed on the thread that drains the queue. Any number
 * of clients and threads may use one.
 *
 * The destructor completes what has not been completed: with what it brought, or else with status::cancelled, on its
 * thread. Callables and coroutines may therefore refer only to what outlives the queue; a call that they start to it
 * fails with status::closed, and what they throw is swallowed. No other thread may be using the queue by then. drain()
 * may call what destroys it.
 *
 * In the child of a fork the queue is empty and has another descriptor: calls of the parent's end in the parent alone,
 * and in the child what waits for them is neither called nor destroyed.
 */
class queue {
 public:
  /// A queue with a descriptor of its own.
  [[nodiscard]] static result<queue> make() {
    nacos_queue *handle = nullptr;
    nacos_error *details = nullptr;
    const auto code = nacos_queue_new(&handle, &details);
    if (code != NACOS_OK) return unexpected(error::adopt(code, details));
    detail::owner<nacos_queue, nacos_queue_free> owned(handle);
    return queue(detail::adopted(), std::make_shared<detail::queue_core>(std::move(owned)));
  }
#ifdef __cpp_exceptions
  /// make(), or throws.
  queue() : queue(detail::unwrap(make())) {}
#endif
  /// The one that has been moved from has no descriptor, and takes no calls.
  queue(queue &&other) noexcept = default;
  /// Destroys the one that was there.
  queue &operator=(queue &&other) noexcept {
    if (this != &other) {
      const auto before = std::exchange(core_, std::move(other.core_));
      if (before) before->close();
    }
    return *this;
  }
  ~queue() {
    if (const auto core = std::move(core_)) core->close();
  }

  /// Readable as long as a call that has ended waits to be completed, for poll, epoll (level or edge triggered), kqueue
  /// and what is made of them. It is the queue's own: do not read, write or close it. -1 after a move.
  int fd() const noexcept { return core_ ? nacos_queue_fd(core_->handle()) : -1; }

  /// Completes the calls that have ended, on this thread: calls their callables, resumes their coroutines, those that
  /// end meanwhile too. `most` is for a loop with other things to do: what is left keeps the descriptor readable.
  /// Returns how many it completed. Does not wait. What a callable throws comes out of here; the rest is for the next
  /// drain().
  std::size_t drain(std::size_t most = std::numeric_limits<std::size_t>::max()) const {
    const auto core = core_;  // a callable may destroy the queue
    std::size_t count = 0;
    while (core && core->handle() != nullptr && count < most && core->complete_one()) ++count;
    return count;
  }

 private:
  template <class>
  friend class async_call;

  explicit queue(detail::adopted, std::shared_ptr<detail::queue_core> core) noexcept : core_(std::move(core)) {}

  std::shared_ptr<detail::queue_core> core_;
};

namespace detail {

/// What an async_call<T> brings when nothing fails, and how it tells of a failure.
template <class T>
struct brought {
  using value = T;
#ifdef __cpp_exceptions
  static T hand_over(result<T> outcome) { return unwrap(std::move(outcome)); }
  static void keep(std::promise<T> &promise, result<T> outcome) {
    if (outcome)
      promise.set_value(*std::move(outcome));
    else
      promise.set_exception(std::make_exception_ptr(exception(outcome.error())));
  }
#endif
};
template <class T>
struct brought<result<T>> {
  using value = T;
  static result<T> hand_over(result<T> outcome) { return outcome; }
  static void keep(std::promise<result<T>> &promise, result<T> outcome) { promise.set_value(std::move(outcome)); }
};

inline nacos_status start(nacos_auth *auth, const lent_request &what, const nacos_start_options &how,
                          nacos_operation **started, nacos_error **details) {
  return nacos_request_start(auth, &what.options, &how, started, details);
}
inline nacos_status start(nacos_auth *auth, const nacos_call_options &what, const nacos_start_options &how,
                          nacos_operation **started, nacos_error **details) {
  return nacos_token_start(auth, &what, &how, started, details);
}

/// A callable that waits.
template <class Value, class Callable>
class called final : public pending {
 public:
  template <class Given>
  called(std::in_place_t, Given &&given) : callable_(std::forward<Given>(given)) {}
  void complete(completed ended) override { std::move(callable_)(result_of<Value>(std::move(ended))); }

 private:
  Callable callable_;
};

/// A std::future that waits.
template <class T>
class promised final : public pending {
 public:
  std::future<T> future() { return promise_.get_future(); }
  void complete(completed ended) override {
    brought<T>::keep(promise_, result_of<typename brought<T>::value>(std::move(ended)));
  }

 private:
  std::promise<T> promise_;
};

#ifdef __cpp_lib_coroutine

/// What a coroutine that waits and the completion that resumes it share.
template <class Value>
class suspension {
 public:
  explicit suspension(std::coroutine_handle<> coroutine) noexcept : coroutine_(coroutine) {}
  suspension(const suspension &) = delete;
  suspension &operator=(const suspension &) = delete;
  ~suspension() { nacos_operation_free(operation_.load()); }

  void keep(operation started) noexcept {
    operation_ = started.release();
    if (is_abandoned_) nacos_operation_cancel(operation_.load());
  }
  /// The coroutine is being destroyed.
  void abandon() noexcept {
    is_abandoned_ = true;
    nacos_operation_cancel(operation_.load());
  }
  void resume(completed ended) {
    if (is_abandoned_) return;
    outcome = result_of<Value>(std::move(ended));
    coroutine_.resume();
  }

  std::optional<result<Value>> outcome;

 private:
  const std::coroutine_handle<> coroutine_;
  std::atomic<bool> is_abandoned_{false};
  std::atomic<nacos_operation *> operation_{nullptr};
};

/// A coroutine that waits.
template <class Value>
class resumed final : public pending {
 public:
  explicit resumed(std::shared_ptr<suspension<Value>> shared) noexcept : shared_(std::move(shared)) {}
  void complete(completed ended) override { shared_->resume(std::move(ended)); }

 private:
  const std::shared_ptr<suspension<Value>> shared_;
};

#endif

}  // namespace detail

/**
 * A call that has not been started yet: what client::async_send() and its like return. It borrows the client until it
 * is started, and whatever the cancel of the call points to. It may be started any number of times; each is a call of
 * its own.
 *
 * Started in any of the three ways, it waits for nothing, and ends exactly once: with what it brings, or with a
 * failure: its time-out, a cancel, and the end of the client (status::closed) or of the queue (status::cancelled) are
 * such. That it cannot be started is one too: status::would_block if options::max_operations are under way,
 * status::closed, or an argument that is not usable.
 *
 * Where it ends: without a queue on a thread of the library, which each client has for itself, with all signals
 * blocked, one call after the other: a callable or coroutine that blocks there keeps the client's other calls waiting.
 * It may use the client, start further calls, and close or destroy the client. With a queue on the thread that calls
 * queue::drain().
 */
template <class T>
class [[nodiscard]] async_call {
  using value = typename detail::brought<T>::value;
  using request_type = std::conditional_t<std::is_same_v<value, response>, request, call_options>;

 public:
  /// Has `on_end`, which may be move-only, called once with a result: result<response>, result<std::string> or
  /// result<token_copy>. What it throws comes out of queue::drain(); on a thread of the library it is swallowed. It is
  /// destroyed when it has been called, on the same thread. If this fails, it has been destroyed without being called.
  template <class Callable, class = std::enable_if_t<std::is_invocable_v<std::decay_t<Callable>, result<value>>>>
  [[nodiscard]] result<operation> try_start(Callable &&on_end) const {
    using waiting = detail::called<value, std::decay_t<Callable>>;
    return begin(std::make_unique<waiting>(std::in_place, std::forward<Callable>(on_end)));
  }
#ifdef __cpp_exceptions
  /// try_start(), or throws. The operation may be ignored: the call goes on.
  template <class Callable, class = std::enable_if_t<std::is_invocable_v<std::decay_t<Callable>, result<value>>>>
  operation start(Callable &&on_end) const {
    return detail::unwrap(try_start(std::forward<Callable>(on_end)));
  }
#endif

  /// A future of what it brings, or of the exception; of the result for a call whose name begins with try_. Its
  /// destructor does not wait. To be cancelled by the cancel of the call. With a queue, do not wait for it on the
  /// thread that drains.
  [[nodiscard]] std::future<T> future() const {
    auto waiting = std::make_unique<detail::promised<T>>();
    auto future = waiting->future();
    if (const auto started = begin(std::move(waiting)); !started) {
      std::promise<T> failed;
      detail::brought<T>::keep(failed, unexpected(started.error()));
      return failed.get_future();
    }
    return future;
  }

#ifdef __cpp_lib_coroutine
  /// For co_await, in coroutines that take any awaitable: brings what it brings, or throws; the result for a call whose
  /// name begins with try_. The coroutine goes on inside queue::drain(), or on the library's thread; without having
  /// been suspended, if the call cannot be started.
  ///
  /// GCC 12 destroys an aggregate that is written in braces inside a co_await expression twice: give requests a name.
  ///
  /// Destroying the suspended coroutine cancels the call. That is for the thread that drains the queue: a coroutine
  /// that another thread may just be resuming, as those without a queue, is cancelled by the cancel of the call.
  auto operator co_await() const noexcept { return awaiter(*this); }
#endif

 private:
  friend class client;

  async_call(nacos_auth *auth, request_type what, const queue *where)
      : auth_(auth),
        what_(std::move(what)),
        queue_(where != nullptr ? where->core_ : nullptr),
        to_queue_(where != nullptr) {}

  /// Once the operation has been started it may end, and this be destroyed, before the C function has returned.
  result<operation> begin(std::unique_ptr<detail::pending> waiting) const {
    detail::lender lender;
    auto *auth = lender.handle(auth_, "the client has been moved from, or handed over");
    const auto in = detail::lent(what_, lender);
    auto how = nacos_start_options_default();
    how.data = waiting.get();
    if (to_queue_)
      how.queue = lender.handle(queue_ ? queue_->handle() : nullptr, "the queue has been moved from, or destroyed");
    else
      how.on_complete = detail::pending::call;
    if (auto usable = lender.check(); !usable) return unexpected(usable.error());
    if (to_queue_ && !queue_->add(*waiting)) return unexpected(error(status::closed, "the queue is being destroyed"));
    nacos_operation *started = nullptr;
    nacos_error *details = nullptr;
    const auto code = detail::start(auth, in, how, &started, &details);
    if (code == NACOS_OK) {
      (void)waiting.release();  // the completion owns it
      return operation::adopt(started);
    }
    if (to_queue_) detail::ledger::remove(*waiting);
    return unexpected(error::adopt(code, details));
  }

#ifdef __cpp_lib_coroutine
  class awaiter {
   public:
    explicit awaiter(const async_call &call) noexcept : call_(call) {}
    awaiter(const awaiter &) = delete;
    awaiter &operator=(const awaiter &) = delete;
    ~awaiter() {
      if (shared_ && !shared_->outcome) shared_->abandon();
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) {
      shared_ = std::make_shared<detail::suspension<value>>(coroutine);
      return suspend(call_, shared_);
    }
    T await_resume() { return detail::brought<T>::hand_over(*std::move(shared_->outcome)); }

   private:
    /// The coroutine may go on elsewhere, and end, before this returns: of it, and of what lives in it, nothing is
    /// touched any more then. Not inlined: what is inlined into a coroutine may live in it.
    [[gnu::noinline]] static bool suspend(const async_call &call,
                                          const std::shared_ptr<detail::suspension<value>> &shared) {
      const auto kept = shared;
      auto started = call.begin(std::make_unique<detail::resumed<value>>(kept));
      if (started)
        kept->keep(*std::move(started));
      else
        kept->outcome = unexpected(started.error());
      return started.has_value();
    }

    const async_call &call_;
    std::shared_ptr<detail::suspension<value>> shared_;
  };
#endif

  nacos_auth *auth_;
  request_type what_;
  std::shared_ptr<detail::queue_core> queue_;
  bool to_queue_;
};

/// A client of one Nacos cluster. The destructor of the last owner closes it; no other thread may be using that owner
/// by then. It may be a static object; its callbacks may then refer only to what is destroyed after it.
class client {
 public:
  /// Checks the settings and reads the files they name; opens no connection and starts no thread.
  [[nodiscard]] static result<client> make(const options &settings) {
    detail::lender lender;
    auto in = detail::lent(settings, lender);
    if (auto usable = lender.check(); !usable) return unexpected(usable.error());
    auto callbacks = detail::callbacks::of(settings, in);
    nacos_auth *handle = nullptr;
    nacos_error *details = nullptr;
    const auto code = nacos_auth_init(&in, &handle, &details);
    if (code != NACOS_OK) return unexpected(error::adopt(code, details));
    (void)callbacks.release();  // callback_drop deletes them
    return adopt(handle);
  }
  template <std::size_t Count>
  static result<client> make(detail::null_pointers<Count>) = delete;
  /// Takes over what nacos_auth_init or nacos_auth_ref returned.
  [[nodiscard]] static client adopt(nacos_auth *handle) noexcept { return client(detail::adopted(), handle); }
  static client adopt(std::nullptr_t) = delete;
  /// Another owner of the same client, for a part of the program that may outlive this one.
  [[nodiscard]] client share() const noexcept { return adopt(nacos_auth_ref(handle_.get())); }

  /// The token, from the cache nearly always; with none it waits for a login.
  [[nodiscard]] result<std::string> try_token(const call_options &limits = {}) const {
    auto copy = try_copy_token(limits);
    if (!copy) return unexpected(copy.error());
    return std::move(copy->value);
  }

  /// The token, and what is known of it.
  [[nodiscard]] result<token_copy> try_copy_token(const call_options &limits = {}) const {
    detail::lender lender;
    auto *handle = lender.handle(handle_.get(), moved_from);
    const auto in = detail::lent(limits, lender);
    if (auto usable = lender.check(); !usable) return unexpected(usable.error());
    token_copy copy;
    auto info = nacos_token_info_default();
    for (std::size_t room = usual_token;; room = info.length) {
      copy.value.resize(room);  // a string has one byte more, for the NUL
      nacos_error *details = nullptr;
      const auto code = nacos_get_token(handle, &in, copy.value.data(), room + 1, &info, &details);
      if (code == NACOS_BUFFER_TOO_SMALL) {
        nacos_error_free(details);
        continue;
      }
      if (code != NACOS_OK) return unexpected(error::adopt(code, details));
      copy.value.resize(info.length);
      copy.generation = info.generation;
      copy.remaining = milliseconds(info.remaining_ms);
      copy.expired = info.expired != 0;
      return copy;
    }
  }

  /// Sends a request with the token on it; logs in and repeats it if the answer refuses the token. What happens when a
  /// connection breaks: see nacos_request.
  [[nodiscard]] result<response> try_send(const request &what) const {
    detail::lender lender;
    auto *auth = lender.handle(handle_.get(), moved_from);
    const auto in = detail::lent(what, lender);
    if (auto usable = lender.check(); !usable) return unexpected(usable.error());
    nacos_response *handle = nullptr;
    nacos_error *details = nullptr;
    const auto code = nacos_request(auth, &in.options, &handle, &details);
    if (code != NACOS_OK) return unexpected(error::adopt(code, details));
    return response::adopt(handle);
  }

  /// try_send() without a thread that waits. Nothing happens until the call is started, see async_call. It ends on a
  /// thread of the library.
  [[nodiscard]] async_call<result<response>> try_async_send(request what) const {
    return {handle_.get(), std::move(what), nullptr};
  }
  /// The same, ending on the thread that drains `where`.
  [[nodiscard]] async_call<result<response>> try_async_send(request what, const queue &where) const {
    return {handle_.get(), std::move(what), &where};
  }
  /// try_token() without a thread that waits.
  [[nodiscard]] async_call<result<std::string>> try_async_token(call_options limits = {}) const {
    return {handle_.get(), std::move(limits), nullptr};
  }
  /// The same, ending on the thread that drains `where`.
  [[nodiscard]] async_call<result<std::string>> try_async_token(call_options limits, const queue &where) const {
    return {handle_.get(), std::move(limits), &where};
  }
  /// try_copy_token() without a thread that waits.
  [[nodiscard]] async_call<result<token_copy>> try_async_copy_token(call_options limits = {}) const {
    return {handle_.get(), std::move(limits), nullptr};
  }
  /// The same, ending on the thread that drains `where`.
  [[nodiscard]] async_call<result<token_copy>> try_async_copy_token(call_options limits, const queue &where) const {
    return {handle_.get(), std::move(limits), &where};
  }

  /// For requests sent with another HTTP library: what to do with this answer. To be called for every answer.
  [[nodiscard]] result<advised> try_report_rejected(const rejection &answer) const {
    detail::lender lender;
    auto *handle = lender.handle(handle_.get(), moved_from);
    auto in = nacos_rejection_default();
    in.generation = answer.generation;
    in.http_status = answer.http_status;
    in.refused_before = answer.refused_before;
    in.body = reinterpret_cast<const std::uint8_t *>(answer.body.data());
    in.body_len = answer.body.size();
    in.server = lender.optional(answer.server, "server holds a NUL character");
    in.retry_after = lender.optional(answer.retry_after, "retry_after holds a NUL character");
    if (auto usable = lender.check(); !usable) return unexpected(usable.error());
    auto out = nacos_advice_default();
    nacos_error *details = nullptr;
    const auto code = nacos_auth_report_rejected(handle, &in, &out, &details);
    if (code != NACOS_OK) return unexpected(error::adopt(code, details));
    return advised{static_cast<advice>(out.advice), milliseconds(static_cast<milliseconds::rep>(out.wait_ms))};
  }

  /// Logs in with these from now on, also calls that wait; former refusals of them count no longer.
  [[nodiscard]] result<void> try_set_credentials(const std::string &username, const std::string &password) const {
    detail::lender lender;
    auto *handle = lender.handle(handle_.get(), moved_from);
    const char *user = lender.text(username, "username holds a NUL character");
    const char *secret = lender.text(password, "password holds a NUL character");
    if (auto usable = lender.check(); !usable) return usable;
    return detail::outcome(
        [&](nacos_error **details) { return nacos_auth_set_credentials(handle, user, secret, details); });
  }

  /// Uses this token, which somebody else got, from now on; nullopt and a ttl without end: until a server refuses it.
  /// Logs in no more; after its life the token is given out as expired.
  [[nodiscard]] result<void> try_set_token(const std::string &token, std::optional<time_span> ttl = {}) const {
    detail::lender lender;
    auto *handle = lender.handle(handle_.get(), moved_from);
    const char *secret = lender.text(token, "token holds a NUL character");
    const auto life = ttl && ttl->is_unending() ? 0 : lender.life(ttl);
    if (auto usable = lender.check(); !usable) return usable;
    return detail::outcome([&](nacos_error **details) { return nacos_auth_set_token(handle, secret, life, details); });
  }

  /// Ends whatever pause there is between logins, and takes no server for one that is down: what was wrong has been
  /// mended.
  [[nodiscard]] result<void> try_retry() const {
    if (!handle_) return unexpected(error(status::null_argument, moved_from));
    return detail::outcome([&](nacos_error **details) { return nacos_auth_retry(handle_.get(), details); });
  }

  /// Whether this client can do its work, from what is known: asks no server, waits for nothing and begins no login. Of
  /// a closed client too. A probe calls try_copy_token() with `no_wait` first, and goes by this whatever that said.
  [[nodiscard]] result<nacosauth::health> try_health() const {
    if (!handle_) return unexpected(error(status::null_argument, moved_from));
    auto out = nacos_health_default();
    nacos_error *reason = nullptr, *details = nullptr;
    const auto code = nacos_auth_health(handle_.get(), &out, &reason, &details);
    if (code != NACOS_OK) return unexpected(error::adopt(code, details));
    nacosauth::health found;
    if (reason != nullptr) found.reason = error::adopt(nacos_error_status(reason), reason);
    found.status = static_cast<health_status>(out.status);
    found.is_ready = out.ready != 0;
    found.cause = out.cause;
    found.failing_for = milliseconds(static_cast<milliseconds::rep>(out.failing_for_ms));
    found.remaining = milliseconds(out.remaining_ms);
    found.retry_in = milliseconds(static_cast<milliseconds::rep>(out.retry_in_ms));
    found.token_state = static_cast<nacosauth::token_state>(out.token_state);
    found.refresh_state = static_cast<nacosauth::refresh_state>(out.refresh_state);
    return found;
  }

  /// The figures of this client in Prometheus' text format, see nacos_auth_metrics; those of several:
  /// nacosauth::metrics().
  [[nodiscard]] result<std::string> try_metrics() const {
    if (!handle_) return unexpected(error(status::null_argument, moved_from));
    auto *handle = handle_.get();
    return detail::metrics_of(&handle, nullptr, 1);
  }

  /// Counters and state. Of a closed client too.
  [[nodiscard]] result<statistics> try_stats() const {
    if (!handle_) return unexpected(error(status::null_argument, moved_from));
    auto out = nacos_auth_statistics_default();
    nacos_error *details = nullptr;
    const auto code = nacos_auth_stats(handle_.get(), &out, &details);
    if (code != NACOS_OK) return unexpected(error::adopt(code, details));
    statistics all;
    all.logins = out.logins;
    all.login_failures = out.login_failures;
    all.requests = out.requests;
    all.replays = out.replays;
    all.rejections = out.rejections;
    all.rejections_permission = out.rejections_permission;
    all.waits = out.waits;
    all.generation = out.generation;
    all.remaining = milliseconds(out.remaining_ms);
    all.token_state = static_cast<nacosauth::token_state>(out.token_state);
    all.refresh_state = static_cast<nacosauth::refresh_state>(out.refresh_state);
    all.logins_first = out.logins_first;
    all.logins_renewal = out.logins_renewal;
    all.logins_rejection = out.logins_rejection;
    all.failures_unreachable = out.failures_unreachable;
    all.failures_overloaded = out.failures_overloaded;
    all.failures_refused = out.failures_refused;
    all.failures_other = out.failures_other;
    all.rejections_identity = out.rejections_identity;
    all.rejections_unknown = out.rejections_unknown;
    all.suppressed_by_pause = out.suppressed_by_pause;
    all.suppressed_by_rejection = out.suppressed_by_rejection;
    all.suppressed_by_generation = out.suppressed_by_generation;
    all.waiting = out.waiting;
    all.retry_in = milliseconds(static_cast<milliseconds::rep>(out.retry_in_ms));
    return all;
  }

#ifdef __cpp_exceptions
  /// make(), or throws.
  explicit client(const options &settings) : client(detail::unwrap(make(settings))) {}
  template <std::size_t Count>
  explicit client(detail::null_pointers<Count>) = delete;
  /// try_token(), or throws.
  [[nodiscard]] std::string token(const call_options &limits = {}) const { return detail::unwrap(try_token(limits)); }
  /// try_copy_token(), or throws.
  [[nodiscard]] token_copy copy_token(const call_options &limits = {}) const {
    return detail::unwrap(try_copy_token(limits));
  }
  /// try_send(), or throws.
  [[nodiscard]] response send(const request &what) const { return detail::unwrap(try_send(what)); }
  /// try_async_send() whose std::future and co_await throw.
  [[nodiscard]] async_call<response> async_send(request what) const {
    return {handle_.get(), std::move(what), nullptr};
  }
  /// The same, ending on the thread that drains `where`.
  [[nodiscard]] async_call<response> async_send(request what, const queue &where) const {
    return {handle_.get(), std::move(what), &where};
  }
  /// try_async_token() whose std::future and co_await throw.
  [[nodiscard]] async_call<std::string> async_token(call_options limits = {}) const {
    return {handle_.get(), std::move(limits), nullptr};
  }
  /// The same, ending on the thread that drains `where`.
  [[nodiscard]] async_call<std::string> async_token(call_options limits, const queue &where) const {
    return {handle_.get(), std::move(limits), &where};
  }
  /// try_async_copy_token() whose std::future and co_await throw.
  [[nodiscard]] async_call<token_copy> async_copy_token(call_options limits = {}) const {
    return {handle_.get(), std::move(limits), nullptr};
  }
  /// The same, ending on the thread that drains `where`.
  [[nodiscard]] async_call<token_copy> async_copy_token(call_options limits, const queue &where) const {
    return {handle_.get(), std::move(limits), &where};
  }
  /// try_report_rejected(), or throws.
  [[nodiscard]] advised report_rejected(const rejection &answer) const {
    return detail::unwrap(try_report_rejected(answer));
  }
  /// try_set_credentials(), or throws.
  void set_credentials(const std::string &username, const std::string &password) const {
    detail::unwrap(try_set_credentials(username, password));
  }
  /// try_set_token(), or throws.
  void set_token(const std::string &token, std::optional<time_span> ttl = {}) const {
    detail::unwrap(try_set_token(token, ttl));
  }
  /// try_retry(), or throws.
  void retry() const { detail::unwrap(try_retry()); }
  /// try_health(), or throws.
  [[nodiscard]] nacosauth::health health() const { return detail::unwrap(try_health()); }
  /// try_metrics(), or throws.
  [[nodiscard]] std::string metrics() const { return detail::unwrap(try_metrics()); }
  /// try_stats(), or throws.
  [[nodiscard]] statistics stats() const { return detail::unwrap(try_stats()); }
#endif

  /// A kept copy of the token may be used as long as its generation equals this. 0: none may.
  [[nodiscard]] std::uint64_t generation() const noexcept { return nacos_auth_generation(handle_.get()); }

  /// Ends every call under way, and every later one, with status::closed, for all who share the client. Tells the
  /// callbacks what has happened and waits for them, so long at the most (nullopt: request_timeout; no time at all: it
  /// does not wait): hold no lock that they want. false: one of them still runs. Inside a callback it waits for
  /// nothing. Idempotent.
  bool close(std::optional<time_span> timeout = {}) const noexcept {
    return nacos_auth_close(handle_.get(), detail::timeout(timeout), nullptr) == NACOS_OK;
  }

  /// The handle, lent; NULL after a move.
  nacos_auth *native() const noexcept { return handle_.get(); }
  /// The handle, handed over: free it with nacos_auth_free.
  nacos_auth *release() noexcept { return handle_.release(); }

 private:
  static constexpr std::size_t usual_token = 1023;
  static constexpr const char *moved_from = "the client has been moved from, or handed over";

  explicit client(detail::adopted, nacos_auth *handle) noexcept : handle_(handle) {}

  detail::owner<nacos_auth, nacos_auth_free> handle_;
};

/// The figures of several clients in Prometheus' text format, see nacos_auth_metrics, each under its name; to be served
/// as NACOS_METRICS_CONTENT_TYPE. The clients are borrowed for the call.
[[nodiscard]] inline result<std::string> try_metrics(const std::map<std::string, const client *> &clients) {
  detail::lender lender;
  std::vector<nacos_auth *> handles;
  std::vector<const char *> names;
  for (const auto &[name, one] : clients) {
    names.push_back(lender.text(name, "a name holds a NUL character"));
    handles.push_back(one == nullptr ? nullptr : one->native());
  }
  if (auto usable = lender.check(); !usable) return unexpected(usable.error());
  return detail::metrics_of(handles.data(), names.data(), handles.size());
}

#ifdef __cpp_exceptions
/// try_metrics(), or throws.
[[nodiscard]] inline std::string metrics(const std::map<std::string, const client *> &clients) {
  return detail::unwrap(try_metrics(clients));
}
#endif

namespace detail {

/// The variables of options::from_env(), each named after its setting.
namespace environment {

inline constexpr const char *names[] = {
    "NACOS_SERVER_ADDR",     "NACOS_USERNAME",        "NACOS_PASSWORD", "NACOS_PASSWORD_FILE",
    "NACOS_TOKEN",           "NACOS_CONTEXT_PATH",    "NACOS_CA_FILE",  "NACOS_CLIENT_CERT_FILE",
    "NACOS_CLIENT_KEY_FILE", "NACOS_TLS_SERVER_NAME", "NACOS_PROXY",    "NACOS_TOKEN_IN"};

/// The value; "" for none.
inline std::string value(const char *name) {
  const char *found = std::getenv(name);
  return found == nullptr ? std::string() : std::string(found);
}

inline bool is_set(const char *name) { return !value(name).empty(); }

inline unexpected wrong(std::string message) {
  return unexpected(error(status::invalid_config, nullptr).with_message(std::move(message)));
}

/// What is missing or contradictory.
inline result<void> check() {
  using std::string;
  if (!is_set("NACOS_SERVER_ADDR"))
    return wrong("NACOS_SERVER_ADDR: not set; write it like \"10.0.0.1:8848\" or \"https://host:443\"");
  constexpr const char *exclusive[][2] = {{"NACOS_TOKEN", "NACOS_USERNAME"},
                                          {"NACOS_TOKEN", "NACOS_PASSWORD"},
                                          {"NACOS_TOKEN", "NACOS_PASSWORD_FILE"},
                                          {"NACOS_PASSWORD", "NACOS_PASSWORD_FILE"}};
  for (const auto &[one, other] : exclusive)
    if (is_set(one) && is_set(other))
      return wrong(string(one) + " and " + other + ": they exclude each other; unset one of them");
  if (!is_set("NACOS_TOKEN")) {
    if (!is_set("NACOS_USERNAME"))
      return wrong("NACOS_USERNAME: not set; set it with NACOS_PASSWORD or NACOS_PASSWORD_FILE, or set NACOS_TOKEN");
    if (!is_set("NACOS_PASSWORD") && !is_set("NACOS_PASSWORD_FILE"))
      return wrong("NACOS_PASSWORD: not set; set it, or NACOS_PASSWORD_FILE to the name of a file that holds it");
  }
  constexpr const char *together[][2] = {{"NACOS_CLIENT_CERT_FILE", "NACOS_CLIENT_KEY_FILE"},
                                         {"NACOS_CLIENT_KEY_FILE", "NACOS_CLIENT_CERT_FILE"}};
  for (const auto &[one, other] : together)
    if (is_set(one) && !is_set(other))
      return wrong(string(other) + ": not set; it goes with " + one + ": set both or neither");
  return {};
}

inline result<token_in> place() {
  const auto given = value("NACOS_TOKEN_IN");
  if (given.empty() || given == "auto") return token_in::automatic;
  if (given == "authorization") return token_in::authorization;
  if (given == "header") return token_in::header;
  if (given == "query") return token_in::query;
  return wrong("NACOS_TOKEN_IN: not known; write auto, authorization, header or query");
}

inline result<options> read() {
  if (auto usable = check(); !usable) return unexpected(usable.error());
  const auto place = environment::place();
  if (!place) return unexpected(place.error());
  options all;
  all.server_addr = value("NACOS_SERVER_ADDR");
  all.username = value("NACOS_USERNAME");
  all.password = value("NACOS_PASSWORD");
  all.password_file = value("NACOS_PASSWORD_FILE");
  all.token = value("NACOS_TOKEN");
  if (is_set("NACOS_CONTEXT_PATH")) all.context_path = value("NACOS_CONTEXT_PATH");
  all.ca_file = value("NACOS_CA_FILE");
  all.client_cert_file = value("NACOS_CLIENT_CERT_FILE");
  all.client_key_file = value("NACOS_CLIENT_KEY_FILE");
  all.tls_server_name = value("NACOS_TLS_SERVER_NAME");
  all.proxy = value("NACOS_PROXY");
  all.token_in = *place;
  return all;
}

/// An error that begins with the name of a setting, as one that begins with that of its variable. nullopt: it is about
/// none.
inline std::optional<error> named(const error &failure) {
  std::string_view said = failure.message();
  constexpr std::string_view argument = "options.";  // how those begin that no text of C can be
  if (said.substr(0, argument.size()) == argument) said.remove_prefix(argument.size());
  const auto end = std::min(said.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), said.size());
  std::string variable = "NACOS_";
  for (const char letter : said.substr(0, end))
    variable += letter == '_' ? letter : static_cast<char>(letter - 'a' + 'A');
  if (std::find(std::begin(names), std::end(names), variable) == std::end(names)) return std::nullopt;
  if (failure.code() == status::invalid_utf8) return wrong(variable + ": not valid UTF-8").error();
  return failure.with_message(variable.append(said.substr(end)));
}

}  // namespace environment

}  // namespace detail

inline result<options> options::try_from_env() {
  auto read = detail::environment::read();
  if (!read) return read;
  // The errors of a client name settings, and only here it is known where they came from. What is wrong with no
  // variable may be mended before the client is made.
  if (const auto made = client::make(*read); !made)
    if (const auto failure = detail::environment::named(made.error())) return unexpected(*failure);
  return read;
}

#ifdef __cpp_exceptions
inline options options::from_env() { return detail::unwrap(try_from_env()); }
#endif

}  // namespace std_expected or own_expected
}  // namespace nacosauth

#endif  // NACOS_AUTH_HPP
