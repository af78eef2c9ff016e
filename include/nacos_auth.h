/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from src/ffi by cbindgen. Do not edit. */
/**
 * @file nacos_auth.h
 * @brief Keeps a program authenticated against a Nacos server.
 *
 * Conventions:
 * - A function that can fail returns a nacos_status, 0 for success. Its last argument takes an error object with the
 *   details, owned by the caller; NULL if they are not wanted. Outputs are NULL or 0 unless the call succeeded
 *   (but for what nacos_get_token tells of a token that the buffer is too small for).
 * - Structs that the caller fills in begin with struct_size. Start from their _default() function; what stays 0 has its
 *   default. Structs only ever grow at the end, by multiples of 8 bytes without padding, so a program keeps working with a
 *   newer library, and with an older one as long as it leaves at 0 what that does not know.
 * - Enumerations are int32_t, flags uint32_t, and more values may come: treat one that you do not know as you treat none.
 * - Input strings are NUL-terminated UTF-8, copied or borrowed for the call. What a function returns as const is borrowed
 *   from the object it was asked of.
 * - Every _free function takes NULL. Handles may be used from any thread; an object may be freed when no other thread uses
 *   it any more.
 * - nacos_get_token and nacos_request may block until their deadline, nacos_auth_init as long as the files take that it
 *   reads, nacos_auth_close and nacos_auth_free until the callbacks of the handle have been told what has happened and have
 *   returned, or their bound has passed (called inside a callback they wait for nothing), and nacos_auth_diagnose as long
 *   as its time is; nothing else does. nacos_request_start and nacos_token_start do the same work without waiting.
 *   pthread_cancel has no effect on a thread that is inside one of these: it is put off until the function returns.
 * - Callbacks run on threads of the library, which have all signals blocked, those for events also on the one that closes
 *   their handle; where the system has no threads left, a credentials callback runs on the one that asks for a token.
 *   keep_waiting runs on the thread that waits.
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
/** Its parts, as numbers. */
#define NACOS_AUTH_VERSION_MAJOR 0
/** Its parts, as numbers. */
#define NACOS_AUTH_VERSION_MINOR 1
/** Its parts, as numbers. */
#define NACOS_AUTH_VERSION_PATCH 0
/** The same as one number: 0x010203 for 1.2.3. */
#define NACOS_AUTH_VERSION_NUMBER \
  ((NACOS_AUTH_VERSION_MAJOR << 16) | (NACOS_AUTH_VERSION_MINOR << 8) | NACOS_AUTH_VERSION_PATCH)

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

/** A nacos_pair in an array: NACOS_PAIR("dataId", "app.yaml"). */
#define NACOS_PAIR(name, value) \
  { (name), (value), 0, 0, 0, 0 }

