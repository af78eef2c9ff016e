/* Every function that the library exports, with everything that a careless or hostile caller may pass: what is expected
 * is a status that fits, a message that names the argument, outputs that are empty, and never a crash.
 *
 * The arguments are the names of the functions that the library exports: one without a row in the tables fails.
 * NACOS_SERVER_ADDR is a server that lets nacos/nacos in. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "check.h"
#include "devserver.h"

#define NOT_UTF8 "caf\xe9"
#define SECRET "secret-of-the-test"
#define LINES "a\r\nX-Evil: b"
#define ONE_SLASH "/a\r\nX-Evil: b"

enum { HUGE_LENGTH = 1 << 20, LARGEST_STRUCT = 4096, ROOM = 8192, PARAMETERS = 5, FIELDS = 24 };

/* What all calls are made with. */
static nacos_auth *opened, *closed, *changed; /* without a token; closed; whose credentials change */
static nacos_cancel *triggered;               /* a call whose arguments are right ends at once */
static nacos_response *answer;
static nacos_diagnosis *diagnosis; /* of a server that is not there */
static nacos_queue *empty;         /* no operation is started to it */
static nacos_token *got;
static char *huge; /* "/aaa…" */

/* What one call gets. */
typedef union {
  void *p;
  const char *text;
  size_t number;
} slot;

/* A string in a struct, and what comes of it when it is missing, has a line break, is too long. */
typedef struct {
  const char *name;
  size_t offset;
  nacos_status if_null, if_broken, if_huge;
  int without; /* what of the struct excludes it */
} text_field;

/* A number in a struct that is none of those known. */
typedef struct {
  const char *name;
  size_t offset;
  uint32_t value;
  nacos_status expected;
} number_field;

typedef struct {
  enum { NOTHING, OBJECT, TEXT, STRUCT_IN, STRUCT_OUT, RESULT, OPTIONAL_RESULT, BYTES, NUMBER } kind;
  const char *name; /* as messages have it */
  nacos_status if_null;
  nacos_status if_broken, if_huge; /* of TEXT */
  size_t size;                     /* of a struct */
  const text_field *texts;
  const number_field *numbers;
} parameter;

typedef struct {
  const char *function;
  nacos_status (*call)(const slot *a, nacos_error **error);
  void (*fill)(slot *a);
  nacos_status expected, if_closed;
  parameter parameters[PARAMETERS];
} row;

/* Structs live in more memory than they need: a size may lie. */
static __thread union {
  size_t struct_size;
  unsigned char bytes[ROOM];
} memory[PARAMETERS];
static __thread void *results[PARAMETERS];
static __thread char buffer[64];
static __thread nacos_credentials *credentials; /* inside a credentials callback only */

static void *in_memory(int place, const void *value, size_t size) {
  memset(&memory[place], 0, sizeof(memory[place]));
  memcpy(&memory[place], value, size);
  return &memory[place];
}

enum { PASSWORD = 1, USERNAME = 2 };

/* nacos_auth_init */
static nacos_status call_init(const slot *a, nacos_error **error) {
  const nacos_status status = nacos_auth_init(a[0].p, a[1].p, error);
  if (status == NACOS_OK) nacos_auth_free(results[1]);
  return status;
}
static void fill_init(slot *a) {
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = "127.0.0.1:1";
  options.username = "nacos";
  options.password = SECRET;
  a[0].p = in_memory(0, &options, sizeof(options));
  a[1].p = &results[1];
}
#define OPTION(field) #field, offsetof(nacos_auth_options, field)
static const text_field option_texts[] = {
    {OPTION(server_addr), NACOS_NULL_ARGUMENT, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(context_path), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(username), NACOS_NULL_ARGUMENT, NACOS_INVALID_CONFIG, NACOS_OK, 0},
    {OPTION(password), NACOS_NULL_ARGUMENT, NACOS_OK, NACOS_OK, 0}, /* goes percent-encoded into a form */
    {OPTION(password_file), NACOS_NULL_ARGUMENT, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, PASSWORD},
    {OPTION(token), NACOS_NULL_ARGUMENT, NACOS_INVALID_CONFIG, NACOS_OK, PASSWORD | USERNAME},
    {OPTION(ca_file), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(client_cert_file), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(client_key_file), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(ca_pem), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(client_cert_pem), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(client_key_pem), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(tls_server_name), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(proxy), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_INVALID_CONFIG, 0},
    {OPTION(user_agent), NACOS_OK, NACOS_INVALID_CONFIG, NACOS_OK, 0},
    {NULL, 0, 0, 0, 0, 0},
};
static const number_field option_numbers[] = {
    {OPTION(token_in), 4, NACOS_INVALID_CONFIG},
    {OPTION(token_in), UINT32_MAX, NACOS_INVALID_CONFIG},
    {OPTION(anonymous), 2, NACOS_INVALID_CONFIG},
    {OPTION(anonymous), UINT32_MAX, NACOS_INVALID_CONFIG},
    {OPTION(log_level), 5, NACOS_INVALID_CONFIG},
    {OPTION(log_level), UINT32_MAX, NACOS_INVALID_CONFIG},
    {OPTION(connect_timeout_ms), UINT32_MAX, NACOS_OK},
    {OPTION(request_timeout_ms), UINT32_MAX, NACOS_OK},
    {OPTION(max_connections), UINT32_MAX, NACOS_OK},
    {OPTION(max_response_size), UINT32_MAX, NACOS_OK},
    {OPTION(max_operations), UINT32_MAX, NACOS_OK},
    /* As one that an older library does not know. */
    {"field", offsetof(nacos_auth_options, reserved0), 1, NACOS_UNSUPPORTED_OPTION},
    {"field", offsetof(nacos_auth_options, reserved0), UINT32_MAX, NACOS_UNSUPPORTED_OPTION},
    {NULL, 0, 0, 0},
};

/* nacos_get_token */
static nacos_status call_get_token(const slot *a, nacos_error **error) {
  return nacos_get_token(a[0].p, a[1].p, a[2].p, a[3].number, a[4].p, error);
}
static void fill_get_token(slot *a) {
  nacos_call_options options = nacos_call_options_default();
  const nacos_token_info info = nacos_token_info_default();
  options.cancel = triggered;
  a[0].p = opened;
  a[1].p = in_memory(1, &options, sizeof(options));
  a[2].p = buffer;
  a[3].number = sizeof(buffer);
  a[4].p = in_memory(4, &info, sizeof(info));
}
#define CALL_OPTION(field) "options." #field, offsetof(nacos_call_options, field)
static const number_field call_numbers[] = {
    {CALL_OPTION(flags), NACOS_FLAG_NO_WAIT, NACOS_CANCELLED},
    {CALL_OPTION(flags), NACOS_FLAG_NO_REPLAY, NACOS_INVALID_ARGUMENT},
    {CALL_OPTION(flags), NACOS_FLAG_IDEMPOTENT, NACOS_INVALID_ARGUMENT},
    {CALL_OPTION(flags), 64, NACOS_UNSUPPORTED_OPTION},
    {CALL_OPTION(flags), UINT32_MAX, NACOS_UNSUPPORTED_OPTION},
    {CALL_OPTION(timeout_ms), UINT32_MAX, NACOS_CANCELLED},
    {NULL, 0, 0, 0},
};

