/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nacos_auth.hpp
 * @brief nacos_auth.h for C++17 and later: owners that clean up after themselves, results or exceptions, std::chrono.
 *
 * Header only. The C header documents what the functions do; this one only says what C++ adds:
 * - Everything fallible comes twice: token() throws nacosauth::exception, try_token() returns result<std::string>.
 *   result<T> is std::expected<T, error> where the standard library has it, else a type with the same basic members.
 *   Either may throw std::bad_alloc besides.
 * - client, response, error and cancel_source own a C handle and can be moved, not copied. native() lends the handle to
 *   the C functions, release() hands it over, a constructor takes one over.
 * - const member functions may be called from any number of threads at once.
 * - A string with a NUL inside is refused, not cut.
 *
 * The namespace is nacosauth because nacos_auth is the name of the handle in C.
 */
#ifndef NACOS_AUTH_HPP
#define NACOS_AUTH_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if __has_include(<version>)
#include <version>
#endif
#ifdef __cpp_lib_expected
#include <expected>
#else
#include <variant>
#endif

#include "nacos_auth.h"

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
  cancelled = NACOS_CANCELLED,
  closed = NACOS_CLOSED,
  panic = NACOS_PANIC,
  internal = NACOS_INTERNAL,
};

/// As "BAD_CREDENTIALS".
inline const char *name(status code) noexcept { return nacos_status_name(static_cast<nacos_status>(code)); }

/// Where the token rides on a request.
enum class carriage : std::int32_t {
  bearer = NACOS_CARRIAGE_BEARER,
  header = NACOS_CARRIAGE_HEADER,
  query = NACOS_CARRIAGE_QUERY,
};

/// What to do with an answer that client::report_rejected() was told of.
enum class advice : std::int32_t {
  hand_on = NACOS_ADVICE_RETURN,
  replay = NACOS_ADVICE_REPLAY,
  replay_if_idempotent = NACOS_ADVICE_REPLAY_IF_IDEMPOTENT,
};

using milliseconds = std::chrono::milliseconds;
using statistics = nacos_auth_statistics;
using pairs = std::vector<std::pair<std::string, std::string>>;

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

/// A timeout as C takes it, where 0 is the default: no time left is the shortest timeout there is.
inline std::uint32_t timeout(const std::optional<milliseconds> &given) noexcept {
  constexpr auto longest = std::numeric_limits<std::uint32_t>::max();
  if (!given) return 0;
  if (given->count() < 1) return 1;
  return given->count() > longest ? longest : static_cast<std::uint32_t>(given->count());
}

}  // namespace detail

/// Why a call failed. Safe to print: holds no password, token or query.
class error {
 public:
  /// Takes over what a C function returned; `details` may be NULL.
  error(nacos_status code, nacos_error *details) noexcept : code_(code), details_(details) {}
  /// An error of this header; `message` is static.
  error(status code, const char *message) noexcept : code_(static_cast<nacos_status>(code)), message_(message) {}

  status code() const noexcept { return static_cast<status>(code_); }
  /// As "BAD_CREDENTIALS".
  const char *name() const noexcept { return nacos_status_name(code_); }
  /// What failed, on which server, and what to do. Valid until the error goes.
  const char *message() const noexcept {
    if (details_) return nacos_error_message(details_.get());
    return message_ != nullptr ? message_ : nacos_status_message(code_);
  }
  /// Of the answer that caused the failure; 0 if none did.
  int http_status() const noexcept { return nacos_error_http_status(details_.get()); }
  bool retryable() const noexcept { return nacos_error_is_retryable(details_.get()) != 0; }
  /// Until the library itself logs in again; nullopt if unknown.
  std::optional<milliseconds> retry_after() const noexcept {
    const std::uint64_t after = nacos_error_retry_after_ms(details_.get());
    if (after == 0) return std::nullopt;
    return milliseconds(static_cast<milliseconds::rep>(after));
  }

  /// NULL if there is no object with details.
  const nacos_error *native() const noexcept { return details_.get(); }
  nacos_error *release() noexcept { return details_.release(); }

 private:
  nacos_status code_;
  const char *message_ = nullptr;
  detail::owner<nacos_error, nacos_error_free> details_;
};

/// What the functions without try_ throw. Copies share one error.
class exception : public std::exception {
 public:
  explicit exception(nacosauth::error cause) : cause_(std::make_shared<const nacosauth::error>(std::move(cause))) {}

  const char *what() const noexcept override { return cause_->message(); }
  status code() const noexcept { return cause_->code(); }
  const nacosauth::error &error() const noexcept { return *cause_; }

 private:
  std::shared_ptr<const nacosauth::error> cause_;
};