/** The Content-Type under which nacos_metrics_text is served to Prometheus. */
#define NACOS_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Causes: what nacos_error_cause, events and log records give. More may come. */
/** An argument of the call is not usable. Give what the message asks for; nothing was sent. */
#define NACOS_CAUSE_INVALID_ARGUMENT "invalid-argument"
/** A setting of the client is not usable. Write what the message says instead. */
#define NACOS_CAUSE_INVALID_CONFIG "invalid-config"
/** The name of the server, or of the proxy, has no address. Check its spelling and the DNS of this machine. */
#define NACOS_CAUSE_NAME_UNKNOWN "name-unknown"
/** Nothing listens at that address and port. Start the server, or correct server_addr. */
#define NACOS_CAUSE_CONNECTION_REFUSED "connection-refused"
/** No connection to the server could be made. Check routes and firewalls between here and the server. */
#define NACOS_CAUSE_UNREACHABLE "unreachable"
/** The server, or the look-up of its name, did not answer in the time that connecting may take. Check firewalls, which often drop silently; or raise connect_timeout. */
#define NACOS_CAUSE_CONNECT_TIMEOUT "connect-timeout"
/** All connections of the client were in use until the deadline. Raise max_connections or the deadline, or send less at a time. */
#define NACOS_CAUSE_POOL_TIMEOUT "pool-timeout"
/** The server took the request and did not answer in time. Look at the load of the server, or raise the deadline. */
#define NACOS_CAUSE_NO_ANSWER "no-answer"
/** The deadline of the call passed. Raise the deadline, if the servers are not known to be in trouble. */
#define NACOS_CAUSE_DEADLINE "deadline"
/** The connection broke while a request was under way. Send it again if that does no harm; look for a restarted server or an impatient gateway. */
#define NACOS_CAUSE_CONNECTION_BROKEN "connection-broken"
/** The address begins with https, and the server speaks plain http there. Write http instead, or the server's TLS port. */
#define NACOS_CAUSE_TLS_TO_HTTP_PORT "tls-to-http-port"
/** The server speaks TLS there, and the address does not begin with https. Write https:// before the host. */
#define NACOS_CAUSE_HTTP_TO_TLS_PORT "http-to-tls-port"
/** None of the trusted authorities has signed the server's certificate. Give the certificate of the authority that has as ca_file or ca_pem. */
#define NACOS_CAUSE_UNTRUSTED_CERTIFICATE "untrusted-certificate"
/** The server's certificate is past its end. Renew it, or set the clock of this machine right. */
#define NACOS_CAUSE_EXPIRED_CERTIFICATE "expired-certificate"
/** The server's certificate is not valid yet. Set the clock of this machine right, or wait. */
#define NACOS_CAUSE_FUTURE_CERTIFICATE "future-certificate"
/** The server's certificate is for other names. Use a name that is in it as server_addr, or set tls_server_name to one. */
#define NACOS_CAUSE_CERTIFICATE_NAME "certificate-name"
/** The server's certificate has no subjectAltName; the common name alone counts for nothing. Issue it again with the server's names in subjectAltName. */
#define NACOS_CAUSE_MISSING_SAN "missing-san"
/** The server wants a client certificate, or refuses the one it got. Give client_cert_file and client_key_file that the server trusts. */
#define NACOS_CAUSE_CLIENT_CERTIFICATE "client-certificate"
/** The TLS handshake failed. See the message; versions and ciphers of the server may be too old. */
#define NACOS_CAUSE_TLS_FAILED "tls-failed"
/** The proxy cannot be reached, or does not let this through. Check the proxy's address, its user and its rules. */
#define NACOS_CAUSE_PROXY_FAILED "proxy-failed"
/** What answers is not a Nacos server. Correct server_addr: a portal or another web server is there. */
#define NACOS_CAUSE_NOT_NACOS "not-nacos"
/** The server has no login API below that context path. Set context_path to what the server uses (/nacos unless changed). */
#define NACOS_CAUSE_WRONG_CONTEXT_PATH "wrong-context-path"
/** This is the console port of a Nacos 3, which has another API. Use the server's main port, 8848 unless changed. */
#define NACOS_CAUSE_CONSOLE_PORT "console-port"
/** The server has switched this API off (HTTP 410). Switch it on in the server, or use a newer path of its API. */
#define NACOS_CAUSE_LOGIN_SWITCHED_OFF "login-switched-off"
/** A gateway answers in the server's place, and does not reach it. Look at the gateway and the server behind it. */
#define NACOS_CAUSE_GATEWAY "gateway"
/** The login was refused in words that are not those of a Nacos, perhaps by a gateway before it. Let the gateway pass the login's path, or check the password. */
#define NACOS_CAUSE_GATEWAY_REFUSAL "gateway-refusal"
/** The server refuses user name and password. Correct them; a client that runs takes new ones by set_credentials, at once. */
#define NACOS_CAUSE_WRONG_CREDENTIALS "wrong-credentials"
/** The server knows no user of that name, or it has just started and has not read its users yet. Correct username; a server that has just started knows its users within seconds, a new user within 15 s. */
#define NACOS_CAUSE_UNKNOWN_USER "unknown-user"
/** The server had just started, and refused a good password until it had read its users. Wait some seconds: logins are tried again by themselves. */
#define NACOS_CAUSE_USERS_NOT_LOADED "users-not-loaded"
/** Nobody has made the first user of the server yet, so no login can succeed. Make it on the console, or by POST /v3/auth/user/admin (in 2.4 and 2.5 /v1/auth/users/admin). */
#define NACOS_CAUSE_NO_ADMIN "no-admin"
/** The server has no secret to sign tokens with, or one that is too short. Set nacos.core.auth.plugin.nacos.token.secret.key to 32 bytes or more in base64, the same at all nodes. */
#define NACOS_CAUSE_SERVER_SECRET_MISSING "server-secret-missing"
/** The server asks another service for its users: LDAP, behind its own login, or OIDC, without a login. With OIDC get the token from that service, and give it as token or by a credentials function. */
#define NACOS_CAUSE_OTHER_AUTH_TYPE "other-auth-type"
/** A Nacos answers there, but has no login that can be reached. Let the gateway pass POST /v1/auth/login and /v3/auth/user/login; Nacos has had them since 1.2. */
#define NACOS_CAUSE_LOGIN_API_MISSING "login-api-missing"
/** The server failed (HTTP 5xx). Look at the server's log. */
#define NACOS_CAUSE_SERVER_FAULT "server-fault"
/** The server failed over the login (HTTP 500), as Nacos also does over a wrong password. Check user name and password; then look at the server's log. */
#define NACOS_CAUSE_LOGIN_FAULT "login-fault"
/** The server has too much to do. Wait: logins are tried again by themselves. */
#define NACOS_CAUSE_OVERLOADED "overloaded"
/** The server asked to be left alone for a while (HTTP 429). Wait for as long as it says; the next login does. */
#define NACOS_CAUSE_THROTTLED "throttled"
/** A server refused the token that was given to this library from elsewhere. Give it another one with nacos_auth_set_token. */
#define NACOS_CAUSE_TOKEN_REFUSED "token-refused"
/** Tokens are refused although they are new. Give all servers one secret and one clock. */
#define NACOS_CAUSE_NEW_TOKENS_REFUSED "new-tokens-refused"
/** Nodes in one list, or behind one address, have different secrets: what one takes another refuses. Give all nodes the same nacos.core.auth.plugin.nacos.token.secret.key. */
#define NACOS_CAUSE_SECRETS_DIFFER "secrets-differ"
/** The token is invalid or expired. Log in again; a client of this library does that by itself. */
#define NACOS_CAUSE_TOKEN_EXPIRED "token-expired"
/** The token was signed with another secret than that of the server. Log in again; if that does not help, give all nodes the same nacos.core.auth.plugin.nacos.token.secret.key. */
#define NACOS_CAUSE_TOKEN_OF_OTHER_SECRET "token-of-other-secret"
/** The token is none of a Nacos, or not whole. Take accessToken from the answer to a login as it is, without quotation marks and line ends. */
#define NACOS_CAUSE_TOKEN_FOREIGN "token-foreign"
/** The server gives the same token to every login until a tenth of its life is left. Nothing; a new token may live for much less than the server's setting says. */
#define NACOS_CAUSE_TOKEN_CACHE "token-cache"
/** Tokens live for less than a minute. Raise nacos.core.auth.plugin.nacos.token.expire.seconds; every renewal costs the server a login. */
#define NACOS_CAUSE_TOKEN_LIFE_SHORT "token-life-short"
/** Tokens live for more than a month, and nothing but a new secret ends one that leaks. Lower nacos.core.auth.plugin.nacos.token.expire.seconds, 18000 unless set: renewal is automatic. */
#define NACOS_CAUSE_TOKEN_LIFE_LONG "token-life-long"
/** The clocks of the servers, or that of this machine, are apart. Set them by NTP: a server ends tokens by its own clock. */
#define NACOS_CAUSE_CLOCKS_DIFFER "clocks-differ"
/** The user has no permission for what a request wanted. Give one to its role in Nacos, or log in as another user. */
#define NACOS_CAUSE_PERMISSION_MISSING "permission-missing"
/** The server refuses every request because it lacks its own identity. Set nacos.core.auth.server.identity.key and nacos.core.auth.server.identity.value, the same at all nodes. */
#define NACOS_CAUSE_SERVER_IDENTITY_MISSING "server-identity-missing"
/** Something before the server takes the header Authorization away. Let the gateway pass it, or set token_in to header (Nacos 2.1 and later) or query. */
#define NACOS_CAUSE_AUTHORIZATION_STRIPPED "authorization-stripped"
/** The server asks nobody for a token. Nothing, if that is meant so; else set nacos.core.auth.enabled=true. */
#define NACOS_CAUSE_AUTHENTICATION_OFF "authentication-off"
/** The server does not have the API that was asked for, or not any more. Use the paths of its version: from Nacos 3.2 on those of v3 only. */
#define NACOS_CAUSE_API_MISSING "api-missing"
/** The password file cannot be read, or holds no password. Make it readable for this process, with the password as its only line. */
#define NACOS_CAUSE_PASSWORD_FILE "password-file"
/** The function that supplies the credentials failed, or did not return. See the message, which is the function's own. */
#define NACOS_CAUSE_CREDENTIALS_CALLBACK "credentials-callback"
/** The answer is larger than the client takes. Raise max_response_size, or ask for less. */
#define NACOS_CAUSE_ANSWER_TOO_LARGE "answer-too-large"
/** The answer came compressed, and cannot be decoded. Look at the gateway that compresses it. */
#define NACOS_CAUSE_ANSWER_DAMAGED "answer-damaged"
/** A server takes the token in the query only, as r-nacos up to 0.8.5 does. Update r-nacos, or set token_in to query. */
#define NACOS_CAUSE_TOKEN_IN_QUERY "token-in-query"
/** A request was sent without a token: no login succeeds, and the server asks for none. Switch authentication on, or leave out the credentials; set anonymous to never to forbid it. */
#define NACOS_CAUSE_SENT_WITHOUT_TOKEN "sent-without-token"
/** The call would have had to wait, and was told not to. Call again a little later. */
#define NACOS_CAUSE_WOULD_BLOCK "would-block"
/** As many operations are under way as max_operations allows. Start more when some have ended, or raise max_operations. */
#define NACOS_CAUSE_TOO_MANY_OPERATIONS "too-many-operations"
/** The caller cancelled the call. Nothing. */
#define NACOS_CAUSE_CANCELLED "cancelled"
/** The client has been closed. Make a new one. */
#define NACOS_CAUSE_CLOSED "closed"
/** This process has no file descriptors left. Raise its limit, or use fewer connections at a time. */
#define NACOS_CAUSE_NO_DESCRIPTORS "no-descriptors"
/** This process has no memory left for an answer. Ask for less at a time, or lower max_response_size. */
#define NACOS_CAUSE_NO_MEMORY "no-memory"
/** Part of what was to be found out has not been tried. See what was seen, which says why. */
#define NACOS_CAUSE_NOT_TRIED "not-tried"
/** All is well. Nothing. */
#define NACOS_CAUSE_HEALTHY "healthy"
/** The operating system or this library failed. Report it, with the message. */
#define NACOS_CAUSE_INTERNAL "internal"

/**
 * Surely no server has acted on the request.
 */
#define NACOS_SENT_NO 0

/**
 * A server may have acted on the request.
 */
