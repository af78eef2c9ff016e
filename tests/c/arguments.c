/* Arguments that are strings, numbers and structs as they should be, and yet not usable: a status, and a message that
 * names the argument. What is not even that (NULL, other encodings, sizes that lie) is in hostile.c. Needs no server.
 */
#include <stdlib.h>

#include "check.h"

static nacos_auth_options good_options(void) {
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = "127.0.0.1:1";
  options.username = "nacos";
  options.password = "secret-of-the-test";
  return options;
}

/* Triggered: a call whose arguments are right ends with NACOS_CANCELLED, at once and without a server. */
static nacos_cancel *cancel;

static nacos_request_options good_request(void) {
  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs";
  request.cancel = cancel;
  return request;
}

static void init_with(nacos_auth_options options, nacos_status expected, const char *words) {
  nacos_auth *auth = (nacos_auth *)&options; /* anything but NULL */
  CHECK_CALL(expected, words, nacos_auth_init(&options, &auth, &error));
  CHECK((auth != NULL) == (expected == NACOS_OK));
  nacos_auth_free(auth);
}

static void init_settings(void) {
  const struct {
    const char *server_addr, *username, *password, *context_path, *ca_file, *cert, *key, *proxy, *words;
  } wrong[] = {
      {.server_addr = "", .words = "server_addr"},
      {.server_addr = " , ", .words = "server_addr"},
      {.server_addr = "127.0.0.1:notaport", .words = "server_addr"},
      {.server_addr = "ftp://127.0.0.1", .words = "server_addr"},
      {.server_addr = "http://user:pw@127.0.0.1", .words = "server_addr"},
      {.username = "", .words = "username"},
      {.username = "nacos\n", .words = "username"},
      {.password = "", .words = "password"},
      {.context_path = "a b\r\n", .words = "context_path"},
      {.ca_file = "/nonexistent/ca.pem", .words = "ca_file"},
      {.cert = "/nonexistent/cert.pem", .words = "client_"},
      {.key = "/nonexistent/key.pem", .words = "client_"},
      {.cert = "/nonexistent/cert.pem", .key = "/nonexistent/key.pem", .words = "client_"},
      {.proxy = "no such scheme://x", .words = "proxy"},
  };
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    nacos_auth_options options = good_options();
    if (wrong[i].server_addr != NULL) options.server_addr = wrong[i].server_addr;
    if (wrong[i].username != NULL) options.username = wrong[i].username;
    if (wrong[i].password != NULL) options.password = wrong[i].password;
    options.context_path = wrong[i].context_path;
    options.ca_file = wrong[i].ca_file;
    options.client_cert_file = wrong[i].cert;
    options.client_key_file = wrong[i].key;
    options.proxy = wrong[i].proxy;
    init_with(options, NACOS_INVALID_CONFIG, wrong[i].words);
  }

  nacos_auth_options options = good_options();
  for (int32_t wrong = -1; wrong <= 4; wrong += 5) {
    options.token_in = wrong;
    init_with(options, NACOS_INVALID_CONFIG, "token_in");
  }
  options = good_options();
  for (int32_t wrong = -1; wrong <= 2; wrong += 3) {
    options.anonymous = wrong;
    init_with(options, NACOS_INVALID_CONFIG, "anonymous");
  }
  options.anonymous = NACOS_ANONYMOUS_NEVER;
  init_with(options, NACOS_OK, NULL);
  options = good_options();
  options.log_level = 5;
  init_with(options, NACOS_INVALID_CONFIG, "options.log_level");
}

static void older_callers(nacos_auth *auth) {
  /* An older caller: only the required fields. What lies behind is not read. */
  nacos_auth_options options = good_options();
  options.struct_size = offsetof(nacos_auth_options, ca_file);
  options.ca_file = "/nonexistent/ca.pem";
  options.log_level = 5;
  init_with(options, NACOS_OK, NULL);
  options.struct_size = offsetof(nacos_auth_options, password);
  init_with(options, NACOS_NULL_ARGUMENT, "options.password");

  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  statistics.struct_size = offsetof(nacos_auth_statistics, requests);
  statistics.requests = 77;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_stats(auth, &statistics, &error));
  CHECK(statistics.requests == 77 && statistics.struct_size == offsetof(nacos_auth_statistics, requests));
}

static void request_with(nacos_auth *auth, nacos_request_options request, nacos_status expected, const char *words) {
  nacos_response *response = (nacos_response *)&request;
  CHECK_CALL(expected, words, nacos_request(auth, &request, &response, &error));
  CHECK(response == NULL);
}

