/* For benches/instructions.sh: counted get|request N does N calls inside `counted`, which is where callgrind counts. */
#include <string.h>

#include "measure.h"

static nacos_auth *auth;

static void get(void) {
  char buffer[1024];
  if (nacos_get_token(auth, NULL, buffer, sizeof(buffer), NULL, NULL) != NACOS_OK) abort();
}

static void request(void) {
  static const nacos_pair query[] = {NACOS_PAIR("dataId", "demo"), NACOS_PAIR("group", "DEFAULT_GROUP")};
  nacos_request_options options = nacos_request_options_default();
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  options.path = "/v1/cs/configs";
  options.query = query;
  options.query_count = 2;
  must(nacos_request(auth, &options, &response, &error), &error);
  if (nacos_response_status(response) != 200) abort();
  nacos_response_free(response);
}

__attribute__((noinline)) void counted(void (*call)(void), long count) {
  for (long i = 0; i < count; i++) call();
}

int main(int argc, char **argv) {
  char token[1024];
  size_t length = 0;
  if (argc != 3) return 2;
  void (*const call)(void) = strcmp(argv[1], "get") == 0 ? get : request;
  auth = client_with_token(token, sizeof(token), &length);
  for (int i = 0; i < 10; i++) call(); /* the first ones make connections and look up symbols */
  counted(call, atol(argv[2]));
  nacos_auth_free(auth);
  return 0;
}