/* nacos_request */
static nacos_status call_request(const slot *a, nacos_error **error) {
  return nacos_request(a[0].p, a[1].p, a[2].p, error);
}
static void fill_request(slot *a) {
  nacos_request_options options = nacos_request_options_default();
  options.path = "/v1/cs/configs";
  options.cancel = triggered;
  a[0].p = opened;
  a[1].p = in_memory(1, &options, sizeof(options));
  a[2].p = &results[2];
}
#define REQUEST(field) "options." #field, offsetof(nacos_request_options, field)
static const text_field request_texts[] = {
    {"method", offsetof(nacos_request_options, method), NACOS_CANCELLED, NACOS_INVALID_ARGUMENT, NACOS_INVALID_ARGUMENT,
     0},
    {"path", offsetof(nacos_request_options, path), NACOS_NULL_ARGUMENT, NACOS_INVALID_ARGUMENT, NACOS_CANCELLED, 0},
    {NULL, 0, 0, 0, 0, 0},
};
static const number_field request_numbers[] = {
    {REQUEST(flags), NACOS_FLAG_NO_WAIT | NACOS_FLAG_NO_REPLAY | NACOS_FLAG_NO_FAILOVER | NACOS_FLAG_NO_ANONYMOUS,
     NACOS_CANCELLED},
    {REQUEST(flags), NACOS_FLAG_IDEMPOTENT, NACOS_CANCELLED},
    {REQUEST(flags), NACOS_FLAG_IDEMPOTENT | NACOS_FLAG_NOT_IDEMPOTENT, NACOS_INVALID_ARGUMENT},
    {REQUEST(flags), 64, NACOS_UNSUPPORTED_OPTION},
    {REQUEST(flags), UINT32_MAX, NACOS_UNSUPPORTED_OPTION},
    {REQUEST(timeout_ms), UINT32_MAX, NACOS_CANCELLED},
    /* A count, and no pairs or bytes. */
    {REQUEST(query_count), 1, NACOS_NULL_ARGUMENT},
    {REQUEST(header_count), UINT32_MAX, NACOS_NULL_ARGUMENT},
    {REQUEST(form_count), 1, NACOS_NULL_ARGUMENT},
    {REQUEST(body_len), 1, NACOS_NULL_ARGUMENT},
    {NULL, 0, 0, 0},
};

/* nacos_request_start, nacos_token_start: what an operation ends with is taken for what the call comes to, so that what
 * holds for the calls that wait holds here too. */
static nacos_status end_of(nacos_queue *queue, nacos_operation *operation, nacos_error **error) {
  nacos_completion completion = nacos_completion_default();
  struct pollfd ready = {nacos_queue_fd(queue), POLLIN, 0};
  const int has_ended = poll(&ready, 1, 120000) == 1 && nacos_queue_next(queue, &completion, NULL) == NACOS_OK;
  nacos_completion other = nacos_completion_default();
  const int again = nacos_queue_next(queue, &other, NULL) == NACOS_OK;
  nacos_operation_cancel(operation);
  nacos_operation_free(operation);
  nacos_response_free(completion.response);
  nacos_token_free(completion.token);
  if (error != NULL) *error = completion.error;
  if (error == NULL) nacos_error_free(completion.error);
  return has_ended && !again && completion.data == &opened ? completion.status : NACOS_PANIC;
}
static nacos_status call_start(const slot *a, int is_request, nacos_error **error) {
  nacos_queue *queue = NULL;
  if (nacos_queue_new(&queue, NULL) != NACOS_OK) return NACOS_PANIC;
  /* Beyond the size that the struct says it has, nobody looks. */
  if (a[2].p != NULL) memcpy((char *)a[2].p + offsetof(nacos_start_options, queue), &queue, sizeof(queue));
  nacos_status status = is_request ? nacos_request_start(a[0].p, a[1].p, a[2].p, a[3].p, error)
                                   : nacos_token_start(a[0].p, a[1].p, a[2].p, a[3].p, error);
  if (status == NACOS_OK) {
    status = end_of(queue, a[3].p != NULL ? results[3] : NULL, error);
    results[3] = NULL;
  }
  nacos_queue_free(queue);
  return status;
}
static void fill_start(slot *a) {
  nacos_start_options start = nacos_start_options_default();
  start.data = &opened;
  a[2].p = in_memory(2, &start, sizeof(start));
  a[3].p = &results[3];
}
static nacos_status call_request_start(const slot *a, nacos_error **error) { return call_start(a, 1, error); }
static void fill_request_start(slot *a) {
  fill_request(a);
  fill_start(a);
}
static nacos_status call_token_start(const slot *a, nacos_error **error) { return call_start(a, 0, error); }
static void fill_token_start(slot *a) {
  fill_get_token(a);
  fill_start(a);
  a[4].p = NULL;
}

static nacos_status call_queue_new(const slot *a, nacos_error **error) {
  const nacos_status status = nacos_queue_new(a[0].p, error);
  if (status == NACOS_OK) nacos_queue_free(results[0]);
  return status;
}
static void fill_queue_new(slot *a) { a[0].p = &results[0]; }
static nacos_status call_queue_next(const slot *a, nacos_error **error) {
  return nacos_queue_next(a[0].p, a[1].p, error);
}
static void fill_queue_next(slot *a) {
  const nacos_completion completion = nacos_completion_default();
  a[0].p = empty;
  a[1].p = in_memory(1, &completion, sizeof(completion));
}
static nacos_status call_describe(const slot *a, nacos_error **error) {
  return nacos_token_describe(a[0].p, a[1].p, error);
}
static void fill_describe(slot *a) {
  const nacos_token_info info = nacos_token_info_default();
  a[0].p = got;
  a[1].p = in_memory(1, &info, sizeof(info));
}

/* nacos_auth_report_rejected */
static nacos_status call_report(const slot *a, nacos_error **error) {
  return nacos_auth_report_rejected(a[0].p, a[1].p, a[2].p, error);
}
static void fill_report(slot *a) {
  nacos_rejection rejection = nacos_rejection_default();
  const nacos_advice advice = nacos_advice_default();
  rejection.generation = 1;
  rejection.http_status = 200;
  rejection.body = (const uint8_t *)NOT_UTF8;
  rejection.body_len = 4;
  a[0].p = opened;
  a[1].p = in_memory(1, &rejection, sizeof(rejection));
  a[2].p = in_memory(2, &advice, sizeof(advice));
}
#define REJECTION(field) "rejection." #field, offsetof(nacos_rejection, field)
static const text_field rejection_texts[] = {
    /* Neither goes anywhere: what is no server's address is one that is not known, and no time is no time. */
    {REJECTION(server), NACOS_OK, NACOS_OK, NACOS_OK, 0},
    {REJECTION(retry_after), NACOS_OK, NACOS_OK, NACOS_OK, 0},
    {NULL, 0, 0, 0, 0, 0},
};
static const number_field rejection_numbers[] = {
    {REJECTION(http_status), 0, NACOS_INVALID_ARGUMENT},
    {REJECTION(http_status), 99, NACOS_INVALID_ARGUMENT},
    {REJECTION(http_status), 1000, NACOS_INVALID_ARGUMENT},
    {REJECTION(http_status), 65536 + 200, NACOS_INVALID_ARGUMENT},
    {REJECTION(http_status), INT32_MAX, NACOS_INVALID_ARGUMENT},
    {REJECTION(http_status), (uint32_t)INT32_MIN, NACOS_INVALID_ARGUMENT},
    {REJECTION(http_status), UINT32_MAX, NACOS_INVALID_ARGUMENT},
    {REJECTION(refused_before), UINT32_MAX, NACOS_OK},
    {NULL, 0, 0, 0},
};

static nacos_status call_set_credentials(const slot *a, nacos_error **error) {
  return nacos_auth_set_credentials(a[0].p, a[1].text, a[2].text, error);
}
static void fill_set_credentials(slot *a) {
  a[0].p = changed;
  a[1].text = "nacos";
  a[2].text = SECRET;
}

static nacos_status call_set_token(const slot *a, nacos_error **error) {
  return nacos_auth_set_token(a[0].p, a[1].text, a[2].number, error);
}
static void fill_set_token(slot *a) {
  a[0].p = changed;
  a[1].text = SECRET;
  a[2].number = SIZE_MAX;
}

static nacos_status call_stats(const slot *a, nacos_error **error) { return nacos_auth_stats(a[0].p, a[1].p, error); }
static void fill_stats(slot *a) {
  const nacos_auth_statistics statistics = nacos_auth_statistics_default();
  a[0].p = opened;
  a[1].p = in_memory(1, &statistics, sizeof(statistics));
}

/* Nothing may be wrong with the handle, so a reason is none of the call's errors. */
static nacos_status call_health(const slot *a, nacos_error **error) {
  const nacos_status status = nacos_auth_health(a[0].p, a[1].p, a[2].p, error);
  if (status == NACOS_OK && a[2].p != NULL) nacos_error_free(results[2]);
  return status;
}
static void fill_health(slot *a) {
  const nacos_health health = nacos_health_default();
  a[0].p = opened;
  a[1].p = in_memory(1, &health, sizeof(health));
  a[2].p = &results[2];
}

