/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from src/ffi by cbindgen. Do not edit. */
/**
 * @file nacos_auth.h
 * @brief Keeps a program authenticated against a Nacos server.
 *
 * Conventions:
 * - A function that can fail returns a nacos_status, 0 for success. Its last argument takes an error object with the
 *   details, owned by the caller; NULL if they are not wanted. Outputs are NULL or 0 unless the call succeeded.
 * - Structs that the caller fills in begin with struct_size. Start from their _default() function; what stays 0 has its
 *   default. Structs only ever grow at the end, so a program keeps working with a newer library, and with an older one
 *   as long as it leaves at 0 what that does not know.
 * - Input strings are NUL-terminated UTF-8, copied or borrowed for the call. What a function returns as const is borrowed
 *   from the object it was asked of.
 * - Every _free function takes NULL. Handles may be used from any thread; an object may be freed when no other thread uses
 *   it any more.
 * - nacos_get_token and nacos_request may block until their deadline, nacos_auth_init as long as the files take that it
 *   reads, nacos_auth_close and nacos_auth_free until the callbacks of the handle have been told what has happened and have
 *   returned (called inside a callback they wait for nothing); nothing else does. pthread_cancel has no effect on a thread
 *   that is inside one of these: it is put off until the function returns.
 * - Callbacks run on threads of the library, which have all signals blocked, and on the one that closes their handle; where
 *   the system has no threads left, a credentials callback runs on the one that asks for a token.
 * - The library works across fork: the child keeps the token and opens connections of its own. It works in atexit handlers
 *   and in destructors. It installs no signal handler, raises no SIGPIPE, reads no environment variable and prints nothing.
 *   Messages never hold a password, token or query. docs/host.md says what each call needs of its host.
 *
 * Link with -lnacos_auth, see pkg-config --libs nacos_auth.
 */
#ifndef NACOS_AUTH_H
#define NACOS_AUTH_H


#include <stddef.h>
#include <stdint.h>

/** The version this header belongs to; nacos_auth_version() tells that of the library. */
#define NACOS_AUTH_VERSION "0.1.0"

/** Warns when a status is thrown away. */
#if defined(__cplusplus) && __cplusplus >= 201703L
#define NACOS_MUST_USE [[nodiscard]]
#elif defined(__GNUC__) || defined(__clang__)
#define NACOS_MUST_USE __attribute__((warn_unused_result))
#else
#define NACOS_MUST_USE
#endif

/** No function throws. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define NACOS_NOEXCEPT noexcept
#else
#define NACOS_NOEXCEPT
#endif

/**
 * Level of a log: calls fail, and go on failing until somebody does something.
 */
#define NACOS_LOG_ERROR 1

/**
 * Level of a log: something went wrong that the library deals with.
 */
#define NACOS_LOG_WARN 2

/**
 * Level of a log: life goes on.
 */
#define NACOS_LOG_INFO 3

/**
 * Level of a log: what the library is about to do.
 */
#define NACOS_LOG_DEBUG 4

/**
 * Event: a login begins.
 */
#define NACOS_EVENT_LOGIN_STARTED 1

/**
 * Event: a login brought a token.
 */
#define NACOS_EVENT_TOKEN_REFRESHED 2

/**
 * Event: a login failed; another one comes later.
 */
#define NACOS_EVENT_LOGIN_FAILED 3

/**
 * Event: the credentials were refused twice: logins are minutes apart until others are there.
 */
#define NACOS_EVENT_LATCHED 4

/**
 * Event: a login succeeded after one or several that failed.
 */
#define NACOS_EVENT_RECOVERED 5

/**
 * Event: a server refused the token, which is not used any more until a login has shown better.
 */
#define NACOS_EVENT_TOKEN_REJECTED 6

/**
 * Event: a server cannot be reached; for a while it is only asked when no other is left.
 */
#define NACOS_EVENT_SERVER_DOWN 7

/**
 * Event: servers, or nodes behind one address, do not agree on which tokens are good: they have different secrets.
 */
#define NACOS_EVENT_SERVERS_DISAGREE 8

/**
 * Event: a server takes the token in the query only, so that is where it rides from now on (NACOS_CARRIAGE_AUTO).
 */
#define NACOS_EVENT_TOKEN_IN_QUERY 9

/**
 * Event: a request was sent without a token: no login succeeds, and the server asks for none (NACOS_ANONYMOUS_AUTO).
 */
#define NACOS_EVENT_SENT_WITHOUT_TOKEN 10

/**
 * Event: the user has no permission for what a request wanted. Told once a minute at the most.
 */
#define NACOS_EVENT_PERMISSION_DENIED 11

/**
 * As NACOS_CARRIAGE_BEARER. Where a server refuses a token that it has just issued, and has taken none yet, the token is tried
 * as in NACOS_CARRIAGE_QUERY, and rides there once it has been taken there three times (r-nacos up to 0.8.5). The default.
 */
