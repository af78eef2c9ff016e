/* Every function with every kind of wrong argument: a status of its own, and a message that names the argument.
 * Needs no server. */
#include <stdlib.h>

#include "check.h"

#define NOT_UTF8 "caf\xe9"

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

static void init_arguments(void) {
  nacos_auth_options options = good_options();
  nacos_auth *auth = (nacos_auth *)&options;
  CHECK_CALL(NACOS_NULL_ARGUMENT, "auth", nacos_auth_init(&options, NULL, &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "options", nacos_auth_init(NULL, &auth, &error));
  CHECK(auth == NULL);
  CHECK(nacos_auth_init(NULL, &auth, NULL) == NACOS_NULL_ARGUMENT); /* no detail wanted */
  init_with(options, NACOS_OK, NULL);

  struct {
    const char *name;
    const char **field;
    nacos_status when_null;
  } texts[] = {
      {"options.server_addr", &options.server_addr, NACOS_NULL_ARGUMENT},
      {"options.username", &options.username, NACOS_NULL_ARGUMENT},
      {"options.password", &options.password, NACOS_NULL_ARGUMENT},
      {"options.context_path", &options.context_path, NACOS_OK},
      {"options.ca_file", &options.ca_file, NACOS_OK},
      {"options.client_cert_file", &options.client_cert_file, NACOS_OK},
      {"options.client_key_file", &options.client_key_file, NACOS_OK},
      {"options.proxy", &options.proxy, NACOS_OK},
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    options = good_options();
    *texts[i].field = NULL;
    init_with(options, texts[i].when_null, texts[i].when_null == NACOS_OK ? NULL : texts[i].name);
    *texts[i].field = NOT_UTF8;
    init_with(options, NACOS_INVALID_UTF8, texts[i].name);
  }
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

/* A struct of this version in the buffer of a later one. */
typedef struct {
  union {
    size_t struct_size;
    nacos_auth_options options;
    nacos_request_options request;
    nacos_call_options call;
    nacos_token_info info;
    nacos_auth_statistics statistics;
  } known;
  unsigned char later[16];
} grown;

static const struct {
  size_t known, given;
  unsigned char later;
  nacos_status expected;
} sizes[] = {
    {1, 0, 0, NACOS_INVALID_ARGUMENT},         {1, 1, 0, NACOS_INVALID_ARGUMENT},
    {1, 4097, 0, NACOS_INVALID_ARGUMENT},      {1, SIZE_MAX, 0, NACOS_INVALID_ARGUMENT},
    {0, 16, 9, NACOS_UNSUPPORTED_OPTION},      {0, 16, 0, NACOS_OK},
    {0, 0, 9, NACOS_OK /* beyond the size */},
};

static void init_sizes(void) {
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    grown struct_ = {.known.options = good_options()};
    const size_t own = sizeof(nacos_auth_options);
    struct_.known.struct_size = sizes[i].known ? sizes[i].given : own + sizes[i].given;
    memset((unsigned char *)&struct_ + own, sizes[i].later, sizeof(struct_.later));
    nacos_auth *auth = NULL;
    CHECK_CALL(sizes[i].expected, sizes[i].expected == NACOS_OK ? NULL : "options",
               nacos_auth_init(&struct_.known.options, &auth, &error));
    nacos_auth_free(auth);
  }
  /* An older caller: only the required fields. What lies behind is not read. */
  nacos_auth_options options = good_options();
  options.struct_size = offsetof(nacos_auth_options, ca_file);
  options.ca_file = "/nonexistent/ca.pem";
  options.log_level = 5;
  init_with(options, NACOS_OK, NULL);
  options.struct_size = offsetof(nacos_auth_options, password);
  init_with(options, NACOS_NULL_ARGUMENT, "options.password");
}

static void token_arguments(nacos_auth *auth) {
  char buffer[64] = "x";
  nacos_call_options call = nacos_call_options_default();
  call.cancel = cancel;
  nacos_token_info info = nacos_token_info_default();
  CHECK_CALL(NACOS_NULL_ARGUMENT, "auth", nacos_get_token(NULL, &call, buffer, sizeof(buffer), &info, &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "buffer", nacos_get_token(auth, &call, NULL, 64, &info, &error));
  call.flags = 0x80;
  CHECK_CALL(NACOS_UNSUPPORTED_OPTION, "options.flags",
             nacos_get_token(auth, &call, buffer, sizeof(buffer), &info, &error));

  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    grown in = {.known.call = nacos_call_options_default()};
    in.known.struct_size = sizes[i].known ? sizes[i].given : sizeof(nacos_call_options) + sizes[i].given;
    memset((unsigned char *)&in + sizeof(nacos_call_options), sizes[i].later, sizeof(in.later));
    in.known.call.cancel = cancel;
    const int right = sizes[i].expected == NACOS_OK;
    CHECK_CALL(right ? NACOS_CANCELLED : sizes[i].expected, right ? "cancelled" : "options",
               nacos_get_token(auth, &in.known.call, buffer, sizeof(buffer), NULL, &error));

    grown out = {.known.info = nacos_token_info_default()};
    out.known.struct_size = sizes[i].known ? sizes[i].given : sizeof(nacos_token_info) + sizes[i].given;
    const int wrong = sizes[i].expected == NACOS_INVALID_ARGUMENT; /* what is in it does not matter */
    call.flags = 0;
    CHECK_CALL(wrong ? NACOS_INVALID_ARGUMENT : NACOS_CANCELLED, wrong ? "info" : "cancelled",
               nacos_get_token(auth, &call, buffer, sizeof(buffer), &out.known.info, &error));
  }
  info.length = 99;
  info.generation = 99;
  buffer[0] = 'x';
  CHECK_CALL(NACOS_CANCELLED, "cancelled", nacos_get_token(auth, &call, buffer, sizeof(buffer), &info, &error));
  CHECK(info.length == 0 && info.generation == 0); /* outputs are cleared */
  CHECK(buffer[0] == '\0');
  CHECK_CALL(NACOS_CANCELLED, "cancelled", nacos_get_token(auth, &call, NULL, 0, NULL, &error));
  CHECK_CALL(NACOS_CONNECT, "127.0.0.1:1", nacos_get_token(auth, NULL, buffer, sizeof(buffer), NULL, &error));
}

static void request_with(nacos_auth *auth, nacos_request_options request, nacos_status expected, const char *words) {
  nacos_response *response = (nacos_response *)&request;
  CHECK_CALL(expected, words, nacos_request(auth, &request, &response, &error));
  CHECK(response == NULL);
}

static void request_arguments(nacos_auth *auth) {
  nacos_request_options request = good_request();
  nacos_response *response = (nacos_response *)&request;
  CHECK_CALL(NACOS_NULL_ARGUMENT, "response", nacos_request(auth, &request, NULL, &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "options", nacos_request(auth, NULL, &response, &error));
  CHECK(response == NULL);
  request_with(NULL, request, NACOS_NULL_ARGUMENT, "auth");

  struct {
    const char *name;
    const char **field;
    nacos_status when_null;
  } texts[] = {{"options.path", &request.path, NACOS_NULL_ARGUMENT},
               {"options.method", &request.method, NACOS_CANCELLED}};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    request = good_request();
    *texts[i].field = NULL;
    request_with(auth, request, texts[i].when_null,
                 texts[i].when_null == NACOS_CANCELLED ? "cancelled" : texts[i].name);
    *texts[i].field = NOT_UTF8;
    request_with(auth, request, NACOS_INVALID_UTF8, texts[i].name);
  }

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
  request = good_request();
  request.flags = 0x40;
  request_with(auth, request, NACOS_UNSUPPORTED_OPTION, "options.flags");
}

static void pair_arguments(nacos_auth *auth) {
  nacos_request_options request = good_request();
  struct {
    const char *name;
    const nacos_pair **pairs;
    size_t *count;
  } lists[] = {
      {"options.query", &request.query, &request.query_count},
      {"options.headers", &request.headers, &request.header_count},
      {"options.form", &request.form, &request.form_count},
  };
  for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
    const struct {
      nacos_pair second;
      nacos_status expected;
      const char *words;
    } wrong[] = {
        {NACOS_PAIR(NULL, "v"), NACOS_NULL_ARGUMENT, "[1].name"},
        {NACOS_PAIR("n", NULL), NACOS_NULL_ARGUMENT, "[1].value"},
        {NACOS_PAIR(NOT_UTF8, "v"), NACOS_INVALID_UTF8, "[1].name"},
        {NACOS_PAIR("n", NOT_UTF8), NACOS_INVALID_UTF8, "[1].value"},
    };
    for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
      const nacos_pair pairs[] = {NACOS_PAIR("dataId", "demo"), wrong[j].second};
      char words[64];
      snprintf(words, sizeof(words), "%s%s", lists[i].name, wrong[j].words);
      request = good_request();
      *lists[i].pairs = pairs;
      *lists[i].count = 2;
      request_with(auth, request, wrong[j].expected, words);
    }
    request = good_request();
    *lists[i].count = 1; /* NULL with a count */
    request_with(auth, request, NACOS_NULL_ARGUMENT, lists[i].name);
    *lists[i].pairs = &(nacos_pair)NACOS_PAIR("n", "v");
    *lists[i].count = SIZE_MAX;
    request_with(auth, request, NACOS_INVALID_ARGUMENT, lists[i].name);
    *lists[i].count = 0; /* pairs with a count of 0: none */
    request_with(auth, request, NACOS_CANCELLED, "cancelled");
  }

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

