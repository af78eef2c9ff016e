/* What the files of the shim share. */
#ifndef SHIM_H
#define SHIM_H

#include <cjson/cJSON.h>
#include <nacos_auth.h>

/* What one operation gave. `answer` is owned by whoever holds the outcome. */
typedef struct {
  cJSON *answer;
  const char *failure; /* the status without its prefix, "SHIM" for a line that is wrong; NULL: success */
  int http_status;     /* of a request; 0: none */
  uint64_t generation; /* of the token that it was got with; 0: none */
} outcome;

/* grammar.c: NULL if the line is one of the grammar, otherwise what is wrong with it (in a buffer of this thread). */
const char *complaint_about(const cJSON *line);

/* Fields of a line that was checked; NULL or 0 if left out. */
const char *text_of(const cJSON *line, const char *field);
uint64_t number_of(const cJSON *line, const char *field);

typedef struct {
  double milliseconds;
  const char *failure;
  int http_status;
  uint64_t generation;
} sample;

typedef struct {
  sample *all;
  size_t count, room;
} samples;

/* A request of a checked line, and what it borrows. */
typedef struct {
  nacos_request_options options;
  nacos_pair *query, *headers, *form;
  uint8_t *body;
} prepared_request;

/* calls.c, of which each shim in C has one: how it makes the calls that wait, and many at the same time. */
extern const char shim_language[];
outcome get_token(nacos_auth *auth, const cJSON *line);
outcome request(nacos_auth *auth, const cJSON *line);
samples in_parallel(const cJSON *line, size_t count, uint64_t each);

/* operations.c */
outcome success(void);
outcome shim_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Does a checked line. Any thread, except for init and free. */
outcome perform(const cJSON *line);
/* The handle of a line that has one. */
nacos_auth *handle_of(const cJSON *line);
/* 0: the body is not Base64, and there is nothing to release. */
int prepare_request(const cJSON *line, prepared_request *made);
void release_request(prepared_request *made);
/* These free the response and the error. */
outcome response_outcome(nacos_status status, nacos_response *response, nacos_error *error);
outcome token_outcome(const cJSON *line, nacos_status status, const char *token, const nacos_token_info *info,
                      nacos_error *error);
/* A field in milliseconds, which in C is narrower than what the suite may say. */
uint32_t milliseconds(const cJSON *line, const char *field);
/* Never NULL. */
void *allocate(size_t size);
/* NULL if the line's handle is known, or it needs none; otherwise the message. */
const char *unknown_handle(const cJSON *line);

/* tally.c: parallel and loop */
double now_ms(void);
void add_sample(samples *taken, double start_ms, outcome done);
/* Does a checked line, and adds how it went. */
void once(const cJSON *line, samples *taken);
outcome perform_many(const cJSON *line);

#endif