/* nacos_auth_metrics: of an open and a closed handle */
static nacos_status call_metrics(const slot *a, nacos_error **error) {
  const nacos_status status = nacos_auth_metrics(a[0].p, a[1].p, a[2].number, a[3].p, error);
  if (status == NACOS_OK) nacos_metrics_free(results[3]);
  return status;
}
static const char *client_names[] = {"a", "b\n\"\\"};
static void fill_metrics(slot *a) {
  static __thread nacos_auth *auths[2];
  auths[0] = opened;
  auths[1] = closed;
  a[0].p = auths;
  a[1].p = client_names;
  a[2].number = 2;
  a[3].p = &results[3];
}
static void fill_metrics_beyond(slot *a) {
  fill_metrics(a);
  a[2].number = SIZE_MAX;
}
static const char *same_names[] = {"a", "a"};
static void fill_metrics_of_one_name(slot *a) {
  fill_metrics(a);
  a[1].p = same_names;
}
static const char *wrong_names[] = {"a", NOT_UTF8};
static void fill_metrics_not_utf8(slot *a) {
  fill_metrics(a);
  a[1].p = wrong_names;
}

static nacos_status call_retry(const slot *a, nacos_error **error) { return nacos_auth_retry(a[0].p, error); }
static void fill_handle(slot *a) { a[0].p = opened; }

/* Of a closed handle: this one stays open. */
static nacos_status call_close(const slot *a, nacos_error **error) {
  return nacos_auth_close(a[0].p == opened ? closed : a[0].p, UINT32_MAX, error);
}

static nacos_status call_header_at(const slot *a, nacos_error **error) {
  return nacos_response_header_at(a[0].p, a[1].number, a[2].p, a[3].p, error);
}
static void fill_header_at(slot *a) {
  a[0].p = answer;
  a[1].number = 0;
  a[2].p = &results[2];
  a[3].p = &results[3];
}
static void fill_header_beyond(slot *a) {
  fill_header_at(a);
  a[1].number = SIZE_MAX;
}

/* nacos_auth_diagnose: of a server that is not there */
static nacos_status call_diagnose(const slot *a, nacos_error **error) {
  const nacos_status status = nacos_auth_diagnose(a[0].p, a[1].p, a[2].p, error);
  if (status == NACOS_OK) nacos_diagnosis_free(results[2]);
  return status;
}
static void fill_diagnose(slot *a) {
  nacos_diagnose_options diagnose = nacos_diagnose_options_default();
  diagnose.path = "/v1/cs/configs";
  fill_init(a);
  a[1].p = in_memory(1, &diagnose, sizeof(diagnose));
  a[2].p = &results[2];
}
#define DIAGNOSE(field) "diagnose." #field, offsetof(nacos_diagnose_options, field)
static const text_field diagnose_texts[] = {
    {"method", offsetof(nacos_diagnose_options, method), NACOS_OK, NACOS_INVALID_ARGUMENT, NACOS_INVALID_ARGUMENT, 0},
    {"path", offsetof(nacos_diagnose_options, path), NACOS_OK, NACOS_INVALID_ARGUMENT, NACOS_OK /* never sent */, 0},
    {"token", offsetof(nacos_diagnose_options, token), NACOS_OK, NACOS_INVALID_ARGUMENT, NACOS_OK, 0},
    {NULL, 0, 0, 0, 0, 0},
};
static const number_field diagnose_numbers[] = {
    {DIAGNOSE(flags), NACOS_DIAGNOSE_SEND_WRITES, NACOS_OK},
    {DIAGNOSE(flags), 2, NACOS_UNSUPPORTED_OPTION},
    {DIAGNOSE(flags), UINT32_MAX, NACOS_UNSUPPORTED_OPTION},
    {DIAGNOSE(timeout_ms), UINT32_MAX, NACOS_OK},
    {DIAGNOSE(timeout_ms), 1, NACOS_OK},
    {NULL, 0, 0, 0},
};

static nacos_status call_finding(const slot *a, nacos_error **error) {
  return nacos_diagnosis_finding(a[0].p, a[1].number, a[2].p, error);
}
static void fill_finding(slot *a) {
  const nacos_finding finding = nacos_finding_default();
  a[0].p = diagnosis;
  a[1].number = 0;
  a[2].p = in_memory(2, &finding, sizeof(finding));
}
static void fill_finding_beyond(slot *a) {
  fill_finding(a);
  a[1].number = SIZE_MAX;
}

static nacos_status call_supply_password(const slot *a, nacos_error **error) {
  return nacos_credentials_set_password(a[0].p, a[1].text, a[2].text, error);
}
static void fill_supply_password(slot *a) {
  a[0].p = credentials;
  a[1].text = "nacos";
  a[2].text = SECRET;
}
static nacos_status call_supply_token(const slot *a, nacos_error **error) {
  return nacos_credentials_set_token(a[0].p, a[1].text, a[2].number, error);
}
static nacos_status call_supply_failure(const slot *a, nacos_error **error) {
  return nacos_credentials_set_failure(a[0].p, a[1].text, error);
}
static void fill_supply_one(slot *a) {
  a[0].p = credentials;
  a[1].text = SECRET;
  a[2].number = SIZE_MAX;
}

#define HANDLE \
  { OBJECT, "auth", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL }
#define SIZED(kind, name, if_null, type, texts, numbers) \
  { kind, name, if_null, 0, 0, sizeof(type), texts, numbers }
#define SOME_TEXT(name, if_broken, if_huge) \
  { TEXT, name, NACOS_NULL_ARGUMENT, if_broken, if_huge, 0, NULL, NULL }
#define RESULT_AT(name) \
  { RESULT, name, NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL }
#define A_NUMBER \
  { NUMBER, NULL, 0, 0, 0, 0, NULL, NULL }
#define SUPPLIED \
  { OBJECT, "credentials", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL }
#define NO_MORE \
  { NOTHING, NULL, 0, 0, 0, 0, NULL, NULL }
/* Of an operation, whose object need not be wanted. */
#define STARTED                                                                    \
  SIZED(STRUCT_IN, "start", NACOS_NULL_ARGUMENT, nacos_start_options, NULL, NULL), \
      {RESULT, "operation", NACOS_CANCELLED, 0, 0, 0, NULL, NULL}, NO_MORE
#define METRICS(fill, expected)                                                                                \
  {                                                                                                            \
    "nacos_auth_metrics", call_metrics, fill, expected, expected, {                                            \
      {OBJECT, "auths", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},                                             \
          {OBJECT, "names", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL}, A_NUMBER, RESULT_AT("metrics"), NO_MORE \
    }                                                                                                          \
  }