#define NACOS_CARRIAGE_AUTO 0

/**
 * The token rides as the header `accessToken`: servers from 2.1 on; for gateways that need Authorization for themselves.
 */
#define NACOS_CARRIAGE_HEADER 1

/**
 * The token rides as the query parameter `accessToken`: every Nacos, but it ends up in access logs.
 */
#define NACOS_CARRIAGE_QUERY 2

/**
 * The token rides as `Authorization: Bearer <token>`: every Nacos.
 */
#define NACOS_CARRIAGE_BEARER 3

/**
 * Requests are sent without a token where no login has ever succeeded and a Nacos has shown that it asks nobody for one:
 * authentication is off there. Each such request is an event. The default.
 */
#define NACOS_ANONYMOUS_AUTO 0

/**
 * No request is sent without a token: without a login it fails with the login's error.
 */
#define NACOS_ANONYMOUS_NEVER 1

/**
 * The number of this ABI, for nacos_auth_abi_version(). Inside one number functions, options and statuses are only added.
 */
#define NACOS_AUTH_ABI_VERSION 1

/**
 * There is no token.
 */
#define NACOS_TOKEN_NONE 0

/**
 * The token is good.
 */
#define NACOS_TOKEN_FRESH 1

/**
 * The token is good and being renewed in the background.
 */
#define NACOS_TOKEN_ADVISORY 2

/**
 * The token is about to expire; calls wait a little for its successor.
 */
#define NACOS_TOKEN_MANDATORY 3

/**
 * The token is past its expiry; used until a server refuses it, for want of another.
 */
#define NACOS_TOKEN_EXPIRED 4

/**
 * A server refused the token.
 */
#define NACOS_TOKEN_REJECTED 5

/**
 * No login is under way, none has failed last.
 */
#define NACOS_REFRESH_IDLE 0

/**
 * A login is under way.
 */
#define NACOS_REFRESH_IN_FLIGHT 1

/**
 * The last login failed; the next one waits for its time.
 */
#define NACOS_REFRESH_BACKING_OFF 2

/**
 * The credentials were refused twice; logins are minutes apart until others are set.
 */
#define NACOS_REFRESH_LATCHED 3

/**
 * Hand the answer on to your caller as it is.
 */
#define NACOS_ADVICE_RETURN 0

/**
 * Get the token again and send the request once more.
 */
#define NACOS_ADVICE_REPLAY 1

/**
 * Get the token again and send the request once more, but only if sending it twice does no harm.
 */
#define NACOS_ADVICE_REPLAY_IF_IDEMPOTENT 2

/**
 * A client of one Nacos cluster. Thread-safe; owned by the caller, freed with nacos_auth_free. Handles with the same
 * servers, settings and credentials share one token and one login, process-wide.
 */
typedef struct nacos_auth nacos_auth;

/**
 * A signal that ends calls from another thread. Thread-safe, owned by the caller, freed with nacos_cancel_free.
 */
typedef struct nacos_cancel nacos_cancel;

/**
 * What a credentials callback answers with. Borrowed for the callback.
 */
typedef struct nacos_credentials nacos_credentials;

/**
 * The details of a failure. Immutable, owned by the caller, freed with nacos_error_free. Any thread may read it.
 * Holds no password, token or query.
 */
typedef struct nacos_error nacos_error;

/**
 * The answer to a request. Immutable, owned by the caller, freed with nacos_response_free. Any thread may read it.
 */
typedef struct nacos_response nacos_response;

/**
 * What every function that can fail returns: 0 for success, otherwise one of the `NACOS_*` codes below. The codes come in
 * groups: 1xx the caller, 2xx the way to the server, 3xx the server, 4xx the life of the handle, 9xx this library.
 */
typedef int32_t nacos_status;

/**
 * Supplies the credentials for a login, or a token that somebody else got, by calling one nacos_credentials_set_*
 * function; the last call counts, none is a failure. Called for each login, again when what it gave is refused, and
 * every 15 s as long as it is. Runs on a thread of the library, one at a time for each handle, under no lock; may block (a
 * login waits for it at most 30 s; a later answer is used by the next one), call the library and close the handle, which
 * waits for nothing then. May run at the same time as a log or event callback. Where the system has no threads left, it
 * runs on the thread that asks for a token. Must return: no exception, no longjmp. None begins once nacos_auth_close has
 * returned.
 */
typedef void (*nacos_credentials_callback)(void *data, struct nacos_credentials *credentials);

/**
 * Something that has happened. Borrowed for the callback; holds no password, token or query.
 */