#define NACOS_SENT_PERHAPS 1

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
#define NACOS_EVENT_CREDENTIALS_REJECTED 4

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
 * Event: a server takes the token in the query only, so that is where it rides from now on (NACOS_TOKEN_IN_AUTO).
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
 * Where the token goes on a request: as NACOS_TOKEN_IN_AUTHORIZATION. Where a server refuses a token that it has just issued,
 * and has taken none yet, the token is tried as in NACOS_TOKEN_IN_QUERY, and goes there once it has been taken there three
 * times (r-nacos up to 0.8.5). The default.
 */
#define NACOS_TOKEN_IN_AUTO 0

/**
 * The token goes into `Authorization: Bearer <token>`: every Nacos.
 */
#define NACOS_TOKEN_IN_AUTHORIZATION 1

/**
 * The token goes into the header `accessToken`: servers from 2.1 on; for gateways that need Authorization for themselves.
 */
#define NACOS_TOKEN_IN_HEADER 2

/**
 * The token goes into the query parameter `accessToken`: every Nacos, but it ends up in access logs.
 */
#define NACOS_TOKEN_IN_QUERY 3

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
 * Waits for no login, no pause and no connection that other calls use: where it would have to, the call fails with
 * NACOS_WOULD_BLOCK, and a login begins in the background if one may. nacos_get_token never blocks with it, for event loops;
 * nacos_request still waits for the server's answer.
 */
#define NACOS_FLAG_NO_WAIT 1

/**
 * Sends the request once at the most: not again with another token (the response is the refusal then), nor after a connection
 * broke over it.
 */
#define NACOS_FLAG_NO_REPLAY 2

/**
 * Asks one server only, whatever becomes of it.
 */
#define NACOS_FLAG_NO_FAILOVER 4

/**
 * Sending the request twice does no more than sending it once, whatever its method says. Not together with the next one.
 */
#define NACOS_FLAG_IDEMPOTENT 8

/**
 * Sending the request twice does more than sending it once, whatever its method says.
 */
#define NACOS_FLAG_NOT_IDEMPOTENT 16

/**
 * Never sends the request without a token, as NACOS_ANONYMOUS_NEVER for all requests of a handle.
 */
#define NACOS_FLAG_NO_ANONYMOUS 32

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
#define NACOS_REFRESH_CREDENTIALS_REJECTED 3

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
 * The value of a pair is secret: no message of the library holds it, not even where a server repeats it.
 */
#define NACOS_PAIR_SENSITIVE 1

/**
 * Nothing is known yet: no login has been tried, or the first one has just begun. Not ready.
 */
#define NACOS_HEALTH_UNKNOWN 0

/**
 * There is a token, and nothing is wrong with logins.
 */
#define NACOS_HEALTH_OK 1

/**
 * Calls work, and will not for long if nothing changes: an old token still serves and logins fail, for one. Ready.
 */
#define NACOS_HEALTH_DEGRADED 2

/**
 * There is no token that works, and no login brings one; or the handle is closed.
 */
#define NACOS_HEALTH_DOWN 3

/**
 * How bad a finding is: as it should be.
 */
#define NACOS_SEVERITY_OK 0

/**
 * Worth knowing; nothing has to be done.
 */
#define NACOS_SEVERITY_INFORMATION 1

/**
 * It works, and may not for long, or not well.
 */
#define NACOS_SEVERITY_WARNING 2

/**
 * It does not work.
 */
#define NACOS_SEVERITY_ERROR 3

/**
 * Send the request of an examination even though it may change something.
 */
#define NACOS_DIAGNOSE_SEND_WRITES 1

/**
 * A client of one Nacos cluster. Thread-safe; owned by the caller, freed with nacos_auth_free, shared with nacos_auth_ref.
 * Handles with the same servers, settings and credentials share one token and one login, process-wide.
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
 * What an examination found. Immutable, owned by the caller, freed with nacos_diagnosis_free. Any thread may read it.
 */
typedef struct nacos_diagnosis nacos_diagnosis;

/**
 * The details of a failure. Immutable, owned by the caller, freed with nacos_error_free. Any thread may read it.
 * Holds no password, token or query.
 */
typedef struct nacos_error nacos_error;

/**
 * Figures in Prometheus' text format. Immutable, owned by the caller, freed with nacos_metrics_free. Any thread may read it.
 */
typedef struct nacos_metrics nacos_metrics;

/**
 * A call that no thread of the caller's waits for. Thread-safe, owned by the caller, freed with nacos_operation_free.
 */
typedef struct nacos_operation nacos_operation;

/**
 * Where operations that have ended wait to be taken, for a loop that polls descriptors. Thread-safe, owned by the caller, freed
 * with nacos_queue_free.
 */
typedef struct nacos_queue nacos_queue;

/**
 * The answer to a request. Immutable, owned by the caller, freed with nacos_response_free. Any thread may read it.
 */
typedef struct nacos_response nacos_response;

/**
 * A token, as an operation brings it (nacos_token_start). Immutable, owned by the caller, freed with nacos_token_free, which
 * wipes it. Any thread may read it.
 */
typedef struct nacos_token nacos_token;

/**
 * What every function that can fail returns: 0 for success, otherwise one of the `NACOS_*` codes below. The codes come in
 * groups: 1xx the caller, 2xx the way to the server, 3xx the server, 4xx the end of a call, 9xx this library.
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
  /**
   * The server it is about, as "host:port"; "" if it is about none, or about all of them.
   */
  const char *server;
  /**
   * Why, as one of NACOS_CAUSE_*; "" for what is no trouble. More may come.
   */
  const char *cause;
} nacos_event;

/**
 * Takes an event; for the rest like nacos_log_callback.
 */
typedef void (*nacos_event_callback)(void *data, const struct nacos_event *event);

/**
 * A line of the log. Borrowed for the callback; holds no password, token or query. Strings are UTF-8, NUL-terminated and
 * never NULL.
 */
typedef struct nacos_log_record {
  /**
   * Size of the struct in bytes, as the library has it: what lies beyond is not there.
   */
  size_t struct_size;
  /**
   * How much it matters: one of NACOS_LOG_*.
   */
  int32_t level;
  /**
   * 0.
   */
  int32_t reserved0;
  /**
   * The line, without a line end.
   */
  const char *message;
  /**
   * The server it is about, as "host:port"; "" if it is about none, or about all of them.
   */
  const char *server;
  /**
   * Why, as one of NACOS_CAUSE_*; "" for what is no trouble. More may come.
   */
  const char *cause;
} nacos_log_record;

/**
 * Takes a line of the log. Runs on a thread of the library, which each handle
 * has for itself and which has all signals blocked (what is left to tell when the handle is closed: on the one that closes
 * it), under no lock, never at the same time as another log or event callback of its handle; may block, call the library
 * and close the handle, which waits for nothing then; one so slow that a thousand events wait for it misses the oldest.
 * Must return: no exception, no longjmp. None begins once nacos_auth_close has returned, unless that was called inside a
 * callback: then what had happened is still told.
 */
typedef void (*nacos_log_callback)(void *data, const struct nacos_log_record *record);

/**
 * Asked by a call that waits, about every 50 ms, whether to go on: 0 ends the call with NACOS_CANCELLED. Runs on the thread
 * that waits, under no lock, from any number of threads at the same time, and not in the first 50 ms of a call. May call the
 * library. Must return: no exception, no longjmp, and the thread must not be ended in it (as some runtimes do with threads that
 * come back to them at exit). For languages with signals of their own: a signal handler sets a flag, and
 * this looks at it.
 */