/* The functions that return a status. */
static const row rows[] = {
    {"nacos_auth_init",
     call_init,
     fill_init,
     NACOS_OK,
     NACOS_OK,
     {SIZED(STRUCT_IN, "options", NACOS_NULL_ARGUMENT, nacos_auth_options, option_texts, option_numbers),
      RESULT_AT("auth"), NO_MORE, NO_MORE, NO_MORE}},
    {"nacos_get_token",
     call_get_token,
     fill_get_token,
     NACOS_CANCELLED,
     NACOS_CLOSED,
     {HANDLE,
      SIZED(STRUCT_IN, "options", NACOS_CANCELLED /* the default, and see without_options */, nacos_call_options, NULL,
            call_numbers),
      {BYTES, "buffer", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},
      A_NUMBER,
      SIZED(STRUCT_OUT, "info", NACOS_CANCELLED, nacos_token_info, NULL, NULL)}},
    {"nacos_request",
     call_request,
     fill_request,
     NACOS_CANCELLED,
     NACOS_CLOSED,
     {HANDLE, SIZED(STRUCT_IN, "options", NACOS_NULL_ARGUMENT, nacos_request_options, request_texts, request_numbers),
      RESULT_AT("response"), NO_MORE, NO_MORE}},
    {"nacos_request_start",
     call_request_start,
     fill_request_start,
     NACOS_CANCELLED,
     NACOS_CLOSED,
     {HANDLE, SIZED(STRUCT_IN, "options", NACOS_NULL_ARGUMENT, nacos_request_options, request_texts, request_numbers),
      STARTED}},
    {"nacos_token_start",
     call_token_start,
     fill_token_start,
     NACOS_CANCELLED,
     NACOS_CLOSED,
     {HANDLE, SIZED(STRUCT_IN, "options", NACOS_CANCELLED /* the default */, nacos_call_options, NULL, call_numbers),
      STARTED}},
    {"nacos_queue_new",
     call_queue_new,
     fill_queue_new,
     NACOS_OK,
     NACOS_OK,
     {RESULT_AT("queue"), NO_MORE, NO_MORE, NO_MORE, NO_MORE}},
    {"nacos_queue_next",
     call_queue_next,
     fill_queue_next,
     NACOS_WOULD_BLOCK,
     NACOS_WOULD_BLOCK,
     {{OBJECT, "queue", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},
      SIZED(STRUCT_OUT, "completion", NACOS_NULL_ARGUMENT, nacos_completion, NULL, NULL),
      NO_MORE,
      NO_MORE,
      NO_MORE}},
    {"nacos_token_describe",
     call_describe,
     fill_describe,
     NACOS_OK,
     NACOS_OK,
     {{OBJECT, "token", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},
      SIZED(STRUCT_OUT, "info", NACOS_NULL_ARGUMENT, nacos_token_info, NULL, NULL),
      NO_MORE,
      NO_MORE,
      NO_MORE}},
    {"nacos_auth_report_rejected",
     call_report,
     fill_report,
     NACOS_OK,
     NACOS_CLOSED,
     {HANDLE, SIZED(STRUCT_IN, "rejection", NACOS_NULL_ARGUMENT, nacos_rejection, rejection_texts, rejection_numbers),
      SIZED(STRUCT_OUT, "advice", NACOS_NULL_ARGUMENT, nacos_advice, NULL, NULL), NO_MORE, NO_MORE}},
    {"nacos_auth_set_credentials",
     call_set_credentials,
     fill_set_credentials,
     NACOS_OK,
     NACOS_CLOSED,
     {HANDLE, SOME_TEXT("username", NACOS_INVALID_ARGUMENT, NACOS_OK), SOME_TEXT("password", NACOS_OK, NACOS_OK),
      NO_MORE, NO_MORE}},
    {"nacos_auth_set_token",
     call_set_token,
     fill_set_token,
     NACOS_OK,
     NACOS_CLOSED,
     {HANDLE, SOME_TEXT("token", NACOS_INVALID_ARGUMENT, NACOS_OK), A_NUMBER, NO_MORE, NO_MORE}},
    {"nacos_auth_stats",
     call_stats,
     fill_stats,
     NACOS_OK,
     NACOS_OK,
     {HANDLE, SIZED(STRUCT_OUT, "statistics", NACOS_NULL_ARGUMENT, nacos_auth_statistics, NULL, NULL), NO_MORE, NO_MORE,
      NO_MORE}},
    {"nacos_auth_health",
     call_health,
     fill_health,
     NACOS_OK,
     NACOS_OK,
     {HANDLE,
      SIZED(STRUCT_OUT, "health", NACOS_NULL_ARGUMENT, nacos_health, NULL, NULL),
      {RESULT, "reason", NACOS_OK, 0, 0, 0, NULL, NULL},
      NO_MORE,
      NO_MORE}},
    METRICS(fill_metrics, NACOS_OK),
    METRICS(fill_metrics_beyond, NACOS_INVALID_ARGUMENT),
    METRICS(fill_metrics_of_one_name, NACOS_INVALID_ARGUMENT),
    METRICS(fill_metrics_not_utf8, NACOS_INVALID_UTF8),
    {"nacos_auth_retry", call_retry, fill_handle, NACOS_OK, NACOS_CLOSED, {HANDLE, NO_MORE, NO_MORE, NO_MORE, NO_MORE}},
    {"nacos_auth_close",
     call_close,
     fill_handle,
     NACOS_OK,
     NACOS_OK,
     {{OBJECT, "auth", NACOS_OK, 0, 0, 0, NULL, NULL}, NO_MORE, NO_MORE, NO_MORE, NO_MORE}},
    {"nacos_response_header_at",
     call_header_at,
     fill_header_at,
     NACOS_OK,
     NACOS_OK,
     {{OBJECT, "response", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},
      A_NUMBER,
      RESULT_AT("name"),
      RESULT_AT("value"),
      NO_MORE}},
    {"nacos_response_header_at",
     call_header_at,
     fill_header_beyond,
     NACOS_INVALID_ARGUMENT,
     NACOS_INVALID_ARGUMENT,
     {{OBJECT, "response", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},
      A_NUMBER,
      RESULT_AT("name"),
      RESULT_AT("value"),
      NO_MORE}},
    {"nacos_auth_diagnose",
     call_diagnose,
     fill_diagnose,
     NACOS_OK,
     NACOS_OK,
     {SIZED(STRUCT_IN, "options", NACOS_NULL_ARGUMENT, nacos_auth_options, option_texts, option_numbers),
      SIZED(STRUCT_IN, "diagnose", NACOS_OK, nacos_diagnose_options, diagnose_texts, diagnose_numbers),
      RESULT_AT("diagnosis"), NO_MORE, NO_MORE}},
    {"nacos_diagnosis_finding",
     call_finding,
     fill_finding,
     NACOS_OK,
     NACOS_OK,
     {{OBJECT, "diagnosis", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},
      A_NUMBER,
      SIZED(STRUCT_OUT, "finding", NACOS_NULL_ARGUMENT, nacos_finding, NULL, NULL),
      NO_MORE,
      NO_MORE}},
    {"nacos_diagnosis_finding",
     call_finding,
     fill_finding_beyond,
     NACOS_INVALID_ARGUMENT,
     NACOS_INVALID_ARGUMENT,
     {{OBJECT, "diagnosis", NACOS_NULL_ARGUMENT, 0, 0, 0, NULL, NULL},
      A_NUMBER,
      SIZED(STRUCT_OUT, "finding", NACOS_NULL_ARGUMENT, nacos_finding, NULL, NULL),
      NO_MORE,
      NO_MORE}},
    {"nacos_credentials_set_password",
     call_supply_password,
     fill_supply_password,
     NACOS_OK,
     NACOS_OK,
     {SUPPLIED, SOME_TEXT("username", NACOS_OK, NACOS_OK), SOME_TEXT("password", NACOS_OK, NACOS_OK), NO_MORE,
      NO_MORE}},
    {"nacos_credentials_set_token",
     call_supply_token,
     fill_supply_one,
     NACOS_OK,
     NACOS_OK,
     {SUPPLIED, SOME_TEXT("token", NACOS_OK, NACOS_OK), A_NUMBER, NO_MORE, NO_MORE}},
    {"nacos_credentials_set_failure",
     call_supply_failure,
     fill_supply_one,
     NACOS_OK,
     NACOS_OK,
     {SUPPLIED, SOME_TEXT("message", NACOS_OK, NACOS_OK), NO_MORE, NO_MORE, NO_MORE}},
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

/* One call, twice: with a place for the error, and without. Says which one went wrong, in the words of `what`. */
static void expect(const row *r, const slot *a, const char *what, const char *word, nacos_status expected) {
  for (int with_error = 1; with_error >= 0; with_error--) {
    nacos_error *error = (nacos_error *)(void *)&buffer; /* anything but NULL */
    char complaint[400] = "";
    for (int i = 0; i < PARAMETERS; i++) results[i] = &results[i];
    memset(buffer, 'x', sizeof(buffer));
    /* What an earlier call has filled in. */
    for (int i = 0; i < PARAMETERS; i++)
      if (r->parameters[i].kind == STRUCT_OUT && a[i].p != NULL && memory[i].struct_size <= ROOM)
        memset(memory[i].bytes + sizeof(size_t), 'x', ROOM - sizeof(size_t));
    const nacos_status status = r->call(a, with_error ? &error : NULL);
    if (status != expected)
      snprintf(complaint, sizeof(complaint), "%s: %s", nacos_status_name(status),
               with_error ? nacos_error_message(error) : "");
    else if (with_error && (error == NULL) != (status == NACOS_OK))
      snprintf(complaint, sizeof(complaint), "the error is %s", error == NULL ? "NULL" : "not NULL");
    else if (with_error && status != NACOS_OK) {
      const char *message = nacos_error_message(error);
      if (nacos_error_status(error) != status) snprintf(complaint, sizeof(complaint), "the error has another status");
      if (strlen(message) < 10 || strstr(message, SECRET) != NULL)
        snprintf(complaint, sizeof(complaint), "the message: %.300s", message);
      if (word != NULL && strstr(message, word) == NULL)
        snprintf(complaint, sizeof(complaint), "no word of %s: %.300s", word, message);
      if (*nacos_error_cause(error) == '\0') snprintf(complaint, sizeof(complaint), "no cause: %.300s", message);
      if (nacos_error_was_sent(error) != NACOS_SENT_NO) snprintf(complaint, sizeof(complaint), "was it sent?");
    }
    for (int i = 0; i < PARAMETERS && status != NACOS_OK && complaint[0] == '\0'; i++) {
      const parameter *p = &r->parameters[i];
      if (a[i].p == NULL) continue;
      /* An output is emptied by all who have looked at it: the first that is wrong may end the call before. */
      if (p->kind == RESULT && results[i] != NULL && status != NACOS_NULL_ARGUMENT)
        snprintf(complaint, sizeof(complaint), "%s is not NULL", p->name);
      const size_t size = memory[i].struct_size;
      if (p->kind == STRUCT_OUT && size >= sizeof(size_t) && size <= LARGEST_STRUCT && status != NACOS_NULL_ARGUMENT)
        for (size_t at = sizeof(size_t); at < size; at++)
          if (memory[i].bytes[at] != 0) snprintf(complaint, sizeof(complaint), "%s is not empty", p->name);
      if (p->kind == BYTES && buffer[0] != '\0' && status == r->expected)
        snprintf(complaint, sizeof(complaint), "%s is not empty", p->name);
    }
    /* Beyond the size that the caller gives, nothing is touched. */
    for (int i = 0; i < PARAMETERS && complaint[0] == '\0'; i++)
      if (r->parameters[i].kind == STRUCT_OUT && a[i].p != NULL && memory[i].struct_size <= LARGEST_STRUCT)
        for (size_t at = memory[i].struct_size > sizeof(size_t) ? memory[i].struct_size : sizeof(size_t); at < ROOM;
             at++)
          if (memory[i].bytes[at] != 'x') snprintf(complaint, sizeof(complaint), "written beyond at %zu", at);
    __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
    if (complaint[0] != '\0') {
      __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
      printf("%s, %s, %s: expected %s, got %s\n", r->function, what, with_error ? "with an error" : "without an error",
             nacos_status_name(expected), complaint);
    }
    if (with_error && (status == expected || status != NACOS_OK)) nacos_error_free(error);
  }
}

static void write_text(int place, size_t offset, const char *text) {
  memcpy(memory[place].bytes + offset, &text, sizeof(text));
}
static void write_number(int place, size_t offset, uint32_t value) {
  memcpy(memory[place].bytes + offset, &value, sizeof(value));
}

static void strings_of(const row *r, int i) {
  const parameter *p = &r->parameters[i];
  slot a[PARAMETERS];
  char what[200];
  for (const text_field *field = p->texts; field != NULL && field->name != NULL; field++) {
    const struct {
      const char *text, *name;
      nacos_status expected;
    } cases[] = {
        {NULL, "NULL", field->if_null},         {NOT_UTF8, "not UTF-8", NACOS_INVALID_UTF8},
        {LINES, "two lines", field->if_broken}, {ONE_SLASH, "two lines", field->if_broken},
        {huge, "1 MiB", field->if_huge},
    };
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
      memset(a, 0, sizeof(a));
      r->fill(a);
      if (field->without & PASSWORD) write_text(i, offsetof(nacos_auth_options, password), NULL);
      if (field->without & USERNAME) write_text(i, offsetof(nacos_auth_options, username), NULL);
      write_text(i, field->offset, cases[c].text);
      snprintf(what, sizeof(what), "%s.%s is %s", p->name, field->name, cases[c].name);
      const int named = cases[c].expected != r->expected && cases[c].text != NULL;
      expect(r, a, what, named ? field->name : NULL, cases[c].expected);
    }
  }
  for (const number_field *field = p->numbers; field != NULL && field->name != NULL; field++) {
    memset(a, 0, sizeof(a));
    r->fill(a);
    write_number(i, field->offset, field->value);
    snprintf(what, sizeof(what), "%s.%s is %lu", p->name, field->name, (unsigned long)field->value);
    /* Counts are named by what they count. */
    const char *name = field->expected == NACOS_NULL_ARGUMENT ? "options." : field->name;
    expect(r, a, what, field->expected != r->expected ? name : NULL, field->expected);
  }
}