static void request_arguments(nacos_auth *auth) {
  nacos_request_options request;
  const char *methods[] = {"", "GE T", "GET\r\n"};
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    request = good_request();
    request.method = methods[i];
    request_with(auth, request, NACOS_INVALID_ARGUMENT, "method");
  }
  const char *paths[] = {"", "v1/cs/configs", "/v1//cs", "/v1/cs\r\nX: y", "/v1/a b", "/v1/cs#x", "http://other/v1"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    request = good_request();
    request.path = paths[i];
    request_with(auth, request, NACOS_INVALID_ARGUMENT, "path");
  }
}

static void pair_arguments(nacos_auth *auth) {
  nacos_request_options request;
  const nacos_pair headers[] = {
      NACOS_PAIR("X-A", "a\r\nX-B: b"), NACOS_PAIR("X-A", "a\rb"), NACOS_PAIR("X-A", "a\nb"),
      NACOS_PAIR("X-A\r\n", "a"),       NACOS_PAIR("X A", "a"),    NACOS_PAIR("", "a"),
      NACOS_PAIR("X-A:", "a"),
  };
  for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
    request = good_request();
    request.headers = &headers[i];
    request.header_count = 1;
    request_with(auth, request, NACOS_INVALID_ARGUMENT, "header");
  }

  /* What would beat the token. */
  const nacos_pair token = NACOS_PAIR("accessToken", "mine");
  request = good_request();
  request.query = &token;
  request.query_count = 1;
  request_with(auth, request, NACOS_INVALID_ARGUMENT, "accessToken");
  request = good_request();
  request.form = &token;
  request.form_count = 1;
  request_with(auth, request, NACOS_INVALID_ARGUMENT, "accessToken");
  request = good_request();
  request.path = "/v1/cs/configs?accessToken=mine";
  request_with(auth, request, NACOS_INVALID_ARGUMENT, "accessToken");
  request = good_request();
  request.headers = &(nacos_pair)NACOS_PAIR("Authorization", "Bearer mine");
  request.header_count = 1;
  request_with(auth, request, NACOS_INVALID_ARGUMENT, "uthorization");
}

/* More headers than anybody reads. */
static void many_headers(nacos_auth *auth) {
  enum { MANY = 40000 };
  nacos_pair *pairs = calloc(MANY, sizeof(*pairs));
  char(*names)[16] = calloc(MANY, sizeof(*names));
  nacos_request_options request = good_request();
  for (int same = 0; same < 2; same++) {
    for (int i = 0; i < MANY; i++) {
      snprintf(names[i], sizeof(names[i]), "x-%d", same ? 0 : i);
      pairs[i] = (nacos_pair)NACOS_PAIR(names[i], "v");
    }
    request.headers = pairs;
    request.header_count = MANY;
    request_with(auth, request, NACOS_INVALID_ARGUMENT, "headers");
    request.header_count = 10000;
    request_with(auth, request, NACOS_CANCELLED, "cancelled");
  }
  free(names);
  free(pairs);
}

static void body_arguments(nacos_auth *auth) {
  nacos_request_options request = good_request();
  request.method = "POST";
  request.body_len = 1;
  request_with(auth, request, NACOS_NULL_ARGUMENT, "options.body");
  request.body = (const uint8_t *)"x";
  request.body_len = SIZE_MAX;
  request_with(auth, request, NACOS_INVALID_ARGUMENT, "options.body");
  request.body_len = 1;
  request.form = &(nacos_pair)NACOS_PAIR("n", "v");
  request.form_count = 1;
  request_with(auth, request, NACOS_INVALID_ARGUMENT, "options.form");
  request.body_len = 0; /* an empty body is none */
  request_with(auth, request, NACOS_CANCELLED, "cancelled");
}

static void empty_credentials(nacos_auth *auth) {
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "username", nacos_auth_set_credentials(auth, "", "p", &error));
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "password", nacos_auth_set_credentials(auth, "u", "", &error));
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "token", nacos_auth_set_token(auth, "", 0, &error));
}