#ifdef __cpp_lib_expected

template <class T>
using result = std::expected<T, error>;
using unexpected = std::unexpected<error>;

#else

class unexpected {
 public:
  explicit unexpected(nacosauth::error cause) noexcept : cause_(std::move(cause)) {}
  nacosauth::error &error() noexcept { return cause_; }

 private:
  nacosauth::error cause_;
};

/// A value or an error: the part of std::expected that is enough to tell them apart and to get at either.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(unexpected failure) : state_(std::in_place_index<1>, std::move(failure.error())) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  /// Only with has_value().
  T &operator*() &noexcept { return *std::get_if<0>(&state_); }
  const T &operator*() const &noexcept { return *std::get_if<0>(&state_); }
  T &&operator*() &&noexcept { return std::move(*std::get_if<0>(&state_)); }
  T *operator->() noexcept { return std::get_if<0>(&state_); }
  const T *operator->() const noexcept { return std::get_if<0>(&state_); }
  /// Only without has_value().
  nacosauth::error &error() noexcept { return *std::get_if<1>(&state_); }
  const nacosauth::error &error() const noexcept { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, nacosauth::error> state_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  result() noexcept = default;
  result(unexpected failure) noexcept : failure_(std::move(failure.error())) {}

  bool has_value() const noexcept { return !failure_; }
  explicit operator bool() const noexcept { return has_value(); }
  nacosauth::error &error() noexcept { return *failure_; }
  const nacosauth::error &error() const noexcept { return *failure_; }

 private:
  std::optional<nacosauth::error> failure_;
};

#endif