typedef struct nacos_event {
  /**
   * Size of the struct in bytes, as the library has it: what lies beyond is not there.
   */
  size_t struct_size;
  /**
   * One of NACOS_EVENT_*; more may come.
   */
  int32_t kind;
  /**
   * How much it matters: one of NACOS_LOG_*.
   */
  int32_t level;
  /**
   * Generation of the token it is about; 0 if it is about none.
   */
  uint64_t generation;
  /**
   * Why a login failed; NACOS_OK for what is no failure.
   */
  nacos_status status;
  /**
   * The HTTP status behind that; 0 if no answer was.
   */
  int32_t http_status;
  /**
   * Milliseconds until the next login after one that failed.
   */
  uint64_t retry_after_ms;
  /**
   * The same in words: UTF-8, NUL-terminated.
   */
  const char *message;
} nacos_event;

/**
 * Takes an event; for the rest like nacos_log_callback.
 */
typedef void (*nacos_event_callback)(void *data, const struct nacos_event *event);

/**
 * Takes a line of the log: UTF-8, NUL-terminated, borrowed for the call. Runs on a thread of the library, which each handle
 * has for itself and which has all signals blocked (what is left to tell when the handle is closed: on the one that closes
 * it), under no lock, never at the same time as another log or event callback of its handle; may block, call the library
 * and close the handle, which waits for nothing then; one so slow that a thousand events wait for it misses the oldest.
 * Must return: no exception, no longjmp. None begins once nacos_auth_close has returned, unless that was called inside a
 * callback: then what had happened is still told.
 */
typedef void (*nacos_log_callback)(void *data, int32_t level, const char *message);

/**
 * Lets go of what the callbacks were given.
 */
typedef void (*nacos_drop_callback)(void *data);

/**
 * Settings for nacos_auth_init. Begin with nacos_auth_options_default(); everything that stays 0 or NULL has its
 * default. All strings are NUL-terminated UTF-8 and copied.
 */
typedef struct nacos_auth_options {
  /**
   * sizeof(nacos_auth_options), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Required: one or several of `[http(s)://]host[:port]`, separated by commas; the port is 8848 by default.
   */
  const char *server_addr;
  /**
   * What every path begins with. NULL: "/nacos"; "" or "/": nothing.
   */
  const char *context_path;
  /**
   * The name of a Nacos user: required, unless the credentials come from `token` or `credentials`.
   */
  const char *username;
  /**
   * The user's password: required, unless there is a `password_file`, a `token` or a `credentials` function. The caller
   * may wipe its own copy after the call.
   */
  const char *password;
  /**
   * PEM file with the authorities to trust instead of the system's. A certificate that signs itself is trusted if it is in
   * the file, for its own names and time. Like the next two it is read by nacos_auth_init, and again, every two seconds at
   * the most, when a connection is made: what has been renewed is used, what has been withdrawn is trusted no more. What
   * cannot be read then changes nothing.
   */
  const char *ca_file;
  /**
   * PEM file with the certificate shown to servers that ask for one; goes with client_key_file. Read like ca_file.
   */
  const char *client_cert_file;
  /**
   * PEM file with the key of that certificate. Read like ca_file.
   */
  const char *client_key_file;
  /**
   * "http://[user:password@]host:port"; https, socks4, socks4a, socks5 and socks5h too. NULL: none; the environment is not
   * read.
   */
  const char *proxy;
  /**
   * How long connecting to one server may take, in milliseconds. 0: 2000.
   */
  uint32_t connect_timeout_ms;
  /**
   * Deadline, in milliseconds, of calls that set none of their own. 0: 15000.
   */
  uint32_t request_timeout_ms;
  /**
   * Where the token rides: one of NACOS_CARRIAGE_*.
   */
  int32_t carriage;
  /**
   * Down to which level `log` is called: one of NACOS_LOG_*. 0: NACOS_LOG_INFO.
   */
  int32_t log_level;
  /**
   * Instead of a password: a file that holds it (UTF-8, at most 4 KiB; a byte order mark and a line end do not count). Read anew
   * for each login, again when a login is refused, and every 15 s as long as what it holds is refused; a login waits for
   * it at most 30 s.
   */
  const char *password_file;
  /**
   * Instead of credentials: a token that somebody else got. Nothing logs in; when a server refuses the token, calls
   * fail with NACOS_BAD_CREDENTIALS until nacos_auth_set_token brings another.
   */
  const char *token;
  /**
   * Instead of credentials: a function that supplies them, or a token. A handle with such a function shares its token
   * with no other handle. NULL: none.
   */
  nacos_credentials_callback credentials;
  /**
   * Told what happens, as events. NULL: none.
   */
  nacos_event_callback event;
  /**
   * Told what happens, in lines for a log. NULL: none.
   */
  nacos_log_callback log;
  /**
   * Handed to every callback. It stays the caller's, but see `callback_drop`.
   */
  void *callback_data;
  /**
   * Called once with `callback_data` when no callback will be called any more, on any thread: in nacos_auth_close, or
   * soon after it if that was called inside a callback; in nacos_auth_init if there is no callback. Not called if
   * nacos_auth_init fails. NULL: nothing to let go of.
   */
  nacos_drop_callback callback_drop;
  /**
   * How many connections to the cluster may be in use by requests at the same time; a call beyond that waits for one, within
   * its deadline, first come, first served. Handles with the same servers, TLS files and proxy share their connections. 0: 128.
   */
  uint32_t max_connections;
  /**
   * Whether requests may be sent without a token: one of NACOS_ANONYMOUS_*.
   */
  int32_t anonymous;
} nacos_auth_options;

