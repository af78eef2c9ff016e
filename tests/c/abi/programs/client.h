/* A client of the development server, and what it does all day. */
#ifndef CLIENT_H
#define CLIENT_H

#include <nacos_auth.h>
#include <time.h>

#include "devserver.h"

/* A handle of nacos/nacos. Handles with the same number share their token, others log in for themselves: their list of
 * servers has the one server so many times. */
static inline nacos_auth *client(uint32_t number) {
  const char *address = address_in("NACOS_SERVER_ADDR");
  const size_t length = strlen(address);
  char *list = (char *)calloc(number, length + 2);
  for (uint32_t i = 0; i < number; i++) {
    if (i > 0) strcat(list, ",");
    strcat(list, address);
  }
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = list;
  options.username = "nacos";
  options.password = "nacos";
  if (nacos_auth_init(&options, &auth, &error) != NACOS_OK) {
    printf("nacos_auth_init: %s\n", nacos_error_message(error));
    exit(2);
  }
  free(list);
  return auth;
}

/* Whether a call went well; says so if it did not. Frees the error. Also in the child of a fork. */
static inline int is_well(const char *call, nacos_status status, nacos_error *error) {
  if (status != NACOS_OK) dprintf(STDOUT_FILENO, "%s: %s\n", call, nacos_error_message(error));
  nacos_error_free(error);
  return status == NACOS_OK;
}

static inline int has_token(nacos_auth *auth) {
  char token[2048];
  nacos_error *error = NULL;
  const nacos_status status = nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error);
  return is_well("nacos_get_token", status, error);
}

/* A request that is answered 200: reads the configuration, or publishes one, which is never sent twice. */
static inline int is_served(nacos_auth *auth, const char *method) {
  static const nacos_pair read[] = {NACOS_PAIR("dataId", "demo"), NACOS_PAIR("group", "DEFAULT_GROUP")};
  static const nacos_pair publish[] = {NACOS_PAIR("dataId", "mine"), NACOS_PAIR("group", "DEFAULT_GROUP"),
                                       NACOS_PAIR("content", "1")};
  const int reads = strcmp(method, "GET") == 0;
  nacos_error *error = NULL;
  nacos_response *response = NULL;
  nacos_request_options request = nacos_request_options_default();
  request.method = method;
  request.path = "/v1/cs/configs";
  request.query = reads ? read : NULL;
  request.query_count = reads ? 2 : 0;
  request.form = reads ? NULL : publish;
  request.form_count = reads ? 0 : 3;
  const nacos_status status = nacos_request(auth, &request, &response, &error);
  const int http_status = nacos_response_status(response);
  nacos_response_free(response);
  if (status == NACOS_OK && http_status != 200) dprintf(STDOUT_FILENO, "%s: HTTP %d\n", method, http_status);
  return is_well(method, status, error) && http_status == 200;
}

static inline nacos_auth_statistics statistics_of(nacos_auth *auth) {
  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  nacos_error *error = NULL;
  if (!is_well("nacos_auth_stats", nacos_auth_stats(auth, &statistics, &error), error)) abort();
  return statistics;
}

static inline long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void pause_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

#endif