/* Nobody listens there; a machine that is slow does not find out in time. */
static int no_server(nacos_status status) { return status == NACOS_CONNECT || status == NACOS_TIMEOUT; }

/* Every size that a struct may say it has. */
static void sizes_of(const row *r, int i) {
  const parameter *p = &r->parameters[i];
  const int out = p->kind == STRUCT_OUT;
  const size_t own = p->size;
  const struct {
    size_t size;
    unsigned char tail;
    nacos_status expected;
  } cases[] = {
      {0, 0, NACOS_INVALID_ARGUMENT},
      {1, 0, NACOS_INVALID_ARGUMENT},
      {sizeof(size_t) - 1, 0, NACOS_INVALID_ARGUMENT},
      {own, 0, r->expected},
      {own + 8, 0, r->expected},
      {own + 8, 1, out ? r->expected : NACOS_UNSUPPORTED_OPTION},
      {own, 1, r->expected}, /* beyond the size: not looked at */
      {LARGEST_STRUCT, 0, r->expected},
      {LARGEST_STRUCT, 1, out ? r->expected : NACOS_UNSUPPORTED_OPTION},
      {LARGEST_STRUCT + 1, 0, NACOS_INVALID_ARGUMENT},
      {(size_t)1 << 31, 0, NACOS_INVALID_ARGUMENT},
      {SIZE_MAX, 0, NACOS_INVALID_ARGUMENT},
  };
  slot a[PARAMETERS];
  char what[200];
  for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
    memset(a, 0, sizeof(a));
    r->fill(a);
    memory[i].struct_size = cases[c].size;
    if (cases[c].tail) memory[i].bytes[own + 7] = cases[c].tail;
    snprintf(what, sizeof(what), "%s.struct_size is %zu, tail of %d", p->name, cases[c].size, cases[c].tail);
    expect(r, a, what, cases[c].expected != r->expected ? p->name : NULL, cases[c].expected);
  }
  /* An older caller's: every smaller size ends well, or with the first required field that is missing. */
  for (size_t size = sizeof(size_t); size < own; size += 8) {
    memset(a, 0, sizeof(a));
    r->fill(a);
    memory[i].struct_size = size;
    nacos_error *error = NULL;
    const nacos_status status = r->call(a, &error);
    __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
    /* What it is to own must fit in: a completion is all or nothing. */
    const int all_or_nothing = strcmp(r->function, "nacos_queue_next") == 0;
    const int missing = all_or_nothing ? status == NACOS_INVALID_ARGUMENT
                                       : !out && (status == NACOS_NULL_ARGUMENT || status == NACOS_INVALID_ARGUMENT);
    /* Without the signal, which lies behind, the call goes to a server that is not there. */
    if (status != r->expected && !missing && !(r->expected == NACOS_CANCELLED && no_server(status))) {
      __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
      printf("%s, %s.struct_size is %zu: %s: %s\n", r->function, p->name, size, nacos_status_name(status),
             nacos_error_message(error));
    }
    nacos_error_free(error);
  }
}