/**
 * Counters since nacos_auth_init, and the present state. Begin with nacos_auth_statistics_default().
 */
typedef struct nacos_auth_statistics {
  /**
   * sizeof(nacos_auth_statistics), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Logins that brought a token this handle uses.
   */
  uint64_t logins;
  /**
   * Logins that failed.
   */
  uint64_t login_failures;
  /**
   * Calls of nacos_request.
   */
  uint64_t requests;
  /**
   * Requests repeated with a new token (for nacos_auth_report_rejected: advised to be).
   */
  uint64_t replays;
  /**
   * Answers that refused a token, whatever the reason.
   */
  uint64_t rejections;
  /**
   * Of those: for want of a permission.
   */
  uint64_t rejections_permission;
  /**
   * Calls that waited for a login.
   */
  uint64_t waits;
  /**
   * Generation of the token; 0: there is none.
   */
  uint64_t generation;
  /**
   * Milliseconds until the token's reckoned expiry; negative after it.
   */
  int64_t remaining_ms;
  /**
   * One of NACOS_TOKEN_*.
   */
  uint32_t token_state;
  /**
   * One of NACOS_REFRESH_*.
   */
  uint32_t refresh_state;
  /**
   * Of the logins: when there was no token yet.
   */
  uint64_t logins_first;
  /**
   * Of the logins: before the token's expiry.
   */
  uint64_t logins_renewal;
  /**
   * Of the logins: after a server refused the token.
   */
  uint64_t logins_rejection;
  /**
   * Of the failures: no server could be reached.
   */
  uint64_t failures_unreachable;
  /**
   * Of the failures: no answer in time, or too much to do (429, 502 to 504).
   */
  uint64_t failures_overloaded;
  /**
   * Of the failures: the credentials were refused, or the server failed over them (500).
   */
  uint64_t failures_refused;
  /**
   * Of the failures: the answer was not that of a Nacos, or there was nothing to log in with.
   */
  uint64_t failures_other;
  /**
   * Of the rejections: invalid or expired.
   */
  uint64_t rejections_identity;
  /**
   * Of the rejections: without saying why.
   */
  uint64_t rejections_unknown;
  /**
   * Calls that got the last login's error because the next login was not due yet.
   */
  uint64_t held_back_pause;
  /**
   * The same while the credentials counted as wrong.
   */
  uint64_t held_back_latch;
  /**
   * Refusals of a token that had been replaced already: answered by a replay, without a login.
   */
  uint64_t held_back_generation;
  /**
   * Calls that wait for a login now.
   */
  uint64_t waiting;
  /**
   * Milliseconds until the next login after one that failed; 0 if none is waiting for its time.
   */
  uint64_t retry_in_ms;
} nacos_auth_statistics;

/**
 * Settings for one call. Begin with nacos_call_options_default().
 */
typedef struct nacos_call_options {
  /**
   * sizeof(nacos_call_options), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Ends the call from another thread. Borrowed for the call. NULL: nothing does.
   */
  struct nacos_cancel *cancel;
  /**
   * Deadline in milliseconds. 0: the handle's request_timeout_ms.
   */
  uint32_t timeout_ms;
  /**
   * 0.
   */
  uint32_t reserved0;
} nacos_call_options;

/**
 * What nacos_get_token says of the token. Begin with nacos_token_info_default().
 */
typedef struct nacos_token_info {
  /**
   * sizeof(nacos_token_info), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Length of the token in bytes, without the NUL; set with NACOS_BUFFER_TOO_SMALL as well.
   */
  size_t length;
  /**
   * Number of the token in this process, never 0, the same for no two tokens.
   */
  uint64_t generation;
  /**
   * Milliseconds until its reckoned expiry; negative after it.
   */
  int64_t remaining_ms;
  /**
   * 1 if it is past its expiry, and given out because no server could be asked for another.
   */
  uint32_t expired;
  /**
   * 0.
   */
  uint32_t reserved0;
} nacos_token_info;

/**
 * A name and a value, both NUL-terminated UTF-8.
 */
typedef struct nacos_pair {
  /**
   * The name. Required.
   */
  const char *name;
  /**
   * The value. Required; may be "".
   */
  const char *value;
} nacos_pair;

/**
 * A request to the open API of Nacos. Begin with nacos_request_options_default(). Everything is borrowed for the call.
 */