namespace detail {

template <class T>
T unwrap(result<T> outcome) {
  if (!outcome) throw exception(std::move(outcome.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

/// Collects C strings that C++ strings lend, and remembers which one C would cut short.
class lender {
 public:
  const char *text(const std::string &given, const char *complaint) noexcept {
    if (given.size() != std::strlen(given.c_str())) complaint_ = complaint;
    return given.c_str();
  }
  /// NULL for an empty one.
  const char *optional(const std::string &given, const char *complaint) noexcept {
    return given.empty() ? nullptr : text(given, complaint);
  }
  std::vector<nacos_pair> list(const pairs &given, const char *complaint) {
    std::vector<nacos_pair> lent;
    lent.reserve(given.size());
    for (const auto &[name, value] : given) lent.push_back({text(name, complaint), text(value, complaint)});
    return lent;
  }
  /// The error of the last string that was not usable.
  result<void> check() const {
    if (complaint_ == nullptr) return {};
    return unexpected(error(status::invalid_argument, complaint_));
  }

 private:
  const char *complaint_ = nullptr;
};

}  // namespace detail

/// Ends calls from another thread.
class cancel_source {
 public:
  cancel_source() : handle_(nacos_cancel_new()) {
    if (!handle_) throw std::bad_alloc();
  }
  explicit cancel_source(nacos_cancel *handle) noexcept : handle_(handle) {}

  /// Every call that carries this source ends with status::cancelled, now and later.
  void cancel() const noexcept { nacos_cancel_trigger(handle_.get()); }

  nacos_cancel *native() const noexcept { return handle_.get(); }
  nacos_cancel *release() noexcept { return handle_.release(); }

 private:
  detail::owner<nacos_cancel, nacos_cancel_free> handle_;
};

/// Settings of a client. The first three are required; the rest has the defaults of the C header.
struct options {
  std::string server_addr = {};
  std::string username = {};
  std::string password = {};
  std::optional<std::string> context_path = {};  ///< nullopt: "/nacos"; "" or "/": nothing
  std::string ca_file = {};                      ///< empty: the system's authorities
  std::string client_cert_file = {};
  std::string client_key_file = {};
  std::string proxy = {};
  std::optional<milliseconds> connect_timeout = {};
  std::optional<milliseconds> request_timeout = {};
  carriage token_carriage = carriage::bearer;
};

/// What limits one call.
struct call_options {
  std::optional<milliseconds> timeout = {};  ///< nullopt: the client's request_timeout; zero or less: the shortest
  const cancel_source *cancel = nullptr;     ///< borrowed for the call
};

/// A request to the open API of Nacos.
struct request {
  std::string method = "GET";
  std::string path = {};  ///< required; what comes after the context path
  pairs query = {};
  pairs headers = {};
  pairs form = {};
  std::string body = {};  ///< any bytes; not together with form
  std::optional<milliseconds> timeout = {};
  const cancel_source *cancel = nullptr;
};

/// A copy of the token, and what is known of it. `value` is a secret.
struct token_copy {
  std::string value = {};
  std::uint64_t generation = 0;
  milliseconds remaining = {};  ///< until its reckoned expiry; negative after it
  bool expired = false;         ///< past its expiry, and given out because no server could be asked for another
};

/// The answer to a request, whatever its HTTP status. What it returns is borrowed from it.
class response {
 public:
  explicit response(nacos_response *handle) noexcept : handle_(handle) {}

  int status() const noexcept { return nacos_response_status(handle_.get()); }
  std::string_view body() const noexcept {
    std::size_t length = 0;
    const auto *bytes = nacos_response_body(handle_.get(), &length);
    return {reinterpret_cast<const char *>(bytes), length};
  }
  /// The first header of that name, in any case.
  std::optional<std::string_view> header(std::string_view name) const {
    const char *value = nacos_response_header(handle_.get(), std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  }
  /// In the order of the answer, names in lower case.
  std::vector<std::pair<std::string_view, std::string_view>> headers() const {
    std::vector<std::pair<std::string_view, std::string_view>> all(nacos_response_header_count(handle_.get()));
    for (std::size_t i = 0; i < all.size(); ++i) {
      const char *name = nullptr, *value = nullptr;
      if (nacos_response_header_at(handle_.get(), i, &name, &value) == NACOS_OK) all[i] = {name, value};
    }
    return all;
  }
  /// Of the token that got this answer; 0 if the request went without one.
  std::uint64_t generation() const noexcept { return nacos_response_generation(handle_.get()); }
  /// How often the request was repeated with a new token: 0 or 1.
  unsigned replays() const noexcept { return nacos_response_replays(handle_.get()); }

  const nacos_response *native() const noexcept { return handle_.get(); }
  nacos_response *release() noexcept { return handle_.release(); }

 private:
  detail::owner<nacos_response, nacos_response_free> handle_;
};

/// A client of one Nacos cluster. The destructor closes it; no other thread may be using it by then.
class client {
 public:
  explicit client(const options &settings) : client(detail::unwrap(make(settings))) {}
  explicit client(nacos_auth *handle) noexcept : handle_(handle) {}

  /// The constructor without an exception. Opens no connection.
  [[nodiscard]] static result<client> make(const options &settings) {
    detail::lender lender;
    auto in = nacos_auth_options_default();
    in.server_addr = lender.text(settings.server_addr, "server_addr holds a NUL character");
    in.username = lender.text(settings.username, "username holds a NUL character");
    in.password = lender.text(settings.password, "password holds a NUL character");
    if (settings.context_path)
      in.context_path = lender.text(*settings.context_path, "context_path holds a NUL character");
    in.ca_file = lender.optional(settings.ca_file, "ca_file holds a NUL character");
    in.client_cert_file = lender.optional(settings.client_cert_file, "client_cert_file holds a NUL character");
    in.client_key_file = lender.optional(settings.client_key_file, "client_key_file holds a NUL character");
    in.proxy = lender.optional(settings.proxy, "proxy holds a NUL character");
    in.connect_timeout_ms = detail::timeout(settings.connect_timeout);
    in.request_timeout_ms = detail::timeout(settings.request_timeout);
    in.carriage = static_cast<std::int32_t>(settings.token_carriage);
    if (auto usable = lender.check(); !usable) return unexpected(std::move(usable.error()));
    nacos_auth *handle = nullptr;
    nacos_error *details = nullptr;
    const auto code = nacos_auth_init(&in, &handle, &details);
    if (code != NACOS_OK) return unexpected(error(code, details));
    return client(handle);
  }

  /// The token, from the cache nearly always; with none it waits for a login.
  [[nodiscard]] std::string token(const call_options &limits = {}) const { return copy_token(limits).value; }
  [[nodiscard]] result<std::string> try_token(const call_options &limits = {}) const {
    auto copy = try_copy_token(limits);
    if (!copy) return unexpected(std::move(copy.error()));
    return std::move(copy->value);
  }

  /// The token, and what is known of it.
  [[nodiscard]] token_copy copy_token(const call_options &limits = {}) const {
    return detail::unwrap(try_copy_token(limits));
  }
  [[nodiscard]] result<token_copy> try_copy_token(const call_options &limits = {}) const {
    auto in = nacos_call_options_default();
    in.timeout_ms = detail::timeout(limits.timeout);
    in.cancel = limits.cancel != nullptr ? limits.cancel->native() : nullptr;
    token_copy copy;
    auto info = nacos_token_info_default();
    nacos_error *details = nullptr;
    for (std::size_t room = usual_token;; room = info.length) {
      copy.value.resize(room);  // a string has one byte more, for the NUL
      const auto code = nacos_get_token(handle_.get(), &in, copy.value.data(), room + 1, &info, &details);
      if (code == NACOS_BUFFER_TOO_SMALL) {
        nacos_error_free(details);
        continue;
      }
      if (code != NACOS_OK) return unexpected(error(code, details));
      copy.value.resize(info.length);
      copy.generation = info.generation;
      copy.remaining = milliseconds(info.remaining_ms);
      copy.expired = info.expired != 0;
      return copy;
    }
  }

  /// Sends a request with the token on it; logs in and repeats it once if the answer refuses the token.
  [[nodiscard]] response send(const request &what) const { return detail::unwrap(try_send(what)); }
  [[nodiscard]] result<response> try_send(const request &what) const {
    detail::lender lender;
    auto in = nacos_request_options_default();
    in.method = lender.text(what.method, "method holds a NUL character");
    in.path = lender.text(what.path, "path holds a NUL character");
    const auto query = lender.list(what.query, "query holds a NUL character");
    const auto headers = lender.list(what.headers, "headers holds a NUL character");
    const auto form = lender.list(what.form, "form holds a NUL character");
    in.query = query.data();
    in.query_count = query.size();
    in.headers = headers.data();
    in.header_count = headers.size();
    in.form = form.data();
    in.form_count = form.size();
    in.body = reinterpret_cast<const std::uint8_t *>(what.body.data());
    in.body_len = what.body.size();
    in.timeout_ms = detail::timeout(what.timeout);
    in.cancel = what.cancel != nullptr ? what.cancel->native() : nullptr;
    if (auto usable = lender.check(); !usable) return unexpected(std::move(usable.error()));
    nacos_response *handle = nullptr;
    nacos_error *details = nullptr;
    const auto code = nacos_request(handle_.get(), &in, &handle, &details);
    if (code != NACOS_OK) return unexpected(error(code, details));
    return response(handle);
  }

  /// For requests sent with another HTTP library: what to do with this answer.
  [[nodiscard]] advice report_rejected(std::uint64_t generation, int http_status, std::string_view body) const {
    return detail::unwrap(try_report_rejected(generation, http_status, body));
  }
  [[nodiscard]] result<advice> try_report_rejected(std::uint64_t generation, int http_status,
                                                   std::string_view body) const {
    std::int32_t given = NACOS_ADVICE_RETURN;
    nacos_error *details = nullptr;
    const auto code =
        nacos_auth_report_rejected(handle_.get(), generation, http_status, body.data(), body.size(), &given, &details);
    if (code != NACOS_OK) return unexpected(error(code, details));
    return static_cast<advice>(given);
  }

  /// Logs in with these from now on.
  void set_credentials(const std::string &username, const std::string &password) const {
    detail::unwrap(try_set_credentials(username, password));
  }
  [[nodiscard]] result<void> try_set_credentials(const std::string &username, const std::string &password) const {
    detail::lender lender;
    const char *user = lender.text(username, "username holds a NUL character");
    const char *secret = lender.text(password, "password holds a NUL character");
    if (auto usable = lender.check(); !usable) return usable;
    nacos_error *details = nullptr;
    const auto code = nacos_auth_set_credentials(handle_.get(), user, secret, &details);
    if (code != NACOS_OK) return unexpected(error(code, details));
    return {};
  }

  /// Counters and state; `struct_size` in it means nothing here.
  [[nodiscard]] statistics stats() const { return detail::unwrap(try_stats()); }
  [[nodiscard]] result<statistics> try_stats() const {
    auto out = nacos_auth_statistics_default();
    nacos_error *details = nullptr;
    const auto code = nacos_auth_stats(handle_.get(), &out, &details);
    if (code != NACOS_OK) return unexpected(error(code, details));
    return out;
  }

  /// The generation word: a kept copy of the token may be used as long as its generation equals this. 0: none may.
  [[nodiscard]] std::uint64_t generation() const noexcept {
    const std::uint64_t *word = nacos_auth_generation(handle_.get());
    return word != nullptr ? __atomic_load_n(word, __ATOMIC_ACQUIRE) : 0;
  }

  /// Ends every call under way, and every later one, with status::closed. Idempotent.
  void close() const noexcept { nacos_auth_close(handle_.get()); }

  nacos_auth *native() const noexcept { return handle_.get(); }
  nacos_auth *release() noexcept { return handle_.release(); }

 private:
  static constexpr std::size_t usual_token = 1023;

  detail::owner<nacos_auth, nacos_auth_free> handle_;
};

}  // namespace std_expected or own_expected
}  // namespace nacosauth

#endif  // NACOS_AUTH_HPP