typedef int32_t (*nacos_keep_waiting_callback)(void *data);

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
   * Asked by calls that wait whether to go on. NULL: nobody is.
   */
  nacos_keep_waiting_callback keep_waiting;
  /**
   * Handed to every callback. It stays the caller's, but see `callback_drop`.
   */
  void *callback_data;
  /**
   * Called once with `callback_data` when no callback will be called any more, on any thread: in nacos_auth_close, or
   * soon after it if a callback was running then or it was called inside one; in nacos_auth_init if there is no callback.
   * Not called if nacos_auth_init fails, nor in the child of a fork that came while a callback ran, which may have left the
   * data half changed. NULL: nothing to let go of.
   */
  nacos_drop_callback callback_drop;
  /**
   * PEM file with the authorities to trust instead of the system's. A certificate that signs itself is trusted if it is in
   * the file, for its own names and time. Like the next two files it is read by nacos_auth_init, and again, every two
   * seconds at the most, when a connection is made: what has been renewed is used, what has been withdrawn is trusted no
   * more. What cannot be read then changes nothing.
   */
  const char *ca_file;
  /**
   * PEM file with the certificate shown to servers that ask for one; goes with its key. Read like ca_file.
   */
  const char *client_cert_file;
  /**
   * PEM file with the key of that certificate. Read like ca_file.
   */
  const char *client_key_file;
  /**
   * Instead of ca_file: the PEM itself.
   */
  const char *ca_pem;
  /**
   * Instead of client_cert_file: the PEM itself.
   */
  const char *client_cert_pem;
  /**
   * Instead of client_key_file: the PEM itself. The caller may wipe its own copy after the call.
   */
  const char *client_key_pem;
  /**
   * The DNS name that is asked for in TLS (SNI) and that certificates have to be for, instead of the server's host: for
   * servers that are reached by address. NULL: the host.
   */
  const char *tls_server_name;
  /**
   * "http://[user:password@]host:port"; https, socks4, socks4a, socks5 and socks5h too. NULL: none; the environment is not
   * read.
   */
  const char *proxy;
  /**
   * What requests and logins say of themselves in the header User-Agent. NULL: "nacos-auth/" and the library's version.
   */
  const char *user_agent;
  /**
   * The largest answer to a request, in bytes, decoded; beyond it the call fails with NACOS_TOO_LARGE. The body of a refusal
   * (status 400 and up) is cut at 64 KiB in any case. 0: 64 MiB.
   */
  uint64_t max_response_size;
  /**
   * How long connecting to one server may take, in milliseconds. 0: 2000.
   */
  uint32_t connect_timeout_ms;
  /**
   * Deadline, in milliseconds, of calls that set none of their own. 0: 15000.
   */
  uint32_t request_timeout_ms;
  /**
   * How many connections to the cluster may be in use by requests at the same time; a call beyond that waits for one, within
   * its deadline, first come, first served. Handles with the same servers, TLS settings and proxy share their connections.
   * 0: 128.
   */
  uint32_t max_connections;
  /**
   * Where the token goes on a request: one of NACOS_TOKEN_IN_*.
   */
  int32_t token_in;
  /**
   * Whether requests may be sent without a token: one of NACOS_ANONYMOUS_*.
   */
  int32_t anonymous;
  /**
   * Down to which level `log` is called: one of NACOS_LOG_*. 0: NACOS_LOG_INFO.
   */
  int32_t log_level;
  /**
   * How many operations (nacos_request_start, nacos_token_start) of the handle may be under way at the same time; one counts
   * until its completion has been taken from its queue, or its callback has returned. Beyond that they fail to start with
   * NACOS_WOULD_BLOCK. 0: 16384.
   */
  uint32_t max_operations;
  /**
   * 0.
   */
  uint32_t reserved0;
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
   * Calls of nacos_request, and operations of nacos_request_start.
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
   * Milliseconds until the token's reckoned expiry; negative after it, INT64_MAX if nobody knows its end.
   */
  int64_t remaining_ms;
  /**
   * One of NACOS_TOKEN_NONE to NACOS_TOKEN_REJECTED.
   */
  int32_t token_state;
  /**
   * One of NACOS_REFRESH_*.
   */
  int32_t refresh_state;
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
  uint64_t suppressed_by_pause;
  /**
   * The same while the credentials counted as wrong.
   */
  uint64_t suppressed_by_rejection;
  /**
   * Refusals of a token that had been replaced already: answered by a replay, without a login.
   */
  uint64_t suppressed_by_generation;
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
   * 0 or NACOS_FLAG_NO_WAIT; the other flags are for requests.
   */
  uint32_t flags;
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
   * Milliseconds until its reckoned expiry; negative after it, INT64_MAX if nobody knows its end.
   */
  int64_t remaining_ms;
  /**
   * 1 if it is past its expiry, and given out because no server could be asked for another.
   */
  int32_t expired;
  /**
   * 0.
   */
  int32_t reserved0;
} nacos_token_info;

/**
 * An answer to a request that the caller sent with an HTTP stack of its own. Begin with nacos_rejection_default().
 * Everything is borrowed for the call.
 */
typedef struct nacos_rejection {
  /**
   * sizeof(nacos_rejection), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * The generation of the token that the request had.
   */
  uint64_t generation;
  /**
   * The HTTP status of the answer: 100 to 999. Required.
   */
  int32_t http_status;
  /**
   * How often this request has been refused the same token before: 0 the first time.
   */
  uint32_t refused_before;
  /**
   * The body of the answer; its first 4 KiB are enough. NULL with a length of 0: none.
   */
  const uint8_t *body;
  /**
   * Its length in bytes.
   */
  size_t body_len;
  /**
   * The server that answered, as it is written in server_addr, or any URL of it. With it a token is judged server by server,
   * and one that is only too new for a server gets its time; without it any refusal ends the token. NULL: not known.
   */
  const char *server;
  /**
   * The value of the header Retry-After. NULL: none.
   */
  const char *retry_after;
} nacos_rejection;

/**
 * What to do with an answer. Begin with nacos_advice_default().
 */
typedef struct nacos_advice {
  /**
   * sizeof(nacos_advice), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * One of NACOS_ADVICE_*.
   */
  int32_t advice;
  /**
   * 0.
   */
  int32_t reserved0;
  /**
   * How many milliseconds to wait before that; with NACOS_ADVICE_RETURN, how long the server asks to be left alone.
   */
  uint64_t wait_ms;
} nacos_advice;

/**
 * A name and a value, both UTF-8. `{"name", "value"}` is one; NACOS_PAIR("name", "value") is the same without a warning about
 * the fields that are left out.
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
  /**
   * Length of the name in bytes; 0: it ends with a NUL.
   */
  size_t name_len;
  /**
   * Length of the value in bytes; 0: it ends with a NUL.
   */
  size_t value_len;
  /**
   * 0 or NACOS_PAIR_SENSITIVE.
   */
  uint32_t flags;
  /**
   * 0.
   */
  uint32_t reserved0;
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
   * How many; 10,000 at the most.
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
   * 0 or several of NACOS_FLAG_*, or-ed.
   */
  uint32_t flags;
} nacos_request_options;

/**
 * How an operation ended. Begin with nacos_completion_default(). What is not NULL in it is owned by whoever gets it.
 */
typedef struct nacos_completion {
  /**
   * sizeof(nacos_completion), as the caller compiled it; for a callback, as the library has it.
   */
  size_t struct_size;
  /**
   * What nacos_start_options.data was.
   */
  void *data;
  /**
   * The answer to a request; NULL for a token, and on failure. Freed with nacos_response_free.
   */
  struct nacos_response *response;
  /**
   * The token; NULL for a request, and on failure. Freed with nacos_token_free.
   */
  struct nacos_token *token;
  /**
   * Why it failed; NULL on success. Freed with nacos_error_free.
   */
  struct nacos_error *error;
  /**
   * NACOS_OK, or what nacos_request or nacos_get_token would have returned.
   */
  nacos_status status;
  /**
   * 0.
   */
  int32_t reserved0;
} nacos_completion;