static void one_row(const row *r) {
  slot a[PARAMETERS];
  char what[200];
  memset(a, 0, sizeof(a));
  r->fill(a);
  expect(r, a, "as it should be", NULL, r->expected);
  if (strcmp(r->parameters[0].name, "auth") == 0 && r->parameters[0].kind == OBJECT) {
    memset(a, 0, sizeof(a));
    r->fill(a);
    a[0].p = closed;
    expect(r, a, "a closed handle", NULL, r->if_closed);
  }
  for (int i = 0; i < PARAMETERS; i++) {
    const parameter *p = &r->parameters[i];
    if (p->kind == NOTHING || p->kind == NUMBER) continue;
    memset(a, 0, sizeof(a));
    r->fill(a);
    a[i].p = NULL;
    snprintf(what, sizeof(what), "%s is NULL", p->name);
    /* nacos_get_token's options may be NULL, which is another call: see without_options. */
    const int default_options = p->kind == STRUCT_IN && p->if_null != NACOS_NULL_ARGUMENT;
    if (!default_options) expect(r, a, what, p->if_null == NACOS_NULL_ARGUMENT ? p->name : NULL, p->if_null);
    if (p->kind == STRUCT_IN || p->kind == STRUCT_OUT) sizes_of(r, i);
    if (p->kind == STRUCT_IN) strings_of(r, i);
    if (p->kind != TEXT) continue;
    const struct {
      const char *text, *name;
      nacos_status expected;
    } cases[] = {
        {NOT_UTF8, "not UTF-8", NACOS_INVALID_UTF8}, {LINES, "two lines", p->if_broken}, {huge, "1 MiB", p->if_huge}};
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
      memset(a, 0, sizeof(a));
      r->fill(a);
      a[i].text = cases[c].text;
      snprintf(what, sizeof(what), "%s is %s", p->name, cases[c].name);
      expect(r, a, what, cases[c].expected != NACOS_OK ? p->name : NULL, cases[c].expected);
    }
  }
}

/* Pairs: every list with every kind of them. */
static void pairs(void) {
  const struct {
    const char *name;
    size_t list, count;
    int is_header;
  } lists[] = {
      {"options.query", offsetof(nacos_request_options, query), offsetof(nacos_request_options, query_count), 0},
      {"options.headers", offsetof(nacos_request_options, headers), offsetof(nacos_request_options, header_count), 1},
      {"options.form", offsetof(nacos_request_options, form), offsetof(nacos_request_options, form_count), 0},
  };
  /* Without a status: what a header makes of it, and a query or a form, which are percent-encoded. */
  const nacos_status fine = NACOS_CANCELLED, bad = NACOS_INVALID_ARGUMENT;
  const struct {
    nacos_pair pair;
    const char *what;
    nacos_status in_header, elsewhere;
  } cases[] = {
      {NACOS_PAIR("X-A", "b"), "as it should be", fine, fine},
      {{"X-A", "b", 3, 1, NACOS_PAIR_SENSITIVE, 0}, "sensitive, with lengths", fine, fine},
      {{"X-Abc", "bcd", 3, 1, 0, 0}, "shorter than its string", fine, fine},
      {NACOS_PAIR(NULL, "b"), "no name", NACOS_NULL_ARGUMENT, NACOS_NULL_ARGUMENT},
      {NACOS_PAIR("X-A", NULL), "no value", NACOS_NULL_ARGUMENT, NACOS_NULL_ARGUMENT},
      {{NULL, "b", 3, 1, 0, 0}, "a length and no name", NACOS_NULL_ARGUMENT, NACOS_NULL_ARGUMENT},
      {{"X-A", NULL, 3, 1, 0, 0}, "a length and no value", NACOS_NULL_ARGUMENT, NACOS_NULL_ARGUMENT},
      {{"X-A", "b", SIZE_MAX, 1, 0, 0}, "a name without end", bad, bad},
      {{"X-A", "b", 3, SIZE_MAX, 0, 0}, "a value without end", bad, bad},
      {NACOS_PAIR(NOT_UTF8, "b"), "a name not in UTF-8", NACOS_INVALID_UTF8, NACOS_INVALID_UTF8},
      {NACOS_PAIR("X-A", NOT_UTF8), "a value not in UTF-8", NACOS_INVALID_UTF8, NACOS_INVALID_UTF8},
      {{NOT_UTF8, "b", 4, 1, 0, 0}, "a name not in UTF-8, with its length", NACOS_INVALID_UTF8, NACOS_INVALID_UTF8},
      {{"X-A", NOT_UTF8, 3, 4, 0, 0}, "a value not in UTF-8, with its length", NACOS_INVALID_UTF8, NACOS_INVALID_UTF8},
      {{"X\0A", "b", 3, 1, 0, 0}, "a NUL in the name", bad, fine},
      {{"X-A", "a\0b", 3, 3, 0, 0}, "a NUL in the value", bad, fine},
      {NACOS_PAIR("X-A\r\nX-B", "b"), "two lines in the name", bad, fine},
      {NACOS_PAIR("X-A", "a\r\nX-B: c"), "two lines in the value", bad, fine},
      {NACOS_PAIR("X-A", "a\nb"), "a line feed in the value", bad, fine},
      {NACOS_PAIR("X-A", "a\rb"), "a carriage return in the value", bad, fine},
      {NACOS_PAIR("X A", "b"), "a space in the name", bad, fine},
      {NACOS_PAIR("", "b"), "an empty name", bad, fine},
      {NACOS_PAIR("X-A", ""), "an empty value", fine, fine},
      {{"X-A", "b", 0, 0, 2, 0}, "an unknown flag", NACOS_UNSUPPORTED_OPTION, NACOS_UNSUPPORTED_OPTION},
      {{"X-A", "b", 0, 0, UINT32_MAX, 0}, "unknown flags", NACOS_UNSUPPORTED_OPTION, NACOS_UNSUPPORTED_OPTION},
      {{"X-A", "b", 0, 0, 0, 1}, "a reserved field", NACOS_UNSUPPORTED_OPTION, NACOS_UNSUPPORTED_OPTION},
      {NACOS_PAIR("accessToken", "b"), "what would beat the token", bad, bad},
      {NACOS_PAIR("Content-Length", "1"), "what frames the message", bad, fine},
      {NACOS_PAIR("Host", "evil"), "what belongs to the connection", bad, fine},
      {NACOS_PAIR("X-A", NULL /* 1 MiB */), "1 MiB", fine, fine},
  };
  enum { CASES = sizeof(cases) / sizeof(*cases) };
  const row *r = NULL;
  for (int i = 0; i < ROWS; i++)
    if (strcmp(rows[i].function, "nacos_request") == 0) r = &rows[i];
  for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++) {
    slot a[PARAMETERS];
    char what[200];
    for (size_t c = 0; c < CASES; c++) {
      nacos_pair list[] = {NACOS_PAIR("X-First", "1"), cases[c].pair};
      const size_t count = 2;
      const nacos_pair *pointer = list;
      if (c == CASES - 1) list[1].value = huge;
      memset(a, 0, sizeof(a));
      r->fill(a);
      memcpy(memory[1].bytes + lists[l].list, &pointer, sizeof(pointer));
      memcpy(memory[1].bytes + lists[l].count, &count, sizeof(count));
      snprintf(what, sizeof(what), "%s[1]: %s", lists[l].name, cases[c].what);
      const nacos_status expected = lists[l].is_header ? cases[c].in_header : cases[c].elsewhere;
      const int is_named = expected != fine && expected != bad;
      expect(r, a, what, is_named ? lists[l].name : NULL, expected);
    }
    const nacos_pair one = NACOS_PAIR("X-A", "b"), *pointer = &one;
    const size_t endless[] = {SIZE_MAX, SIZE_MAX / sizeof(one) + 2};
    for (size_t e = 0; e < 2; e++) {
      memset(a, 0, sizeof(a));
      r->fill(a);
      memcpy(memory[1].bytes + lists[l].list, &pointer, sizeof(pointer));
      memcpy(memory[1].bytes + lists[l].count, &endless[e], sizeof(endless[e]));
      expect(r, a, "a list without end", lists[l].name, bad);
    }
  }
}

/* nacos_get_token without options: another call. It asks a server that is not there. */
static void without_options(void) {
  char token[64] = "x";
  nacos_token_info info = nacos_token_info_default();
  info.generation = 9;
  CHECK(no_server(nacos_get_token(opened, NULL, token, sizeof(token), &info, NULL)));
  CHECK(token[0] == '\0' && info.generation == 0 && info.struct_size == sizeof(info));
  CHECK(no_server(nacos_get_token(opened, NULL, NULL, 0, NULL, NULL)));
  CHECK(no_server(nacos_get_token(opened, NULL, token, 1, NULL, NULL)));
}

