/* Time, settings and failures for the benchmarks here. */
#ifndef MEASURE_H
#define MEASURE_H

#include <nacos_auth.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A positive number from the environment. */
static inline long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  const long value = text != NULL ? strtol(text, NULL, 10) : 0;
  return value > 0 ? value : otherwise;
}

/* `error` is looked at after the call that fills it in. */
static inline void must(nacos_status status, nacos_error **error) {
  if (status == NACOS_OK) return;
  fprintf(stderr, "%s: %s\n", nacos_status_name(status), nacos_error_message(*error));
  exit(1);
}

/* A client of NACOS_SERVER_ADDR with a token. */
static inline nacos_auth *client_with_token(char *token, size_t capacity, size_t *length) {
  nacos_auth_options options = nacos_auth_options_default();
  nacos_token_info info = nacos_token_info_default();
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  options.server_addr = getenv("NACOS_SERVER_ADDR");
  options.username = "nacos";
  options.password = "nacos";
  must(nacos_auth_init(&options, &auth, &error), &error);
  must(nacos_get_token(auth, NULL, token, capacity, &info, &error), &error);
  *length = info.length;
  return auth;
}

#endif
