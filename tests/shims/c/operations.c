/* The operations, through the C interface alone. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "shim.h"

/* The handles, by the suite's names. Changed by init and free only, which run on the main thread. */
static struct handle {
  char *name;
  nacos_auth *auth;
  struct handle *next;
} * handles;

nacos_auth *handle_of(const cJSON *line) {
  for (const struct handle *handle = handles; handle != NULL; handle = handle->next)
    if (strcmp(handle->name, text_of(line, "auth")) == 0) return handle->auth;
  return NULL;
}

void *allocate(size_t size) {
  void *memory = malloc(size != 0 ? size : 1);
  if (memory == NULL) abort();
  return memory;
}

uint32_t milliseconds(const cJSON *line, const char *field) {
  const uint64_t value = number_of(line, field);
  return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

outcome success(void) {
  outcome done = {cJSON_CreateObject(), NULL, 0, 0};
  cJSON_AddTrueToObject(done.answer, "ok");
  return done;
}

static outcome failure(const char *status, const char *message) {
  outcome failed = {cJSON_CreateObject(), status, 0, 0};
  cJSON_AddFalseToObject(failed.answer, "ok");
  cJSON_AddStringToObject(failed.answer, "status", status);
  cJSON_AddStringToObject(failed.answer, "message", message);
  return failed;
}

outcome shim_failure(const char *format, ...) {
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  return failure("SHIM", message);
}

/* Frees the error. */
static outcome library_failure(nacos_status status, nacos_error *error) {
  outcome failed = failure(nacos_status_name(status), nacos_error_message(error));
  cJSON_AddNumberToObject(failed.answer, "http_status", nacos_error_http_status(error));
  cJSON_AddBoolToObject(failed.answer, "retryable", nacos_error_is_retryable(error));
  cJSON_AddNumberToObject(failed.answer, "retry_after_ms", (double)nacos_error_retry_after_ms(error));
  nacos_error_free(error);
  return failed;
}

static outcome hello(void) {
  outcome done = success();
  cJSON_AddStringToObject(done.answer, "language", shim_language);
  cJSON_AddStringToObject(done.answer, "version", nacos_auth_version());
  cJSON_AddNumberToObject(done.answer, "abi", nacos_auth_abi_version());
  return done;
}

static outcome init(const cJSON *line) {
  static const char *const carriages[] = {"", "bearer", "header", "query"}; /* by NACOS_TOKEN_IN_* */
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = text_of(line, "server_addr");
  options.username = text_of(line, "username");
  options.password = text_of(line, "password");
  options.context_path = text_of(line, "context_path");
  options.ca_file = text_of(line, "ca_file");
  options.client_cert_file = text_of(line, "client_cert_file");
  options.client_key_file = text_of(line, "client_key_file");
  options.proxy = text_of(line, "proxy");
  options.connect_timeout_ms = milliseconds(line, "connect_timeout_ms");
  options.request_timeout_ms = milliseconds(line, "request_timeout_ms");
  const char *carriage = text_of(line, "carriage");
  while (carriage != NULL && strcmp(carriage, carriages[options.token_in]) != 0)
    if (++options.token_in == 4) return shim_failure("unknown carriage");
  if (handle_of(line) != NULL) return shim_failure("handle \"%s\" is in use", text_of(line, "auth"));

  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  const nacos_status status = nacos_auth_init(&options, &auth, &error);
  if (status != NACOS_OK) return library_failure(status, error);
  struct handle *handle = allocate(sizeof(*handle));
  *handle = (struct handle){strdup(text_of(line, "auth")), auth, handles};
  handles = handle;
  return success();
}

static outcome forget(const cJSON *line) {
  struct handle **link = &handles;
  while (strcmp((*link)->name, text_of(line, "auth")) != 0) link = &(*link)->next;
  struct handle *gone = *link;
  *link = gone->next;
  nacos_auth_free(gone->auth);
  free(gone->name);
  free(gone);
  return success();
}

outcome token_outcome(const cJSON *line, nacos_status status, const char *token, const nacos_token_info *info,
                      nacos_error *error) {
  if (status != NACOS_OK) return library_failure(status, error);
  outcome done = success();
  done.generation = info->generation;
  cJSON_AddNumberToObject(done.answer, "length", (double)info->length);
  cJSON_AddNumberToObject(done.answer, "generation", (double)info->generation);
  cJSON_AddNumberToObject(done.answer, "remaining_ms", (double)info->remaining_ms);
  cJSON_AddBoolToObject(done.answer, "expired", info->expired != 0);
  if (cJSON_IsTrue(cJSON_GetObjectItem(line, "reveal"))) cJSON_AddStringToObject(done.answer, "token", token);
  return done;
}

/* Free the result. */
static nacos_pair *pairs_of(const cJSON *line, const char *field, size_t *count) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(line, field), *pair;
  nacos_pair *pairs = allocate((size_t)cJSON_GetArraySize(list) * sizeof(nacos_pair));
  *count = 0;
  cJSON_ArrayForEach(pair, list) {
    pairs[(*count)++] = (nacos_pair)NACOS_PAIR(cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0)),
                                               cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1)));
  }
  return pairs;
}