/* What a call that fails gives out is NULL or 0, whatever was in there before and whichever argument is wrong. */
static void outputs_of_calls_that_fail(nacos_auth *auth) {
  char token[4];
  nacos_token_info info;
  const nacos_call_options wrong = {.struct_size = 3};
  for (int i = 0; i < 3; i++) {
    memset(token, 'x', sizeof(token));
    memset(&info, 7, sizeof(info));
    info.struct_size = i == 2 ? 3 : sizeof(info);
    CHECK_CALL(i == 0 ? NACOS_NULL_ARGUMENT : NACOS_INVALID_ARGUMENT,
               i == 0   ? "auth"
               : i == 1 ? "options"
                        : "info",
               nacos_get_token(i == 0 ? NULL : auth, i == 1 ? &wrong : NULL, token, sizeof(token), &info, &error));
    CHECK(token[0] == '\0');
    CHECK(i == 2 || (info.length == 0 && info.generation == 0 && info.remaining_ms == 0));
  }
  memset(&info, 7, sizeof(info));
  info.struct_size = sizeof(info);
  CHECK_CALL(NACOS_NULL_ARGUMENT, "buffer", nacos_get_token(auth, NULL, NULL, 1, &info, &error));
  CHECK(info.length == 0 && info.generation == 0);
  const char *name = "x", *value = "x";
  CHECK_CALL(NACOS_NULL_ARGUMENT, "name", nacos_response_header_at(NULL, 0, NULL, &value, &error));
  CHECK(value == NULL);
  CHECK_CALL(NACOS_NULL_ARGUMENT, "value", nacos_response_header_at(NULL, 0, &name, NULL, &error));
  CHECK(name == NULL);
  nacos_health health = nacos_health_default();
  nacos_error *reason = (nacos_error *)&health;
  health.ready = 1;
  CHECK_CALL(NACOS_NULL_ARGUMENT, "auth", nacos_auth_health(NULL, &health, &reason, &error));
  CHECK(reason == NULL && health.ready == 0);
}

/* A token whose end nobody knows has the longest life there is, which does not change from call to call. */
static void a_token_without_end(nacos_auth *auth) {
  const uint64_t lives[] = {0, UINT64_MAX, INT64_MAX};
  for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
    char token[8];
    nacos_token_info info = nacos_token_info_default();
    nacos_health health = nacos_health_default();
    nacos_auth_statistics statistics = nacos_auth_statistics_default();
    CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_token(auth, "theirs", lives[i], &error));
    CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), &info, &error));
    CHECK_CALL(NACOS_OK, NULL, nacos_auth_health(auth, &health, NULL, &error));
    CHECK_CALL(NACOS_OK, NULL, nacos_auth_stats(auth, &statistics, &error));
    CHECK(info.remaining_ms == INT64_MAX && health.remaining_ms == INT64_MAX && statistics.remaining_ms == INT64_MAX);
  }
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_token(auth, "theirs", 1000000, &error));
}

static void statuses(void) {
  const struct {
    nacos_status status;
    const char *name;
  } all[] = {
      {NACOS_OK, "OK"},
      {NACOS_INVALID_ARGUMENT, "INVALID_ARGUMENT"},
      {NACOS_NULL_ARGUMENT, "NULL_ARGUMENT"},
      {NACOS_INVALID_UTF8, "INVALID_UTF8"},
      {NACOS_INVALID_CONFIG, "INVALID_CONFIG"},
      {NACOS_UNSUPPORTED_OPTION, "UNSUPPORTED_OPTION"},
      {NACOS_BUFFER_TOO_SMALL, "BUFFER_TOO_SMALL"},
      {NACOS_CONNECT, "CONNECT"},
      {NACOS_TIMEOUT, "TIMEOUT"},
      {NACOS_TLS, "TLS"},
      {NACOS_IO, "IO"},
      {NACOS_PROTOCOL, "PROTOCOL"},
      {NACOS_TOO_LARGE, "TOO_LARGE"},
      {NACOS_BAD_CREDENTIALS, "BAD_CREDENTIALS"},
      {NACOS_FORBIDDEN, "FORBIDDEN"},
      {NACOS_THROTTLED, "THROTTLED"},
      {NACOS_SERVER, "SERVER"},
      {NACOS_CANCELLED, "CANCELLED"},
      {NACOS_CLOSED, "CLOSED"},
      {NACOS_WOULD_BLOCK, "WOULD_BLOCK"},
      {NACOS_PANIC, "PANIC"},
      {NACOS_INTERNAL, "INTERNAL"},
      {-1, "UNKNOWN"},
      {1, "UNKNOWN"},
      {INT32_MAX, "UNKNOWN"},
  };
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
    CHECK(strcmp(nacos_status_name(all[i].status), all[i].name) == 0);
    CHECK(strlen(nacos_status_message(all[i].status)) > 5);
  }
  CHECK(nacos_auth_abi_version() == NACOS_AUTH_ABI_VERSION);
  CHECK(strcmp(nacos_auth_version(), NACOS_AUTH_VERSION) == 0);
}

int main(void) {
  cancel = nacos_cancel_new();
  nacos_cancel_trigger(cancel);
  statuses();
  init_settings();
  nacos_auth_options options = good_options();
  nacos_auth *auth = NULL;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &auth, &error));
  older_callers(auth);
  request_arguments(auth);
  pair_arguments(auth);
  body_arguments(auth);
  many_headers(auth);
  empty_credentials(auth);
  outputs_of_calls_that_fail(auth);
  a_token_without_end(auth);
  nacos_auth_free(auth);
  nacos_cancel_free(cancel);
  return finish();
}