typedef struct nacos_request_options {
  /**
   * sizeof(nacos_request_options), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Any HTTP method. NULL: "GET".
   */
  const char *method;
  /**
   * Required: what comes after the context path, as "/v1/cs/configs". May carry a query that is percent-encoded already.
   * Begins with one slash; one that holds "//", "#", a space, a control character, a backslash, or a "." or ".." segment
   * in any spelling is refused: nothing in it may lead out of the context path.
   */
  const char *path;
  /**
   * Parameters for the query; percent-encoded by the library. `accessToken` is refused: it would beat the token.
   */
  const struct nacos_pair *query;
  /**
   * How many.
   */
  size_t query_count;
  /**
   * Headers. Refused are those that would beat the token, and those that frame the message or belong to the connection:
   * Content-Length, Transfer-Encoding, Host, Connection, Keep-Alive, Proxy-*, Upgrade, HTTP2-Settings, Expect, TE, Trailer.
   * Of Accept-Encoding only what the library can decode is sent: gzip and deflate.
   */
  const struct nacos_pair *headers;
  /**
   * How many.
   */
  size_t header_count;
  /**
   * Fields of a form, which becomes the body; percent-encoded by the library. Not together with `body`.
   */
  const struct nacos_pair *form;
  /**
   * How many.
   */
  size_t form_count;
  /**
   * The body as it is. NULL with a length of 0: none. One of more than 64 KiB is copied piece by piece while it is sent.
   */
  const uint8_t *body;
  /**
   * Its length in bytes.
   */
  size_t body_len;
  /**
   * Ends the call from another thread. NULL: nothing does.
   */
  struct nacos_cancel *cancel;
  /**
   * Deadline in milliseconds, logins, replays and the wait for a connection included. 0: the handle's request_timeout_ms,
   * and as much more as a header Long-Pulling-Timeout says (in milliseconds, ten minutes at the most), with which a
   * server holds back its answer.
   */
  uint32_t timeout_ms;
  /**
   * 0.
   */
  uint32_t reserved0;
} nacos_request_options;

/**
 * Success.
 */
#define NACOS_OK 0

/**
 * An argument is not usable; the message names it.
 */
#define NACOS_INVALID_ARGUMENT 100

/**
 * A required pointer is NULL.
 */
#define NACOS_NULL_ARGUMENT 101

/**
 * A string is not UTF-8.
 */
#define NACOS_INVALID_UTF8 102

/**
 * A setting given to nacos_auth_init is not usable; the message names it.
 */
#define NACOS_INVALID_CONFIG 103

/**
 * A struct carries something that this version of the library does not know.
 */
#define NACOS_UNSUPPORTED_OPTION 104

/**
 * The buffer is too small; nacos_token_info.length says how much is needed (and one byte more for the NUL).
 */
#define NACOS_BUFFER_TOO_SMALL 105

/**
 * No server could be reached: refused, no route, unknown host, connect time-out.
 */
#define NACOS_CONNECT 200

/**
 * The deadline of the call passed.
 */
#define NACOS_TIMEOUT 201

/**
 * The TLS handshake failed.
 */
#define NACOS_TLS 202

/**
 * The connection broke while a request was under way; the server may have acted on it.
 */
#define NACOS_IO 203

/**
 * The server answered something that is not Nacos.
 */
#define NACOS_PROTOCOL 204

/**
 * The answer is larger than this library takes (64 MiB).
 */
#define NACOS_TOO_LARGE 205

/**
 * The server refuses user name and password.
 */
#define NACOS_BAD_CREDENTIALS 300

/**
 * The servers refuse one fresh token after the other.
 */
#define NACOS_FORBIDDEN 301

/**
 * The server asked to be left alone for a while (HTTP 429).
 */
#define NACOS_THROTTLED 302

/**
 * The server failed (HTTP 5xx).
 */
#define NACOS_SERVER 303

/**
 * There are no credentials to log in with: the password file cannot be read, or the credentials callback failed.
 */
#define NACOS_NO_CREDENTIALS 304

/**
 * The caller cancelled the call.
 */
#define NACOS_CANCELLED 400

/**
 * The handle has been closed.
 */
#define NACOS_CLOSED 401

/**
 * A fault of this library, contained; please report it.
 */
#define NACOS_PANIC 900

/**
 * The operating system or this library failed.
 */
#define NACOS_INTERNAL 901

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a status without its prefix, as "BAD_CREDENTIALS"; "UNKNOWN" for a number that is none.
 * Static, never NULL. Any thread.
 */
const char *nacos_status_name(nacos_status status) NACOS_NOEXCEPT;

/**
 * A status in words, without the details that an error object has. Static, never NULL. Any thread.
 */
const char *nacos_status_message(nacos_status status) NACOS_NOEXCEPT;