/**
 * Takes the completion of an operation: it owns what is in there. Runs on a thread of the library, which each handle has for
 * itself and which has all signals blocked (where the system has no threads left, on the one that does the work of all
 * operations), under no lock, one at a time for each handle; may block, which keeps the handle's other completions waiting,
 * call the library, start operations, and close or free the handle, which waits for nothing then. Must return: no exception, no
 * longjmp.
 */
typedef void (*nacos_completion_callback)(void *data, const struct nacos_completion *completion);

/**
 * How the end of an operation is told: by `queue` or by `on_complete`, of which one is set. Begin with
 * nacos_start_options_default().
 */
typedef struct nacos_start_options {
  /**
   * sizeof(nacos_start_options), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Comes back in the completion. It stays the caller's.
   */
  void *data;
  /**
   * The completion waits there until it is taken. It must not be freed before the call has returned.
   */
  struct nacos_queue *queue;
  /**
   * Called with the completion.
   */
  nacos_completion_callback on_complete;
} nacos_start_options;

/**
 * What is known of a handle's health. Begin with nacos_health_default().
 */
typedef struct nacos_health {
  /**
   * sizeof(nacos_health), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * One of NACOS_HEALTH_*.
   */
  int32_t status;
  /**
   * 1 with NACOS_HEALTH_OK and NACOS_HEALTH_DEGRADED: requests can be expected to succeed. Else 0.
   */
  int32_t ready;
  /**
   * Why it is not well, as a word of the list of causes: static, NUL-terminated. "" if it is, or if nothing is known.
   */
  const char *cause;
  /**
   * Milliseconds since the first login failed of those that have failed since the last success; 0 if the last one did not.
   */
  uint64_t failing_for_ms;
  /**
   * Milliseconds until the token's reckoned expiry, until when a degraded handle works; negative after it, 0 without one,
   * INT64_MAX if nobody knows its end.
   */
  int64_t remaining_ms;
  /**
   * Milliseconds until the next login after one that failed; 0 if none is waiting for its time.
   */
  uint64_t retry_in_ms;
  /**
   * One of NACOS_TOKEN_NONE to NACOS_TOKEN_REJECTED.
   */
  int32_t token_state;
  /**
   * One of NACOS_REFRESH_*.
   */
  int32_t refresh_state;
} nacos_health;

/**
 * What an examination is to look at besides servers and credentials. Begin with nacos_diagnose_options_default().
 */
typedef struct nacos_diagnose_options {
  /**
   * sizeof(nacos_diagnose_options), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Method of a request that fails. NULL: GET.
   */
  const char *method;
  /**
   * Its path below the context path, with its query, encoded. NULL: there is no request. One that may change something
   * (neither GET, HEAD nor OPTIONS) is sent only with NACOS_DIAGNOSE_SEND_WRITES. No body goes along.
   */
  const char *path;
  /**
   * A token that is refused. No login is made with it. NULL: there is none.
   */
  const char *token;
  /**
   * Ends the examination from another thread. NULL: nothing does.
   */
  struct nacos_cancel *cancel;
  /**
   * How long it may take, in milliseconds. 0: 10,000, which is enough for three servers of which two do not answer.
   */
  uint32_t timeout_ms;
  /**
   * 0 or NACOS_DIAGNOSE_SEND_WRITES.
   */
  uint32_t flags;
} nacos_diagnose_options;

/**
 * One step of an examination. Holds no password, token or query. Strings are NUL-terminated, and good until the diagnosis is
 * freed. Begin with nacos_finding_default().
 */
typedef struct nacos_finding {
  /**
   * sizeof(nacos_finding), as the caller compiled it.
   */
  size_t struct_size;
  /**
   * Why, as a word of the list of causes: NACOS_CAUSE_HEALTHY for what is as it should be.
   */
  const char *cause;
  /**
   * The server that it is about, as "host:port"; "" if it is about none, or about all of them.
   */
  const char *server;
  /**
   * What was seen: the server's own words, times, versions.
   */
  const char *seen;
  /**
   * What it means, in a sentence.
   */
  const char *means;
  /**
   * What to do about it, in a sentence.
   */
  const char *cure;
  /**
   * NACOS_SEVERITY_*.
   */
  int32_t severity;
  /**
   * 0.
   */
  int32_t reserved0;
} nacos_finding;

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
 * The answer is larger than the handle takes (max_response_size).
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
 * The call would have had to wait, and was told not to (NACOS_FLAG_NO_WAIT).
 */
#define NACOS_WOULD_BLOCK 402

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
 * Why the call failed, more closely than the status says it: one of NACOS_CAUSE_*, NUL-terminated, valid until the error is
 * freed. More may come. "" for NULL.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
const char *nacos_error_cause(const struct nacos_error *error)
NACOS_NOEXCEPT;

/**
 * The server that the failure is about, as "host:port": UTF-8, NUL-terminated, valid until the error is freed. "" if it is
 * about none, or about all of them, and for NULL.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
const char *nacos_error_server(const struct nacos_error *error)
NACOS_NOEXCEPT;

/**
 * Whether a server may have acted on the request that failed: NACOS_SENT_PERHAPS, or NACOS_SENT_NO if surely none has, if the
 * call was no request, and for NULL. Then sending it again does nothing twice.
 *
 * Requires: `error` is NULL or an error that has not been freed.
 */
int32_t nacos_error_was_sent(const struct nacos_error *error)
NACOS_NOEXCEPT;

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
 * Ends every call that carries the signal, now and later, with NACOS_CANCELLED; but for nacos_get_token that has a token in the
 * cache, which looks at no signal. Does not wait for them. Any thread; NULL is a no-op. NOT to be called in a signal handler:
 * it locks, and may wait for itself there. A handler sets a flag of its own, and nacos_auth_options.keep_waiting looks at it.
 *
 * Requires: `cancel` is NULL or has not been freed.
 */
void nacos_cancel_trigger(struct nacos_cancel *cancel)
NACOS_NOEXCEPT;

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
 * On success `*auth` is a handle that the caller owns. Where another handle is logging in with the same credentials, log and
 * event callbacks may run before this has returned, and `*auth` may not be set by then. On failure it is NULL: NACOS_INVALID_CONFIG with the name of the
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
 * One reference more to a handle: it is freed with the last nacos_auth_free, one for nacos_auth_init and one for each call of
 * this. For owners that do not know of each other. Returns `auth`. Any thread.
 *
 * Requires: `auth` is NULL or has not been freed.
 */
struct nacos_auth *nacos_auth_ref(struct nacos_auth *auth)
NACOS_NOEXCEPT;

/**
 * Ends whatever pause there is between logins, and takes no server for one that is down: for a program that knows that what
 * was wrong has been mended (a person has said so, the network has come back). Does not block; calls that wait for a token
 * log in at once. There is still a second between two logins at the least. Any thread. Fails with NACOS_CLOSED or an
 * argument error.
 *
 * Requires: `auth` is valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_retry(struct nacos_auth *auth,
                              struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Ends the service of a handle, for all who share it: every call under way, and every later one, fails with NACOS_CLOSED, a
 * call that waits for a hung server within 100 ms. Does not wait for them, nor for a login or a look-up of a name.
 *
 * Tells the callbacks of the handle what has happened so far, on this thread, and waits for one that runs in another thread,
 * at most timeout_ms milliseconds (0: the handle's request_timeout_ms): hold no lock that they want. No callback begins after
 * it has returned NACOS_OK. NACOS_TIMEOUT: the handle is closed, but a callback still runs, or the end of an operation is still
 * on its way; what waits behind it is told when it has returned, and then `callback_drop` is called. Called inside a callback, of this or any other handle, it waits for nothing: what has happened so far is told
 * on a thread of the library soon after, and then `callback_drop` is called. Idempotent; NULL is a no-op. Any thread, callbacks
 * too; exit handlers and destructors too.
 *
 * Requires: `auth` is NULL or has not been freed; `error` may be NULL.
 */
