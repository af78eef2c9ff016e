/* What needs a server that lets nacos/nacos in: NACOS_SERVER_ADDR. */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"

static const char *server;

static nacos_auth *client_that_tells(nacos_event_callback event) {
  nacos_auth *auth = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  char username[] = "nacos", password[] = "nacos", address[64];
  snprintf(address, sizeof(address), "%s", server);
  options.server_addr = address;
  options.username = username;
  options.password = password;
  options.event = event;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &auth, &error));
  /* The options are copied: the caller may wipe its own. */
  memset(username, 'x', sizeof(username) - 1);
  memset(password, 'x', sizeof(password) - 1);
  memset(address, 'x', sizeof(address) - 1);
  return auth;
}

static nacos_auth *client(void) { return client_that_tells(NULL); }

static void buffers(nacos_auth *auth) {
  char token[2048], other[2048];
  nacos_token_info info = nacos_token_info_default();
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), &info, &error));
  const size_t length = info.length;
  CHECK(length > 0 && strlen(token) == length);
  CHECK(info.generation != 0 && info.remaining_ms > 0 && info.expired == 0 && info.reserved0 == 0);

  info = nacos_token_info_default();
  CHECK_CALL(NACOS_BUFFER_TOO_SMALL, "buffer", nacos_get_token(auth, NULL, NULL, 0, &info, &error));
  CHECK(info.length == length && info.generation != 0);
  memset(other, 'x', sizeof(other));
  CHECK_CALL(NACOS_BUFFER_TOO_SMALL, "buffer", nacos_get_token(auth, NULL, other, length, &info, &error));
  CHECK(info.length == length && other[0] == '\0' && other[length] == 'x'); /* nothing of the token, nothing beyond */
  CHECK_CALL(NACOS_BUFFER_TOO_SMALL, "buffer", nacos_get_token(auth, NULL, other, 1, NULL, &error));
  memset(other, 'x', sizeof(other));
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, other, length + 1, &info, &error));
  CHECK(strcmp(other, token) == 0 && other[length + 1] == 'x');
  CHECK(nacos_get_token(auth, NULL, other, 1, NULL, NULL) == NACOS_BUFFER_TOO_SMALL);

  /* An older caller's info, and a newer one's; a program of the baseline (abi.sh) may have a library that knows more.
   */
#ifndef NACOS_AUTH_BASELINE
  struct {
    nacos_token_info known;
    unsigned char later[16];
  } grown = {nacos_token_info_default(), {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}};
  grown.known.struct_size = sizeof(grown);
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, other, sizeof(other), &grown.known, &error));
  CHECK(grown.known.length == length && grown.later[0] == 0 && grown.later[15] == 0);
#endif
  info = nacos_token_info_default();
  info.struct_size = offsetof(nacos_token_info, generation);
  info.generation = 77;
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, other, sizeof(other), &info, &error));
  CHECK(info.length == length && info.generation == 77);
}

static int32_t advice_on(nacos_auth *auth, uint64_t generation, int32_t http_status, const char *body) {
  nacos_rejection rejection = nacos_rejection_default();
  nacos_advice advice = nacos_advice_default();
  rejection.generation = generation;
  rejection.http_status = http_status;
  rejection.body = (const uint8_t *)body;
  rejection.body_len = strlen(body);
  advice.advice = 9;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_report_rejected(auth, &rejection, &advice, &error));
  return advice.advice;
}