static void request_sizes(nacos_auth *auth) {
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    grown in = {.known.request = good_request()};
    in.known.struct_size = sizes[i].known ? sizes[i].given : sizeof(nacos_request_options) + sizes[i].given;
    memset((unsigned char *)&in + sizeof(nacos_request_options), sizes[i].later, sizeof(in.later));
    nacos_response *response = NULL;
    const int right = sizes[i].expected == NACOS_OK;
    CHECK_CALL(right ? NACOS_CANCELLED : sizes[i].expected, right ? "cancelled" : "options",
               nacos_request(auth, &in.known.request, &response, &error));
  }
}

static void other_arguments(nacos_auth *auth) {
  CHECK_CALL(NACOS_NULL_ARGUMENT, "auth", nacos_auth_set_credentials(NULL, "u", "p", &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "username", nacos_auth_set_credentials(auth, NULL, "p", &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "password", nacos_auth_set_credentials(auth, "u", NULL, &error));
  CHECK_CALL(NACOS_INVALID_UTF8, "username", nacos_auth_set_credentials(auth, NOT_UTF8, "p", &error));
  CHECK_CALL(NACOS_INVALID_UTF8, "password", nacos_auth_set_credentials(auth, "u", NOT_UTF8, &error));
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "username", nacos_auth_set_credentials(auth, "", "p", &error));
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "password", nacos_auth_set_credentials(auth, "u", "", &error));

  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  CHECK_CALL(NACOS_NULL_ARGUMENT, "auth", nacos_auth_stats(NULL, &statistics, &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "statistics", nacos_auth_stats(auth, NULL, &error));
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    grown out = {.known.statistics = nacos_auth_statistics_default()};
    const size_t own = sizeof(nacos_auth_statistics);
    out.known.struct_size = sizes[i].known ? sizes[i].given : own + sizes[i].given;
    memset((unsigned char *)&out + own, 0xAA, sizeof(out.later));
    const int wrong = sizes[i].expected == NACOS_INVALID_ARGUMENT;
    CHECK_CALL(wrong ? NACOS_INVALID_ARGUMENT : NACOS_OK, wrong ? "statistics" : NULL,
               nacos_auth_stats(auth, &out.known.statistics, &error));
    /* Inside the caller's size everything is defined, outside nothing is touched. */
    CHECK(((unsigned char *)&out)[own] == (wrong || sizes[i].given == 0 ? 0xAA : 0));
  }
  statistics.struct_size = offsetof(nacos_auth_statistics, requests);
  statistics.requests = 77;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_stats(auth, &statistics, &error));
  CHECK(statistics.requests == 77 && statistics.struct_size == offsetof(nacos_auth_statistics, requests));
}