nacos_status nacos_auth_close(struct nacos_auth *auth,
                              uint32_t timeout_ms,
                              struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Gives back one reference to a handle. The last one closes it, as nacos_auth_close with a timeout_ms of 0, unless that has
 * been done outside of callbacks, however it ended; and frees it. With the last handle of the process all connections are
 * closed, and it returns when the library's thread has ended, which it waits for 100 ms at the most (inside a callback: not at
 * all). NULL is a no-op. In a callback it may free any handle but the callback's own, in a completion callback that one too.
 *
 * Requires: `auth` is NULL or has not been freed, and no other thread is in a call with this reference: close it and wait for them first.
 */
void nacos_auth_free(struct nacos_auth *auth)
NACOS_NOEXCEPT;

/**
 * The number of the ABI that the library speaks: compare it with NACOS_AUTH_ABI_VERSION, which the header has.
 */
uint32_t nacos_auth_abi_version(void) NACOS_NOEXCEPT;

/**
 * The version of the library as a number, as NACOS_AUTH_VERSION_NUMBER has that of the header: 0x010203 for 1.2.3.
 */
uint32_t nacos_auth_version_number(void) NACOS_NOEXCEPT;

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
 * NACOS_CANCELLED, NACOS_CLOSED, NACOS_WOULD_BLOCK (with NACOS_FLAG_NO_WAIT), NACOS_BUFFER_TOO_SMALL or an argument error.
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
 * The token: NUL-terminated, valid until it is freed. "" for NULL.
 *
 * Requires: `token` is NULL or has not been freed.
 */
const char *nacos_token_text(const struct nacos_token *token) NACOS_NOEXCEPT;

/**
 * Fills in what nacos_get_token would say of the token. `remaining_ms` is as of the end of its operation. Never waits. Any thread.
 *
 * Requires: `token` and `info` are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_token_describe(const struct nacos_token *token,
                                  struct nacos_token_info *info,
                                  struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Wipes and frees a token. NULL is a no-op.
 *
 * Requires: `token` is NULL or has not been freed.
 */
void nacos_token_free(struct nacos_token *token) NACOS_NOEXCEPT;

/**
 * The generation of the token that may be used without asking again; 0 if there is none, or for NULL. A caller that keeps a
 * copy of a token compares the copy's generation with this, and calls nacos_get_token only when they differ: the number
 * changes when the token has been renewed, is about to expire, was refused by a server, when the credentials change and when
 * the handle is closed. Neither blocks nor locks; right after a fork and after a suspend, too. Any thread.
 *
 * Requires: `auth` is NULL or has not been freed.
 */
NACOS_MUST_USE
uint64_t nacos_auth_generation(const struct nacos_auth *auth)
NACOS_NOEXCEPT;

/**
 * Where in memory the library keeps that number: nacos_auth_generation without a call, for languages where a call is dear.
 * Read it as an atomic 64-bit word with acquire order (`__atomic_load_n`, `std::atomic_ref`, `atomic.LoadUint64`), never as a
 * plain variable, and never write to it.
 *
 * It knows less than the function. After a suspend it may name a token that has expired meanwhile, until the library's thread
 * has run, which takes milliseconds. In the child of a fork it is 0 until the first call of nacos_get_token,
 * nacos_request or nacos_auth_generation there. Valid until nacos_auth_free; NULL only for NULL.
 *
 * Requires: `auth` is NULL or has not been freed.
 */
NACOS_MUST_USE
const uint64_t *nacos_auth_generation_pointer(const struct nacos_auth *auth)
NACOS_NOEXCEPT;

/**
 * For callers that send requests with an HTTP stack of their own: what does this answer mean, and what now? To be called for
 * every answer: one that refuses nothing gives NACOS_ADVICE_RETURN, and tells the library that the token is good. Repeat a
 * request with another token at most twice: the second may have been on its way already when the first was refused.
 *
 * Never waits for a server: the login, if one is needed, is waited for by the next nacos_get_token. Any thread. Fails with
 * NACOS_CLOSED or an argument error.
 *
 * Requires: Pointers are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_report_rejected(struct nacos_auth *auth,
                                        const struct nacos_rejection *rejection,
                                        struct nacos_advice *advice,
                                        struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Sends a request with the token on it, on the caller's thread, and blocks until its answer is complete. If the answer shows
 * that the token is not valid (any more), logs in and sends the request once more. With several servers, one that cannot be
 * reached is passed over. An HTTP status is no error: it is in the response. Any thread.
 *
 * When a connection breaks, what may be sent twice without harm (GET, HEAD, PUT, DELETE, unless the flags say otherwise) is
 * sent again. A POST goes to another server only if nothing of it was sent.
 *
 * On success `*response` is owned by the caller. On failure it is NULL: the error of the login if there is no token,
 * NACOS_CONNECT, NACOS_TLS, NACOS_IO, NACOS_TIMEOUT, NACOS_CANCELLED, NACOS_CLOSED, NACOS_TOO_LARGE, NACOS_INTERNAL (this
 * process has no descriptors left, for one), NACOS_WOULD_BLOCK, or an argument error. nacos_error_was_sent tells whether a
 * server may have acted on the request.
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
 * Header number `index` (from 0), in the order of the answer, those of one name together: `*name` in lower case and `*value`,
 * valid until the response is freed. NACOS_INVALID_ARGUMENT, and both NULL, if there are not that many.
 *
 * Requires: `response` has not been freed; `name` and `value` are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_response_header_at(const struct nacos_response *response,
                                      size_t index,
                                      const char **name,
                                      const char **value,
                                      struct nacos_error **error)
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
 * 1 if the body was cut, that of a refusal beyond 64 KiB; else 0, and 0 for NULL.
 *
 * Requires: `response` is NULL or has not been freed.
 */
int32_t nacos_response_is_truncated(const struct nacos_response *response) NACOS_NOEXCEPT;

/**
 * The server that answered, as "host:port": UTF-8, NUL-terminated, valid until the response is freed. "" for NULL.
 *
 * Requires: `response` is NULL or has not been freed.
 */
const char *nacos_response_server(const struct nacos_response *response) NACOS_NOEXCEPT;

/**
 * How often the request was sent in all, to whatever server: 1 nearly always; 0 for NULL.
 *
 * Requires: `response` is NULL or has not been freed.
 */
uint32_t nacos_response_attempts(const struct nacos_response *response) NACOS_NOEXCEPT;

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

/**
 * A new queue, with a descriptor of its own. Operations of any number of handles may complete to it. Fails with NACOS_INTERNAL
 * if there is none to be had, or an argument error; then `*queue` is NULL. Any thread.
 *
 * Requires: `queue` is valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_queue_new(struct nacos_queue **queue,
                             struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * A descriptor that is readable as long as a completion waits, for poll, epoll (level or edge triggered), kqueue and what is made of
 * them. It is the queue's own: do not read, write or close it. In the child of a fork the queue is empty and has another one.
 * -1 for NULL, and in the child of a fork that has no descriptors left. Any thread.
 *
 * Requires: `queue` is NULL or has not been freed.
 */
NACOS_MUST_USE
int32_t nacos_queue_fd(const struct nacos_queue *queue)
NACOS_NOEXCEPT;