static void generation_word(nacos_auth *auth) {
  char token[2048];
  nacos_token_info info = nacos_token_info_default();
  const uint64_t *word = nacos_auth_generation_pointer(auth);
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), &info, &error));
  CHECK(__atomic_load_n(word, __ATOMIC_ACQUIRE) == info.generation);
  CHECK(nacos_auth_generation(auth) == info.generation);

  const char refused[] = "{\"status\":403,\"error\":\"Forbidden\",\"message\":\"token invalid!\"}";
  CHECK(advice_on(auth, info.generation, 200, "x") == NACOS_ADVICE_RETURN);
  CHECK(__atomic_load_n(word, __ATOMIC_ACQUIRE) == info.generation);
  CHECK(advice_on(auth, info.generation, 403, refused) == NACOS_ADVICE_REPLAY);
  CHECK(__atomic_load_n(word, __ATOMIC_ACQUIRE) != info.generation);
  const uint64_t before = info.generation;
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), &info, &error));
  CHECK(info.generation > before && __atomic_load_n(word, __ATOMIC_ACQUIRE) == info.generation);

  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(auth, "poor", "poor", &error));
  CHECK(__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(auth, "nacos", "wrong-password", &error));
  CHECK_CALL(NACOS_BAD_CREDENTIALS, server, nacos_get_token(auth, NULL, token, sizeof(token), &info, &error));
  CHECK(info.length == 0 && info.generation == 0 && token[0] == '\0');
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(auth, "nacos", "nacos", &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), &info, &error));
  CHECK(__atomic_load_n(word, __ATOMIC_ACQUIRE) == info.generation);
}

static nacos_response *send(nacos_auth *auth, const nacos_request_options *request) {
  nacos_response *response = NULL;
  CHECK_CALL(NACOS_OK, NULL, nacos_request(auth, request, &response, &error));
  return response;
}

static void requests(nacos_auth *auth) {
  const char content[] = "a=1&b=\xc3\xa9\n\"quoted\"";
  const nacos_pair form[] = {NACOS_PAIR("dataId", "c-test"), NACOS_PAIR("group", "DEFAULT_GROUP"),
                             NACOS_PAIR("content", content)};
  nacos_request_options publish = nacos_request_options_default();
  publish.method = "POST";
  publish.path = "/v1/cs/configs";
  publish.form = form;
  publish.form_count = 3;
  nacos_response *response = send(auth, &publish);
  CHECK(nacos_response_status(response) == 200);
  nacos_response_free(response);

  const nacos_pair headers[] = {NACOS_PAIR("X-Test", "1"), NACOS_PAIR("X-Test", "2")};
  nacos_request_options get = nacos_request_options_default();
  get.path = "/v1/cs/configs";
  get.query = form;
  get.query_count = 2;
  get.headers = headers;
  get.header_count = 2;
  response = send(auth, &get);
  CHECK(nacos_response_status(response) == 200);
  size_t length = 0;
  const uint8_t *body = nacos_response_body(response, &length);
  CHECK(length == sizeof(content) - 1 && memcmp(body, content, length) == 0);
  CHECK(nacos_response_generation(response) == nacos_auth_generation(auth));
  CHECK(nacos_response_replays(response) == 0);
  const size_t count = nacos_response_header_count(response);
  const char *name = NULL, *value = NULL;
  CHECK(count > 0 && nacos_response_header_at(response, 0, &name, &value, NULL) == NACOS_OK && name != NULL &&
        value != NULL);
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "headers", nacos_response_header_at(response, count, &name, &value, &error));
  CHECK(name == NULL && value == NULL);
  CHECK_CALL(NACOS_NULL_ARGUMENT, "name", nacos_response_header_at(response, 0, NULL, &value, &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "value", nacos_response_header_at(response, 0, &name, NULL, &error));
  const char *type = nacos_response_header(response, "CONTENT-type");
  CHECK(type != NULL && type == nacos_response_header(response, "content-type"));
  CHECK(nacos_response_header(response, "x-absent") == NULL);
  CHECK(nacos_response_header(response, NULL) == NULL);
  nacos_response_free(response);

  /* A query in the path, and one by pairs, together. */
  get.path = "/v1/cs/configs?dataId=c-test";
  get.query = &form[1];
  get.query_count = 1;
  response = send(auth, &get);
  CHECK(nacos_response_status(response) == 200);
  nacos_response_free(response);

  /* An HTTP status is no error, and a body is never NULL. */
  get.path = "/v1/cs/configs?dataId=c-test-absent";
  response = send(auth, &get);
  CHECK(nacos_response_status(response) == 404);
  CHECK(nacos_response_body(response, NULL) != NULL);
  nacos_response_free(response);

  /* Nor does that of an empty one point nowhere: runtimes that look at pointers end the process for that. */
  get.method = "HEAD";
  response = send(auth, &get);
  body = nacos_response_body(response, &length);
  CHECK(length == 0 && (uintptr_t)body >= 4096);
  nacos_response_free(response);
}