/* As "body" if a JSON string of this library can hold it: UTF-8 without a NUL; else as "body_base64". */
static void add_body(cJSON *answer, const nacos_response *response) {
  size_t length = 0;
  const uint8_t *bytes = nacos_response_body(response, &length);
  char *text = allocate(length * 4 / 3 + 8);
  memcpy(text, bytes, length);
  text[length] = '\0';
  if (strlen(text) == length && mbstowcs(NULL, text, 0) != (size_t)-1) {
    cJSON_AddStringToObject(answer, "body", text);
  } else {
    base64_encode(bytes, length, text);
    cJSON_AddStringToObject(answer, "body_base64", text);
  }
  free(text);
}

static outcome answered(const nacos_response *response) {
  outcome done = success();
  done.http_status = nacos_response_status(response);
  done.generation = nacos_response_generation(response);
  cJSON_AddNumberToObject(done.answer, "http_status", done.http_status);
  cJSON *headers = cJSON_AddArrayToObject(done.answer, "headers");
  for (size_t i = 0; i < nacos_response_header_count(response); i++) {
    const char *pair[2];
    if (nacos_response_header_at(response, i, &pair[0], &pair[1], NULL) == NACOS_OK)
      cJSON_AddItemToArray(headers, cJSON_CreateStringArray(pair, 2));
  }
  add_body(done.answer, response);
  cJSON_AddBoolToObject(done.answer, "replayed", nacos_response_replays(response) != 0);
  return done;
}

outcome response_outcome(nacos_status status, nacos_response *response, nacos_error *error) {
  const outcome done = status == NACOS_OK ? answered(response) : library_failure(status, error);
  nacos_response_free(response);
  return done;
}

int prepare_request(const cJSON *line, prepared_request *made) {
  nacos_request_options options = nacos_request_options_default();
  options.method = text_of(line, "method");
  options.path = text_of(line, "path");
  options.timeout_ms = milliseconds(line, "timeout_ms");
  const char *body = text_of(line, "body"), *coded = text_of(line, "body_base64");
  made->body = NULL;
  if (body != NULL) {
    options.body = (const uint8_t *)body;
    options.body_len = strlen(body);
  } else if (coded != NULL) {
    options.body = made->body = allocate(strlen(coded));
    options.body_len = base64_decode(coded, strlen(coded), made->body);
    if (options.body_len == (size_t)-1) {
      free(made->body);
      return 0;
    }
  }
  options.query = made->query = pairs_of(line, "query", &options.query_count);
  options.headers = made->headers = pairs_of(line, "headers", &options.header_count);
  options.form = made->form = pairs_of(line, "form", &options.form_count);
  made->options = options;
  return 1;
}

void release_request(prepared_request *made) {
  free(made->query);
  free(made->headers);
  free(made->form);
  free(made->body);
}