/**
 * Takes the completion that has waited longest: NACOS_OK, and the caller owns what is in `*completion`. NACOS_WOULD_BLOCK if
 * none waits. Never waits itself. Take until none is left when the descriptor is readable: an edge-triggered epoll tells of the
 * first one only. Any thread; of several that take, each gets others.
 *
 * Requires: `queue` and `completion` are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_queue_next(struct nacos_queue *queue,
                              struct nacos_completion *completion,
                              struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Frees a queue. Operations under way that would complete to it are cancelled, and no completion of theirs comes; what waits
 * in it is freed, and its descriptor closed. Does not wait for them. NULL is a no-op.
 *
 * Requires: `queue` is NULL or has not been freed, and no other thread is passing it to a function right now.
 */
void nacos_queue_free(struct nacos_queue *queue)
NACOS_NOEXCEPT;

/**
 * Starts what nacos_request does and returns at once: it waits for no server, no login and no connection. Everything in `options`
 * is copied, the body too; its cancel signal and its deadline, which begins now, hold for the operation; nobody is asked whether
 * to go on (keep_waiting).
 *
 * On success exactly one completion comes, whatever happens: when the answer is complete, at the deadline, when it is cancelled,
 * and when the handle is closed. It may come before this has returned: `*operation` is set by then, and nothing of the caller's is
 * read or written any more. `*operation` is owned by the caller; `operation` may be NULL: the operation cannot be cancelled by
 * itself then. On failure no completion comes: NACOS_WOULD_BLOCK if as many operations are under way as
 * max_operations allows, NACOS_CLOSED, NACOS_INTERNAL (no thread to be had), or an argument error. Any thread, callbacks too.
 *
 * Operations of a process share one thread, and with the calls that block its connections, logins and tokens: those beyond
 * max_connections wait for their turn. nacos_auth_close ends them with NACOS_CLOSED and waits, within its bound, until their
 * callbacks have returned and their completions are in their queues. In the child of a fork the operations of the parent do not
 * exist: they are completed in the parent alone.
 *
 * Requires: `auth`, `options` and `start` are valid; `operation` and `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_request_start(struct nacos_auth *auth,
                                 const struct nacos_request_options *options,
                                 const struct nacos_start_options *start,
                                 struct nacos_operation **operation,
                                 struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Starts what nacos_get_token does and returns at once; the completion brings the token. For the rest as nacos_request_start.
 *
 * Requires: `auth` and `start` are valid; `options`, `operation` and `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_token_start(struct nacos_auth *auth,
                               const struct nacos_call_options *options,
                               const struct nacos_start_options *start,
                               struct nacos_operation **operation,
                               struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * Has an operation end soon: its completion says NACOS_CANCELLED, unless it ends otherwise at that moment. Once it has ended,
 * and in the child of a fork, nothing happens. Does not wait. Any thread, callbacks too; NULL is a no-op. Not to be called in a
 * signal handler.
 *
 * Requires: `operation` is NULL or has not been freed.
 */
void nacos_operation_cancel(struct nacos_operation *operation)
NACOS_NOEXCEPT;

/**
 * Gives up the caller's hold on an operation, which goes on, and is completed, all the same. Before or after its end, in its own
 * callback too. NULL is a no-op.
 *
 * Requires: `operation` is NULL or has not been freed, and no other thread is passing it to a function right now.
 */
void nacos_operation_free(struct nacos_operation *operation)
NACOS_NOEXCEPT;

/**
 * Whether this handle can do its work, from what is known: asks no server, waits for nothing and begins no login. Works on
 * a closed handle too. Any thread.
 *
 * For a readiness probe, call nacos_get_token with NACOS_FLAG_NO_WAIT first and go by `health->ready` whatever that returns:
 * a handle without a token logs in only when a call wants one. Before the first login it is NACOS_HEALTH_UNKNOWN.
 *
 * `reason` may be NULL. It takes an error object with what is wrong, which calls get or will get, its server and words, owned
 * by the caller; NULL if nothing is wrong, or nothing is known. Fails with an argument error.
 *
 * Requires: `auth` and `health` are valid; `reason` and `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_health(const struct nacos_auth *auth,
                               struct nacos_health *health,
                               struct nacos_error **reason,
                               struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * The figures of `count` handles in Prometheus' text format: counters since nacos_auth_init, the state of token and logins,
 * and the health. docs/monitoring.md lists them. Works on closed handles too. Never waits for a server. Any thread.
 *
 * `names` has a name for each handle, none twice, which becomes the label `client` of its samples: any UTF-8. It may be NULL
 * for a single handle, which has no such label then. On success `*metrics` is owned by the caller; on failure it is NULL.
 * Fails with an argument error.
 *
 * Requires: `auths` and `names` have `count` valid entries, but for a NULL `names`; `metrics` is valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_metrics(struct nacos_auth *const *auths,
                                const char *const *names,
                                size_t count,
                                struct nacos_metrics **metrics,
                                struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * The text, to be served as NACOS_METRICS_CONTENT_TYPE; NUL-terminated UTF-8, good until the metrics are freed; "" for NULL.
 * Any thread.
 *
 * Requires: `metrics` is NULL or has not been freed.
 */
const char *nacos_metrics_text(const struct nacos_metrics *metrics)
NACOS_NOEXCEPT;

/**
 * Frees metrics and their text. NULL is a no-op. Any thread.
 *
 * Requires: `metrics` is NULL or has not been freed.
 */
void nacos_metrics_free(struct nacos_metrics *metrics) NACOS_NOEXCEPT;

/**
 * Finds out whether these options work, and if not, why not: is the server there, is it a Nacos, does it let this user in,
 * does it take its own token, do the servers of the list share a secret and a clock; and what is wrong with a token or a
 * request of the caller's. Makes connections and logins of its own, at most two logins at each server, and none at the others
 * once one has refused the password. Blocks for `timeout_ms` at the most, and as long as `credentials` takes.
 *
 * Of the callbacks in `options` only `credentials` is called, on this thread; `callback_drop` is not.
 * `diagnose` may be NULL. On success `*diagnosis` is owned by the caller; on failure it is NULL. Any thread.
 *
 * Whatever is wrong with servers, credentials, token or request is a finding. Fails with NACOS_INVALID_CONFIG (as
 * nacos_auth_init), NACOS_CANCELLED or an argument error.
 *
 * Requires: `options` and `diagnosis` are valid; `diagnose` and `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_auth_diagnose(const struct nacos_auth_options *options,
                                 const struct nacos_diagnose_options *diagnose,
                                 struct nacos_diagnosis **diagnosis,
                                 struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * How many findings there are; 0 for NULL. Any thread.
 *
 * Requires: `diagnosis` is NULL or has not been freed.
 */
size_t nacos_diagnosis_count(const struct nacos_diagnosis *diagnosis) NACOS_NOEXCEPT;

/**
 * Fills in the finding number `index`, counted from 0, in the order in which they were made. Fails with an argument error,
 * NACOS_INVALID_ARGUMENT if there is none of that number. Any thread.
 *
 * Requires: `diagnosis` and `finding` are valid; `error` may be NULL.
 */
NACOS_MUST_USE
nacos_status nacos_diagnosis_finding(const struct nacos_diagnosis *diagnosis,
                                     size_t index,
                                     struct nacos_finding *finding,
                                     struct nacos_error **error)
NACOS_NOEXCEPT;

/**
 * The severity of the worst finding; NACOS_SEVERITY_OK for NULL. Any thread.
 *
 * Requires: `diagnosis` is NULL or has not been freed.
 */
int32_t nacos_diagnosis_severity(const struct nacos_diagnosis *diagnosis) NACOS_NOEXCEPT;