static void versions_and_errors(nacos_auth *auth) {
  char token[8];
  nacos_error *error = NULL;
  CHECK(nacos_auth_abi_version() == NACOS_AUTH_ABI_VERSION && nacos_auth_version()[0] != '\0');
  CHECK(strcmp(nacos_status_name(NACOS_TIMEOUT), "TIMEOUT") == 0 && nacos_status_message(NACOS_TIMEOUT)[0] != '\0');
  CHECK(nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error) == NACOS_BUFFER_TOO_SMALL);
  CHECK(nacos_error_status(error) == NACOS_BUFFER_TOO_SMALL && strstr(nacos_error_message(error), "buffer") != NULL);
  CHECK(nacos_error_http_status(error) == 0 && nacos_error_is_retryable(error) == 0);
  CHECK(nacos_error_retry_after_ms(error) == 0);
  nacos_error_free(error);
}

enum { THREADS = 8, EACH = 200 };

static void *many_tokens(void *auth) {
  char token[2048];
  nacos_token_info info = nacos_token_info_default();
  for (int i = 0; i < EACH; i++)
    if (nacos_get_token(auth, NULL, token, sizeof(token), &info, NULL) != NACOS_OK || strlen(token) != info.length)
      return auth;
  return NULL;
}

static void threads_share_a_login(void) {
  nacos_auth *auth = client();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, many_tokens, auth);
  for (int i = 0; i < THREADS; i++) {
    void *result = auth;
    pthread_join(threads[i], &result);
    CHECK(result == NULL);
  }
  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_stats(auth, &statistics, &error));
  CHECK(statistics.logins <= 1 && statistics.login_failures == 0);
  CHECK(statistics.generation == nacos_auth_generation(auth));
  const uint64_t *word = nacos_auth_generation_pointer(auth);
  nacos_auth_close(auth, 0, NULL);
  CHECK(__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0); /* a kept copy may not be used any more */
  nacos_auth_free(auth);
}

static int threads(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  for (const struct dirent *task; (task = readdir(tasks)) != NULL;) count += task->d_name[0] != '.';
  closedir(tasks);
  return count;
}

static void nothing(void *data, const nacos_event *event) {
  (void)data;
  (void)event;
}

/* A program that ends right after its last nacos_auth_free has no thread of the library then. */
static void threads_end_with_the_last_handle(void) {
  const int before = threads();
  int late = 0;
  for (int i = 0; i < 20; i++) {
    char token[2048];
    nacos_auth *auth = client_that_tells(nothing);
    CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error));
    CHECK(threads() > before);
    nacos_auth_free(auth);
    /* It waits 100 ms for them, which a busy machine may take to wake a thread. */
    late += threads() != before;
    for (int turn = 0; turn < 5000 && threads() != before; turn++) nanosleep(&(struct timespec){0, 1000000}, NULL);
    CHECK(threads() == before);
  }
  CHECK(late <= 4);
}

int main(void) {
  server = getenv("NACOS_SERVER_ADDR");
  if (server == NULL) {
    puts("NACOS_SERVER_ADDR is not set");
    return 2;
  }
  threads_share_a_login();
  nacos_auth *auth = client();
  buffers(auth);
  requests(auth);
  versions_and_errors(auth);
  generation_word(auth);
  nacos_auth_free(auth);
  threads_end_with_the_last_handle();
  return finish();
}