/**
 * The status of the call that failed; NACOS_NULL_ARGUMENT for NULL.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
nacos_status nacos_error_status(const struct nacos_error *error) NACOS_NOEXCEPT;

/**
 * What failed, on which server, and what to do: UTF-8, NUL-terminated, valid until the error is freed. "" for NULL.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
const char *nacos_error_message(const struct nacos_error *error) NACOS_NOEXCEPT;

/**
 * The HTTP status of the answer that caused the failure; 0 if no answer did.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
int32_t nacos_error_http_status(const struct nacos_error *error) NACOS_NOEXCEPT;

/**
 * 1 if the same call may succeed later without anybody changing anything, else 0.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
int32_t nacos_error_is_retryable(const struct nacos_error *error) NACOS_NOEXCEPT;

/**
 * Milliseconds until this library itself logs in again, before which calls get the same error; 0 if unknown.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
uint64_t nacos_error_retry_after_ms(const struct nacos_error *error) NACOS_NOEXCEPT;

/**
 * Frees an error. NULL is a no-op.
 *
 * Requires: `error` is NULL or an error that has not been freed, and nobody uses it any more.
 */
void nacos_error_free(struct nacos_error *error) NACOS_NOEXCEPT;

/**
 * A new signal, for one call or several. Never NULL. Any thread.
 */
NACOS_MUST_USE struct nacos_cancel *nacos_cancel_new(void) NACOS_NOEXCEPT;

/**
 * Ends every call that carries the signal, now and later, with NACOS_CANCELLED. Does not wait for them. Any thread;
 * NULL is a no-op.
 *
 * Requires: `cancel` is NULL or has not been freed.
 */
void nacos_cancel_trigger(struct nacos_cancel *cancel) NACOS_NOEXCEPT;

/**
 * Frees a signal, also while calls under way still carry it. NULL is a no-op.
 *
 * Requires: `cancel` is NULL or has not been freed, and no other thread is passing it to a function right now.
 */
void nacos_cancel_free(struct nacos_cancel *cancel) NACOS_NOEXCEPT;

/**
 * Answers with a user and its password; the caller may wipe its own copies after the call. Only inside a credentials
 * callback. Fails with an argument error.
 *
 * Requires: Pointers are valid; strings are NUL-terminated UTF-8 and copied; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_credentials_set_password(struct nacos_credentials *credentials,
                                            const char *username,
                                            const char *password,
                                            struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Answers with a token that somebody else got, and its life in milliseconds from now; 0: unknown, the callback is asked
 * again after some minutes. No login happens. Only inside a credentials callback. Fails with an argument error.
 *
 * Requires: Pointers are valid; `token` is NUL-terminated UTF-8 and copied; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_credentials_set_token(struct nacos_credentials *credentials,
                                         const char *token,
                                         uint64_t ttl_ms,
                                         struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Answers that there are no credentials, and why, for the error that callers get: no secret in it. Only inside a
 * credentials callback. Fails with an argument error.
 *
 * Requires: Pointers are valid; `message` is NUL-terminated UTF-8 and copied; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_credentials_set_failure(struct nacos_credentials *credentials,
                                           const char *message,
                                           struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Makes a handle. Checks and copies the options and reads the files they name, which may block as long as they do; opens no
 * connection and starts no thread (the first token does). Former refusals of these credentials count no longer: whoever makes
 * a handle has a reason to think that they are good.
 *
 * On success `*auth` is a handle that the caller owns. On failure it is NULL: NACOS_INVALID_CONFIG with the name of the
 * setting and what to write instead, or an argument error. Any thread.
 *
 * Requires: `options` and `auth` are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_init(const struct nacos_auth_options *options,
                             struct nacos_auth **auth,
                             struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * From now on logs in with these credentials, wherever they came from before. Does not block: the next call that wants a
 * token logs in, and calls that wait for one go over to these credentials at once. A request under way keeps the token it
 * has. Former refusals of these credentials count no longer, also if they are the same as before; between two logins with
 * them there is a second at the least. Any thread.
 *
 * Of another user, the old token is not used any more. Of the same user it is, until a login with the new password has
 * brought another: a changed password ends no token, and the servers of a cluster learn it one after the other. If they
 * refuse the new password, nacos_auth_stats and the callbacks tell, and calls only when the old token ends.
 *
 * Fails with NACOS_CLOSED or an argument error; then the old credentials stay.
 *
 * Requires: Pointers are valid; strings are NUL-terminated UTF-8 and copied; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_set_credentials(struct nacos_auth *auth,
                                        const char *username,
                                        const char *password,
                                        struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * From now on uses this token, which somebody else got, for ttl_ms milliseconds (0: until a server refuses it), and logs
 * in no more. It ends exactly then: after that it is given out as expired. Once a server has refused it, calls fail with
 * NACOS_BAD_CREDENTIALS until another one or credentials are set. Does not block; calls that wait for a token get this one.
 * A request under way keeps the token it has. Any thread.
 *
 * Fails with NACOS_CLOSED or an argument error; then nothing changes.
 *
 * Requires: Pointers are valid; `token` is NUL-terminated UTF-8 and copied; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_set_token(struct nacos_auth *auth,
                                  const char *token,
                                  uint64_t ttl_ms,
                                  struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Fills in counters and state. Works on a closed handle too. Never waits for a server. Any thread.
 *
 * Requires: `auth` and `statistics` are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_stats(const struct nacos_auth *auth,
                              struct nacos_auth_statistics *statistics,
                              struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Ends the service of a handle: every call under way, and every later one, fails with NACOS_CLOSED, a call that waits for a
 * hung server within 100 ms. Does not wait for them, nor for a login or a look-up of a name.
 *
 * Tells the callbacks of the handle what has happened so far, on this thread, and waits for one that runs in another thread:
 * hold no lock that they want. No callback begins after it has returned. Called inside a callback, of this or any other
 * handle, it waits for nothing: what has happened so far is told on a thread of the library soon after, and then
 * `callback_drop` is called. Idempotent; NULL is a no-op. Any thread, callbacks too; exit handlers and destructors too.
 *
 * Requires: `auth` is NULL or has not been freed.
 */