/**
 * All findings for people, a paragraph each; NUL-terminated UTF-8, good until the diagnosis is freed; "" for NULL. Any thread.
 *
 * Requires: `diagnosis` is NULL or has not been freed.
 */
const char *nacos_diagnosis_text(const struct nacos_diagnosis *diagnosis)
NACOS_NOEXCEPT;

/**
 * All findings as JSON, `{"severity":"error","findings":[{"severity","cause","server","seen","means","cure"}]}`, where
 * `server` is null for all of them; NUL-terminated UTF-8, good until the diagnosis is freed; "" for NULL. Any thread.
 *
 * Requires: `diagnosis` is NULL or has not been freed.
 */
const char *nacos_diagnosis_json(const struct nacos_diagnosis *diagnosis) NACOS_NOEXCEPT;

/**
 * Frees a diagnosis and all its strings. NULL is a no-op. Any thread.
 *
 * Requires: `diagnosis` is NULL or has not been freed.
 */
void nacos_diagnosis_free(struct nacos_diagnosis *diagnosis) NACOS_NOEXCEPT;

/**
 * The name of an event without its prefix, as "LOGIN_FAILED"; "UNKNOWN" for a number that is none. Static, never NULL.
 */
const char *nacos_event_name(int32_t kind) NACOS_NOEXCEPT;

/**
 * The name of a level without its prefix, as "WARN"; "UNKNOWN" for a number that is none. Static, never NULL.
 */
const char *nacos_log_level_name(int32_t level) NACOS_NOEXCEPT;

/**
 * The name of a state of the token without its prefix, as "FRESH"; "UNKNOWN" for a number that is none. Static, never NULL.
 */
const char *nacos_token_state_name(int32_t state)
NACOS_NOEXCEPT;

/**
 * The name of a state of the renewal without its prefix, as "BACKING_OFF"; "UNKNOWN" for a number that is none. Static, never
 * NULL.
 */
const char *nacos_refresh_state_name(int32_t state)
NACOS_NOEXCEPT;

/**
 * The name of a place for the token without its prefix, as "QUERY"; "UNKNOWN" for a number that is none. Static, never NULL.
 */
const char *nacos_token_in_name(int32_t place)
NACOS_NOEXCEPT;

/**
 * The name of an advice without its prefix, as "REPLAY"; "UNKNOWN" for a number that is none. Static, never NULL.
 */
const char *nacos_advice_name(int32_t advice) NACOS_NOEXCEPT;

/**
 * The name of a severity without its prefix, as "WARNING"; "UNKNOWN" for a number that is none. Static, never NULL.
 */
const char *nacos_severity_name(int32_t severity) NACOS_NOEXCEPT;

/**
 * The name of a status of the health without its prefix, as "DEGRADED"; "UNKNOWN" for a number that is none, and for
 * NACOS_HEALTH_UNKNOWN. Static, never NULL.
 */
const char *nacos_health_name(int32_t status) NACOS_NOEXCEPT;

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** @cond */
#ifdef __cplusplus
#define NACOS_ZERO \
  {}
#else
#define NACOS_ZERO \
  { 0 }
#endif
/** @endcond */

/** A nacos_auth_options with its size set and everything else at its default. */
static inline nacos_auth_options nacos_auth_options_default(void) {
  nacos_auth_options options = NACOS_ZERO;
  options.struct_size = sizeof(nacos_auth_options);
  return options;
}

/** A nacos_auth_statistics with its size set and everything else at its default. */
static inline nacos_auth_statistics nacos_auth_statistics_default(void) {
  nacos_auth_statistics statistics = NACOS_ZERO;
  statistics.struct_size = sizeof(nacos_auth_statistics);
  return statistics;
}

/** A nacos_call_options with its size set and everything else at its default. */
static inline nacos_call_options nacos_call_options_default(void) {
  nacos_call_options options = NACOS_ZERO;
  options.struct_size = sizeof(nacos_call_options);
  return options;
}

/** A nacos_token_info with its size set and everything else at its default. */
static inline nacos_token_info nacos_token_info_default(void) {
  nacos_token_info info = NACOS_ZERO;
  info.struct_size = sizeof(nacos_token_info);
  return info;
}

/** A nacos_rejection with its size set and everything else at its default. */
static inline nacos_rejection nacos_rejection_default(void) {
  nacos_rejection rejection = NACOS_ZERO;
  rejection.struct_size = sizeof(nacos_rejection);
  return rejection;
}

/** A nacos_advice with its size set and everything else at its default. */
static inline nacos_advice nacos_advice_default(void) {
  nacos_advice advice = NACOS_ZERO;
  advice.struct_size = sizeof(nacos_advice);
  return advice;
}

/** A nacos_request_options with its size set and everything else at its default. */
static inline nacos_request_options nacos_request_options_default(void) {
  nacos_request_options options = NACOS_ZERO;
  options.struct_size = sizeof(nacos_request_options);
  return options;
}

/** A nacos_completion with its size set and everything else at its default. */
static inline nacos_completion nacos_completion_default(void) {
  nacos_completion completion = NACOS_ZERO;
  completion.struct_size = sizeof(nacos_completion);
  return completion;
}

/** A nacos_start_options with its size set and everything else at its default. */
static inline nacos_start_options nacos_start_options_default(void) {
  nacos_start_options options = NACOS_ZERO;
  options.struct_size = sizeof(nacos_start_options);
  return options;
}

/** A nacos_health with its size set and everything else at its default. */
static inline nacos_health nacos_health_default(void) {
  nacos_health health = NACOS_ZERO;
  health.struct_size = sizeof(nacos_health);
  return health;
}

/** A nacos_diagnose_options with its size set and everything else at its default. */
static inline nacos_diagnose_options nacos_diagnose_options_default(void) {
  nacos_diagnose_options options = NACOS_ZERO;
  options.struct_size = sizeof(nacos_diagnose_options);
  return options;
}

/** A nacos_finding with its size set and everything else at its default. */
static inline nacos_finding nacos_finding_default(void) {
  nacos_finding finding = NACOS_ZERO;
  finding.struct_size = sizeof(nacos_finding);
  return finding;
}

/* Structs have no padding and sizes that are multiples of 8, so that they can grow. */
#if UINTPTR_MAX == UINT64_MAX && \
    (defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L))
/** @cond */
#ifdef __cplusplus
#define NACOS_LAYOUT(type, size) \
  static_assert(sizeof(type) == (size), "the layout of " #type);
#else
#define NACOS_LAYOUT(type, size) \
  _Static_assert(sizeof(type) == (size), "the layout of " #type);
#endif
NACOS_LAYOUT(nacos_event, 64)
NACOS_LAYOUT(nacos_log_record, 40)
NACOS_LAYOUT(nacos_auth_options, 216)
NACOS_LAYOUT(nacos_auth_statistics, 200)
NACOS_LAYOUT(nacos_call_options, 24)
NACOS_LAYOUT(nacos_token_info, 40)
NACOS_LAYOUT(nacos_rejection, 56)
NACOS_LAYOUT(nacos_advice, 24)
NACOS_LAYOUT(nacos_pair, 40)
NACOS_LAYOUT(nacos_request_options, 104)
NACOS_LAYOUT(nacos_completion, 48)
NACOS_LAYOUT(nacos_start_options, 32)
NACOS_LAYOUT(nacos_health, 56)
NACOS_LAYOUT(nacos_diagnose_options, 48)
NACOS_LAYOUT(nacos_finding, 56)
#undef NACOS_LAYOUT
/** @endcond */
#endif
#undef NACOS_ZERO

#endif /* NACOS_AUTH_H */