/* The functions without a status, with NULL and with numbers that mean nothing. */
static void auth_ref(void) {
  CHECK(nacos_auth_ref(NULL) == NULL);
  CHECK(nacos_auth_ref(opened) == opened);
  nacos_auth_free(opened);
  CHECK(nacos_auth_ref(closed) == closed);
  nacos_auth_free(closed);
}
static void auth_free(void) {
  nacos_auth *freed = NULL;
  nacos_auth_free(freed);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = "127.0.0.1:1";
  options.token = "t";
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &freed, &error));
  nacos_auth_free(freed);
  freed = NULL;
  nacos_auth_free(freed);
  CHECK_CALL(NACOS_NULL_ARGUMENT, "auth", nacos_auth_retry(freed, &error));
}
static void generation(void) {
  CHECK(nacos_auth_generation(NULL) == 0 && nacos_auth_generation(closed) == 0);
  const uint64_t now = nacos_auth_generation(opened); /* whatever the rows before have set */
  (void)now;
}
static void generation_pointer(void) {
  CHECK(nacos_auth_generation_pointer(NULL) == NULL);
  CHECK(nacos_auth_generation_pointer(opened) != NULL && nacos_auth_generation_pointer(closed) != NULL);
}
static void versions(void) {
  CHECK(nacos_auth_abi_version() == NACOS_AUTH_ABI_VERSION);
  CHECK(nacos_auth_version_number() == NACOS_AUTH_VERSION_NUMBER);
  CHECK(strcmp(nacos_auth_version(), NACOS_AUTH_VERSION) == 0);
}
static void cancels(void) {
  nacos_cancel_trigger(NULL);
  nacos_cancel_free(NULL);
  nacos_cancel *one = nacos_cancel_new();
  CHECK(one != NULL);
  nacos_cancel_trigger(one);
  nacos_cancel_trigger(one);
  nacos_cancel_free(one);
  one = NULL;
  nacos_cancel_trigger(one);
  nacos_cancel_free(one);
}
static void errors(void) {
  nacos_error *error = NULL;
  CHECK(nacos_error_status(NULL) == NACOS_NULL_ARGUMENT);
  CHECK(strcmp(nacos_error_message(NULL), "") == 0);
  CHECK(strcmp(nacos_error_cause(NULL), "") == 0);
  CHECK(strcmp(nacos_error_server(NULL), "") == 0);
  CHECK(nacos_error_was_sent(NULL) == NACOS_SENT_NO);
  CHECK(nacos_error_http_status(NULL) == 0);
  CHECK(nacos_error_is_retryable(NULL) == 0);
  CHECK(nacos_error_retry_after_ms(NULL) == 0);
  nacos_error_free(NULL);
  CHECK(nacos_auth_init(NULL, NULL, &error) == NACOS_NULL_ARGUMENT && error != NULL);
  CHECK(strcmp(nacos_error_cause(error), NACOS_CAUSE_INVALID_ARGUMENT) == 0);
  CHECK(strcmp(nacos_error_server(error), "") == 0 && nacos_error_http_status(error) == 0);
  CHECK(nacos_error_is_retryable(error) == 0 && nacos_error_retry_after_ms(error) == 0);
  nacos_error_free(error);
}
static void responses(void) {
  size_t length = 9;
  CHECK(nacos_response_status(NULL) == 0);
  CHECK(nacos_response_body(NULL, &length) == NULL && length == 0);
  CHECK(nacos_response_body(NULL, NULL) == NULL && nacos_response_body(answer, NULL) != NULL);
  CHECK(nacos_response_header_count(NULL) == 0);
  CHECK(nacos_response_header(NULL, "x") == NULL && nacos_response_header(NULL, NULL) == NULL);
  CHECK(nacos_response_header(answer, NULL) == NULL && nacos_response_header(answer, "") == NULL);
  CHECK(nacos_response_header(answer, NOT_UTF8) == NULL && nacos_response_header(answer, huge) == NULL);
  CHECK(nacos_response_is_truncated(NULL) == 0);
  CHECK(strcmp(nacos_response_server(NULL), "") == 0);
  CHECK(nacos_response_attempts(NULL) == 0);
  CHECK(nacos_response_generation(NULL) == 0);
  CHECK(nacos_response_replays(NULL) == 0);
  nacos_response_free(NULL);
}
static void diagnoses(void) {
  CHECK(nacos_diagnosis_count(NULL) == 0 && nacos_diagnosis_count(diagnosis) > 0);
  CHECK(nacos_diagnosis_severity(NULL) == NACOS_SEVERITY_OK);
  CHECK(nacos_diagnosis_severity(diagnosis) == NACOS_SEVERITY_ERROR);
  CHECK(strcmp(nacos_diagnosis_text(NULL), "") == 0 && strcmp(nacos_diagnosis_json(NULL), "") == 0);
  CHECK(strstr(nacos_diagnosis_text(diagnosis), NACOS_CAUSE_CONNECTION_REFUSED) != NULL);
  CHECK(strstr(nacos_diagnosis_json(diagnosis), NACOS_CAUSE_CONNECTION_REFUSED) != NULL);
  nacos_diagnosis_free(NULL);
}
static void metrics(void) {
  nacos_metrics *metrics = NULL;
  CHECK(strcmp(nacos_metrics_text(NULL), "") == 0);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_metrics(&closed, NULL, 1, &metrics, &error));
  CHECK(strstr(nacos_metrics_text(metrics), SECRET) == NULL && strlen(nacos_metrics_text(metrics)) > 100);
  nacos_metrics_free(metrics);
  nacos_metrics_free(NULL);
}
/* How an operation is told of: one way, which is given. */
static void never_called(void *data, const nacos_completion *completion) {
  (void)data, (void)completion;
  CHECK(!"what has not been started is told of");
}
static void operations(void) {
  nacos_operation *operation = (nacos_operation *)(void *)&buffer; /* anything but NULL */
  nacos_start_options start = nacos_start_options_default();
  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs";
  nacos_operation_cancel(NULL);
  nacos_operation_free(NULL);
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "set one of them",
             nacos_request_start(opened, &request, &start, &operation, &error));
  CHECK(operation == NULL);
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "set one of them", nacos_token_start(opened, NULL, &start, &operation, &error));
  start.queue = empty;
  start.on_complete = never_called;
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "exclude each other", nacos_request_start(opened, &request, &start, NULL, &error));
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "exclude each other", nacos_token_start(opened, NULL, &start, NULL, &error));
  start.queue = NULL;
  CHECK_CALL(NACOS_CLOSED, "", nacos_request_start(closed, &request, &start, &operation, &error));
  CHECK_CALL(NACOS_CLOSED, "", nacos_token_start(closed, NULL, &start, NULL, &error));
  request.path = NULL;
  CHECK_CALL(NACOS_NULL_ARGUMENT, "path", nacos_request_start(opened, &request, &start, &operation, &error));
  CHECK(operation == NULL);
}
static void queues(void) {
  nacos_queue *queue = NULL;
  CHECK(nacos_queue_fd(NULL) == -1);
  nacos_queue_free(NULL);
  CHECK_CALL(NACOS_OK, NULL, nacos_queue_new(&queue, &error));
  CHECK(nacos_queue_fd(queue) >= 0 && nacos_queue_fd(queue) == nacos_queue_fd(queue));
  CHECK(nacos_queue_fd(queue) != nacos_queue_fd(empty));
  nacos_queue_free(queue);
}
static void tokens(void) {
  CHECK(strcmp(nacos_token_text(NULL), "") == 0);
  CHECK(strlen(nacos_token_text(got)) > 20);
  nacos_token_free(NULL);
}
/* Numbers that are none of theirs: "UNKNOWN", and never NULL. */
static void names(void) {
  const char *(*const all[])(int32_t) = {nacos_status_name,      nacos_event_name,         nacos_log_level_name,
                                         nacos_token_state_name, nacos_refresh_state_name, nacos_token_in_name,
                                         nacos_advice_name,      nacos_severity_name,      nacos_health_name};
  const int32_t none[] = {-1, 77, 65536, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
    for (size_t j = 0; j < sizeof(none) / sizeof(*none); j++) CHECK(strcmp(all[i](none[j]), "UNKNOWN") == 0);
  for (size_t j = 0; j < sizeof(none) / sizeof(*none); j++) CHECK(strlen(nacos_status_message(none[j])) > 5);
  CHECK(strcmp(nacos_status_name(NACOS_WOULD_BLOCK), "WOULD_BLOCK") == 0);
  CHECK(strcmp(nacos_event_name(NACOS_EVENT_CREDENTIALS_REJECTED), "CREDENTIALS_REJECTED") == 0);
  CHECK(strcmp(nacos_log_level_name(NACOS_LOG_WARN), "WARN") == 0);
  CHECK(strcmp(nacos_token_state_name(NACOS_TOKEN_FRESH), "FRESH") == 0);
  CHECK(strcmp(nacos_refresh_state_name(NACOS_REFRESH_BACKING_OFF), "BACKING_OFF") == 0);
  CHECK(strcmp(nacos_token_in_name(NACOS_TOKEN_IN_QUERY), "QUERY") == 0);
  CHECK(strcmp(nacos_advice_name(NACOS_ADVICE_REPLAY), "REPLAY") == 0);
  CHECK(strcmp(nacos_severity_name(NACOS_SEVERITY_WARNING), "WARNING") == 0);
  CHECK(strcmp(nacos_health_name(NACOS_HEALTH_DEGRADED), "DEGRADED") == 0);
}

static const struct {
  const char *functions;
  void (*run)(void);
} others[] = {
    {" nacos_auth_ref ", auth_ref},
    {" nacos_auth_free ", auth_free},
    {" nacos_auth_generation ", generation},
    {" nacos_auth_generation_pointer ", generation_pointer},
    {" nacos_auth_abi_version nacos_auth_version_number nacos_auth_version ", versions},
    {" nacos_cancel_new nacos_cancel_trigger nacos_cancel_free ", cancels},
    {" nacos_error_status nacos_error_message nacos_error_cause nacos_error_server nacos_error_was_sent "
     "nacos_error_http_status nacos_error_is_retryable nacos_error_retry_after_ms nacos_error_free ",
     errors},
    {" nacos_response_status nacos_response_body nacos_response_header_count nacos_response_header "
     "nacos_response_is_truncated nacos_response_server nacos_response_attempts nacos_response_generation "
     "nacos_response_replays nacos_response_free ",
     responses},
    {" nacos_diagnosis_count nacos_diagnosis_severity nacos_diagnosis_text nacos_diagnosis_json nacos_diagnosis_free ",
     diagnoses},
    {" nacos_metrics_text nacos_metrics_free ", metrics},
    {" nacos_operation_cancel nacos_operation_free ", operations},
    {" nacos_queue_fd nacos_queue_free ", queues},
    {" nacos_token_text nacos_token_free ", tokens},
    {" nacos_status_name nacos_status_message nacos_event_name nacos_log_level_name nacos_token_state_name "
     "nacos_refresh_state_name nacos_token_in_name nacos_advice_name nacos_severity_name nacos_health_name ",
     names},
};
enum { OTHERS = sizeof(others) / sizeof(*others) };

/* All of it: any thread may do that, and any callback. */
static void everything(void) {
  for (int i = 0; i < ROWS; i++) {
    /* What it takes is there in a credentials callback only; elsewhere it is NULL. */
    if (strstr(rows[i].function, "nacos_credentials_") != NULL && credentials == NULL) continue;
    one_row(&rows[i]);
  }
  pairs();
  for (int i = 0; i < OTHERS; i++) others[i].run();
}

static void *in_a_thread(void *unused) {
  everything();
  return unused;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
enum { IN_EVENT, IN_LOG, IN_CREDENTIALS, IN_KEEP_WAITING, IN_COMPLETION, CALLBACKS };
static int done[CALLBACKS];

/* The first time in each kind of callback. */
static void once_in(int kind) {
  pthread_mutex_lock(&lock);
  const int first = done[kind]++ == 0;
  pthread_mutex_unlock(&lock);
  if (first) everything();
}
static void on_event(void *data, const nacos_event *event) {
  (void)data, (void)event;
  once_in(IN_EVENT);
}
static void on_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  once_in(IN_LOG);
}
static void on_credentials(void *data, nacos_credentials *asked) {
  (void)data;
  credentials = asked;
  once_in(IN_CREDENTIALS);
  credentials = NULL;
  /* So that calls wait for this one. */
  nanosleep(&(struct timespec){0, 200000000}, NULL);
}
static int32_t on_keep_waiting(void *data) {
  (void)data;
  once_in(IN_KEEP_WAITING);
  return 1;
}

static void on_complete(void *data, const nacos_completion *completion) {
  CHECK(data == completion->data && data == &done && completion->struct_size == sizeof(*completion));
  CHECK(completion->status == NACOS_NO_CREDENTIALS && completion->token == NULL && completion->response == NULL);
  nacos_error_free(completion->error);
  once_in(IN_COMPLETION);
}

static void in_callbacks(void) {
  nacos_auth *auth = NULL;
  char token[64];
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = "127.0.0.1:1";
  options.credentials = on_credentials;
  options.event = on_event;
  options.log = on_log;
  options.log_level = NACOS_LOG_DEBUG;
  options.keep_waiting = on_keep_waiting;
  options.request_timeout_ms = 300000; /* all of it in one callback, and under valgrind */
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &auth, &error));
  /* What the rows have set last is a failure, in words. */
  nacos_error *error = NULL;
  CHECK(nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error) == NACOS_NO_CREDENTIALS);
  nacos_error_free(error);
  nacos_start_options start = nacos_start_options_default();
  start.data = &done;
  start.on_complete = on_complete;
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(auth, NULL, &start, NULL, &error));
  for (int i = 0; i < 30000 && __atomic_load_n(&done[IN_COMPLETION], __ATOMIC_SEQ_CST) == 0; i++)
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_close(auth, 300000, &error));
  for (int kind = 0; kind < CALLBACKS; kind++) CHECK(done[kind] > 0);
  nacos_auth_free(auth);
}