static outcome report_rejected(nacos_auth *auth, const cJSON *line) {
  static const char *const advices[] = {"return", "replay", "replay_if_idempotent"};
  const uint64_t given = number_of(line, "http_status");
  const int32_t http_status = given < INT32_MAX ? (int32_t)given : INT32_MAX;
  const char *body = text_of(line, "body");
  nacos_rejection rejection = nacos_rejection_default();
  nacos_advice advice = nacos_advice_default();
  nacos_error *error = NULL;
  rejection.generation = number_of(line, "generation");
  rejection.http_status = http_status;
  rejection.body = (const uint8_t *)body;
  rejection.body_len = strlen(body);
  const nacos_status status = nacos_auth_report_rejected(auth, &rejection, &advice, &error);
  if (status != NACOS_OK) return library_failure(status, error);
  outcome done = success();
  cJSON_AddStringToObject(done.answer, "advice", advices[advice.advice]);
  return done;
}

static outcome set_credentials(nacos_auth *auth, const cJSON *line) {
  nacos_error *error = NULL;
  const nacos_status status =
      nacos_auth_set_credentials(auth, text_of(line, "username"), text_of(line, "password"), &error);
  return status == NACOS_OK ? success() : library_failure(status, error);
}

static outcome stats(nacos_auth *auth) {
  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  nacos_error *error = NULL;
  const nacos_status status = nacos_auth_stats(auth, &statistics, &error);
  if (status != NACOS_OK) return library_failure(status, error);
  outcome done = success();
  cJSON_AddNumberToObject(done.answer, "logins", (double)statistics.logins);
  cJSON_AddNumberToObject(done.answer, "login_failures", (double)statistics.login_failures);
  cJSON_AddNumberToObject(done.answer, "requests", (double)statistics.requests);
  cJSON_AddNumberToObject(done.answer, "replays", (double)statistics.replays);
  cJSON_AddNumberToObject(done.answer, "rejections", (double)statistics.rejections);
  cJSON_AddNumberToObject(done.answer, "rejections_permission", (double)statistics.rejections_permission);
  cJSON_AddNumberToObject(done.answer, "waits", (double)statistics.waits);
  cJSON_AddNumberToObject(done.answer, "generation", (double)statistics.generation);
  cJSON_AddNumberToObject(done.answer, "remaining_ms", (double)statistics.remaining_ms);
  cJSON_AddNumberToObject(done.answer, "token_state", statistics.token_state);
  cJSON_AddNumberToObject(done.answer, "refresh_state", statistics.refresh_state);
  return done;
}

const char *unknown_handle(const cJSON *line) {
  const char *op = text_of(line, "op");
  if (text_of(line, "auth") == NULL || strcmp(op, "init") == 0) return NULL;
  return handle_of(line) != NULL ? NULL : "unknown handle";
}

outcome perform(const cJSON *line) {
  const char *op = text_of(line, "op"), *unknown = unknown_handle(line);
  if (unknown != NULL) return shim_failure("%s \"%.100s\"", unknown, text_of(line, "auth"));
  if (strcmp(op, "hello") == 0) return hello();
  if (strcmp(op, "init") == 0) return init(line);
  if (strcmp(op, "free") == 0) return forget(line);
  if (strcmp(op, "parallel") == 0 || strcmp(op, "loop") == 0) return perform_many(line);
  nacos_auth *auth = handle_of(line);
  if (strcmp(op, "get_token") == 0) return get_token(auth, line);
  if (strcmp(op, "request") == 0) return request(auth, line);
  if (strcmp(op, "report_rejected") == 0) return report_rejected(auth, line);
  if (strcmp(op, "set_credentials") == 0) return set_credentials(auth, line);
  if (strcmp(op, "stats") == 0) return stats(auth);
  nacos_error *error = NULL;
  const nacos_status status = nacos_auth_close(auth, 0, &error);
  return status == NACOS_OK ? success() : library_failure(status, error);
}