/* Functions without a status take NULL, as do those that free. */
static void nulls(void) {
  size_t length = 9;
  const char *name = "x", *value = "x";
  nacos_auth_close(NULL, 0, NULL);
  nacos_auth_free(NULL);
  nacos_error_free(NULL);
  nacos_cancel_trigger(NULL);
  nacos_cancel_free(NULL);
  nacos_response_free(NULL);
  CHECK(nacos_auth_generation(NULL) == 0 && nacos_auth_generation_pointer(NULL) == NULL);
  CHECK(nacos_response_status(NULL) == 0);
  CHECK(nacos_response_body(NULL, &length) == NULL && length == 0);
  CHECK(nacos_response_body(NULL, NULL) == NULL);
  CHECK(nacos_response_header_count(NULL) == 0);
  CHECK(nacos_response_header_at(NULL, 0, &name, &value, NULL) == NACOS_NULL_ARGUMENT && name == NULL && value == NULL);
  CHECK(nacos_response_header_at(NULL, 0, NULL, NULL, NULL) == NACOS_NULL_ARGUMENT);
  CHECK(nacos_response_header(NULL, "x") == NULL);
  CHECK(nacos_response_header(NULL, NULL) == NULL);
  CHECK(nacos_response_generation(NULL) == 0);
  CHECK(nacos_response_replays(NULL) == 0);
  CHECK(nacos_error_status(NULL) == NACOS_NULL_ARGUMENT);
  CHECK(strcmp(nacos_error_message(NULL), "") == 0);
  CHECK(nacos_error_http_status(NULL) == 0);
  CHECK(nacos_error_is_retryable(NULL) == 0);
  CHECK(nacos_error_retry_after_ms(NULL) == 0);
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
  nulls();
  statuses();
  init_arguments();
  init_settings();
  init_sizes();
  nacos_auth_options options = good_options();
  nacos_auth *auth = NULL;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &auth, &error));
  token_arguments(auth);
  request_arguments(auth);
  pair_arguments(auth);
  body_arguments(auth);
  request_sizes(auth);
  other_arguments(auth);
  nacos_auth_free(auth);
  nacos_cancel_free(cancel);
  return finish();
}