void nacos_auth_close(struct nacos_auth *auth)
NACOS_NOEXCEPT;

/**
 * Closes a handle if that has not been done, and frees it. With the last handle of the process all connections are closed, and
 * it returns when the library's thread has ended (inside a callback it does not wait for that). NULL is a no-op. In a callback it may free any handle but the callback's own.
 *
 * Requires: `auth` is NULL or has not been freed, and no other thread is in a call with it: close it and wait for them first.
 */
void nacos_auth_free(struct nacos_auth *auth)
NACOS_NOEXCEPT;

/**
 * The number of the ABI that the library speaks: compare it with NACOS_AUTH_ABI_VERSION, which the header has.
 */
uint32_t nacos_auth_abi_version(void) NACOS_NOEXCEPT;

/**
 * The version of the library, as "0.1.0". Static, never NULL.
 */
const char *nacos_auth_version(void) NACOS_NOEXCEPT;

/**
 * Copies the token into `buffer`, with a NUL behind it.
 *
 * From the cache nearly always: then it neither blocks nor locks nor enters the kernel, nor allocates (but for the first call
 * of a thread). With no usable token it waits for a login, at most until its deadline; a thousand threads that wait share
 * one login. 1 KiB of buffer is enough for the tokens of Nacos itself, other servers' may be longer.
 *
 * `options` and `info` may be NULL. `buffer` may be NULL with a `capacity` of 0: NACOS_BUFFER_TOO_SMALL then tells the
 * length in `info`. Any thread.
 *
 * Fails with the error of the login (NACOS_BAD_CREDENTIALS, NACOS_CONNECT, NACOS_PROTOCOL, …), NACOS_TIMEOUT,
 * NACOS_CANCELLED, NACOS_CLOSED, NACOS_BUFFER_TOO_SMALL or an argument error.
 *
 * Requires: Pointers are NULL where allowed, or valid; `buffer` has room for `capacity` bytes.
 */
