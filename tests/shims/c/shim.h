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

/* operations.c */
outcome success(void);
outcome shim_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Does a checked line. Any thread, except for init and free. */
outcome perform(const cJSON *line);
/* NULL if the line's handle is known, or it needs none; otherwise the message. */
const char *unknown_handle(const cJSON *line);

/* tally.c: parallel and loop */
outcome perform_many(const cJSON *line);

#endif