static int has_row(const char *function) {
  char wanted[80];
  snprintf(wanted, sizeof(wanted), " %s ", function);
  for (int i = 0; i < ROWS; i++)
    if (strcmp(rows[i].function, function) == 0) return 1;
  for (int i = 0; i < OTHERS; i++)
    if (strstr(others[i].functions, wanted) != NULL) return 1;
  return 0;
}

static void set_up(void) {
  nacos_auth *real = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  nacos_request_options request = nacos_request_options_default();
  options.server_addr = "127.0.0.1:1";
  options.username = "nacos";
  options.password = SECRET;
  options.request_timeout_ms = 300; /* shorter than the pause after a login that failed */
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &opened, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &closed, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &changed, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_close(closed, 0, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, NULL, &diagnosis, &error));
  options.server_addr = address_in("NACOS_SERVER_ADDR");
  options.password = "nacos";
  options.request_timeout_ms = 0;
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &real, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_request(real, &request, &answer, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_queue_new(&empty, &error));
  nacos_completion completion = nacos_completion_default();
  nacos_start_options start = nacos_start_options_default();
  start.queue = empty;
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(real, NULL, &start, NULL, &error));
  CHECK(poll(&(struct pollfd){nacos_queue_fd(empty), POLLIN, 0}, 1, 60000) == 1);
  /* Too small for all that it would own: nothing is taken. */
  nacos_completion small = nacos_completion_default();
  small.struct_size -= 8;
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "completion: struct_size", nacos_queue_next(empty, &small, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_queue_next(empty, &completion, &error));
  got = completion.token;
  CHECK(got != NULL && completion.response == NULL && completion.error == NULL);
  nacos_auth_free(real);
  triggered = nacos_cancel_new();
  nacos_cancel_trigger(triggered);
  huge = malloc(HUGE_LENGTH + 1);
  memset(huge, 'a', HUGE_LENGTH);
  huge[0] = '/';
  huge[HUGE_LENGTH] = '\0';
}

int main(int count, char **functions) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (count < 2) return puts("which functions does the library export?"), 2;
  for (int i = 1; i < count; i++)
    if (!has_row(functions[i])) {
      printf("%s has no row here\n", functions[i]);
      failures++;
    }
  set_up();
  if (failures != 0) return finish();
  without_options();
  everything();
  pthread_attr_t small;
  pthread_t threads[2];
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 * 1024 + ROOM * PARAMETERS);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], &small, in_a_thread, NULL);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  in_callbacks();
  nacos_response_free(answer);
  nacos_diagnosis_free(diagnosis);
  nacos_token_free(got);
  nacos_queue_free(empty);
  nacos_cancel_free(triggered);
  nacos_auth_free(opened);
  nacos_auth_free(closed);
  nacos_auth_free(changed);
  free(huge);
  return finish();
}