NACOS_MUST_USE
nacos_status nacos_get_token(struct nacos_auth *auth,
                             const struct nacos_call_options *options,
                             char *buffer,
                             size_t capacity,
                             struct nacos_token_info *info,
                             struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * The generation word: equals the generation of the token that may be used without asking again. A caller that keeps a
 * copy of a token compares the copy's generation with the word, and calls nacos_get_token only when they differ; the word
 * moves when the token has been renewed, is about to expire, was refused by a server, when the credentials change and when
 * the handle is closed.
 *
 * Read it as an atomic, with acquire order. Valid until nacos_auth_free; NULL only for NULL. In the child of a fork call
 * nacos_get_token once before trusting it.
 *
 * Requires: `auth` is NULL or has not been freed.
 */
NACOS_MUST_USE
const uint64_t *nacos_auth_generation(const struct nacos_auth *auth)
NACOS_NOEXCEPT;

/**
 * For callers that send requests with an HTTP stack of their own: a request with the token of `generation` was answered
 * with `http_status` and `body` (its first 4 KiB are enough); what now? Safe to call for every answer: one that refuses
 * nothing gives NACOS_ADVICE_RETURN, and tells the library that the token is good. Repeat a request at most
 * twice: the second token may have been on its way already when the first was refused.
 *
 * `*advice` becomes one of NACOS_ADVICE_*. Never waits for a server: the login, if one is needed, is waited for by the
 * next nacos_get_token. Any thread. Fails with NACOS_CLOSED or an argument error.
 *
 * Requires: Pointers are valid; `body` points to `body_len` bytes, or is NULL with a `body_len` of 0; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_report_rejected(struct nacos_auth *auth,
                                        uint64_t generation,
                                        int32_t http_status,
                                        const char *body,
                                        size_t body_len,
                                        int32_t *advice,
                                        struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Sends a request with the token on it, on the caller's thread, and blocks until its answer is complete. If the answer shows
 * that the token is not valid (any more), logs in and sends the request once more. With several servers, one that cannot be
 * reached is passed over. An HTTP status is no error: it is in the response. Any thread.
 *
 * When a connection breaks, what may be sent twice without harm (GET, PUT, DELETE) is sent again. A POST goes to another
 * server only if nothing of it was sent; otherwise the error says that the server may have acted on the request.
 *
 * On success `*response` is owned by the caller. On failure it is NULL: the error of the login if there is no token,
 * NACOS_CONNECT, NACOS_TLS, NACOS_IO (the server may have acted on the request), NACOS_TIMEOUT (the message says whether it
 * may have), NACOS_CANCELLED, NACOS_CLOSED, NACOS_TOO_LARGE, NACOS_INTERNAL (this process has no descriptors left, for
 * one), or an argument error.
 *
 * Requires: `auth`, `options` and `response` are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_request(struct nacos_auth *auth,
                           const struct nacos_request_options *options,
                           struct nacos_response **response,
                           struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * The HTTP status; 0 for NULL.
 *
 * Requires: `response` is NULL or has not been freed.
 */
int32_t nacos_response_status(const struct nacos_response *response) NACOS_NOEXCEPT;

/**
 * The body, valid until the response is freed; `*length` (may be NULL) becomes its length in bytes. Not NUL-terminated.
 * NULL only for NULL. The body of a refusal (status 400 and up) is cut at 64 KiB. One that came compressed (gzip, deflate) is
 * decoded, and the headers Content-Encoding and Content-Length are left out then; another coding stays, and its header tells.
 *
 * Requires: `response` is NULL or has not been freed; `length` is NULL or valid.
 */
const uint8_t *nacos_response_body(const struct nacos_response *response,
                                   size_t *length)
NACOS_NOEXCEPT;

/**
 * How many headers there are; 0 for NULL.
 *
 * Requires: `response` is NULL or has not been freed.
 */
size_t nacos_response_header_count(const struct nacos_response *response) NACOS_NOEXCEPT;

/**
 * Header number `index` (from 0): `*name` in lower case and `*value`, valid until the response is freed.
 * NACOS_INVALID_ARGUMENT, and both NULL, if there are not that many.
 *
 * Requires: `response` has not been freed; `name` and `value` are valid.
 */
NACOS_MUST_USE
nacos_status nacos_response_header_at(const struct nacos_response *response,
                                      size_t index,
                                      const char **name,
                                      const char **value)
NACOS_NOEXCEPT;

/**
 * The value of the first header of that name, in any case, valid until the response is freed; NULL if there is none, or for
 * NULL.
 *
 * Requires: `response` is NULL or has not been freed; `name` is NULL or NUL-terminated.
 */
const char *nacos_response_header(const struct nacos_response *response,
                                  const char *name)
NACOS_NOEXCEPT;

/**
 * The generation of the token that got this answer; 0 if the request went without one (a server with authentication off).
 *
 * Requires: `response` is NULL or has not been freed.
 */
uint64_t nacos_response_generation(const struct nacos_response *response)
NACOS_NOEXCEPT;

/**
 * How often the request was repeated with a new token: 0 nearly always, 2 at the most.
 *
 * Requires: `response` is NULL or has not been freed.
 */
uint32_t nacos_response_replays(const struct nacos_response *response) NACOS_NOEXCEPT;

/**
 * Frees a response, and with it everything borrowed from it. NULL is a no-op.
 *
 * Requires: `response` is NULL or has not been freed, and nobody uses it any more.
 */
void nacos_response_free(struct nacos_response *response) NACOS_NOEXCEPT;

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** Options with their size set and everything else at its default. */
static inline nacos_auth_options nacos_auth_options_default(void) {
  nacos_auth_options options = {
      sizeof(nacos_auth_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0};
  return options;
}

/** Options with their size set and everything else at its default. */
static inline nacos_call_options nacos_call_options_default(void) {
  nacos_call_options options = {sizeof(nacos_call_options), NULL, 0, 0};
  return options;
}

/** Options with their size set and everything else at its default. */
static inline nacos_request_options nacos_request_options_default(void) {
  nacos_request_options options = {
      sizeof(nacos_request_options), NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, 0};
  return options;
}

/** A struct to fill, with its size set. */
static inline nacos_token_info nacos_token_info_default(void) {
  nacos_token_info info = {sizeof(nacos_token_info), 0, 0, 0, 0, 0};
  return info;
}

/** A struct to fill, with its size set. */
static inline nacos_auth_statistics nacos_auth_statistics_default(void) {
  nacos_auth_statistics statistics = {
      sizeof(nacos_auth_statistics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  return statistics;
}

#endif /* NACOS_AUTH_H */
