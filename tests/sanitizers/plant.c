/* Faults on purpose, each in what passes between a program and the library, to show that the tool which runs this is on
 * and sees into the library: plant NAME. NACOS_SERVER_ADDR lets nacos/nacos in. */
#include <pthread.h>
#include <stdlib.h>

#include "../c/check.h"

static nacos_auth *client(void) {
  nacos_auth *auth = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = getenv("NACOS_SERVER_ADDR");
  options.username = "nacos";
  options.password = "nacos";
  if (nacos_auth_init(&options, &auth, NULL) != NACOS_OK) abort();
  return auth;
}

/* The library writes behind a buffer that is smaller than it was told. */
static void overflow(nacos_auth *auth) {
  char *token = malloc(16);
  if (nacos_get_token(auth, NULL, token, 2048, NULL, NULL) != NACOS_OK) abort();
  free(token);
}

/* The library reads an object that it has freed. */
static void use_after_free(nacos_auth *auth) {
  nacos_response *response = NULL;
  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  if (nacos_request(auth, &request, &response, NULL) != NACOS_OK) abort();
  nacos_response_free(response);
  printf("%d\n", nacos_response_status(response));
}

/* An object of the library's is forgotten. */
static void leak(nacos_auth *auth) {
  nacos_error *error = NULL;
  char token[1];
  if (nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error) == NACOS_OK) abort();
  /* No pointer to it must be left in a register or on the stack. */
  error = NULL;
  volatile char over[4096];
  memset((void *)over, 0, sizeof(over));
}

/* The library decides by what nobody has written. */
static void uninitialised(nacos_auth *auth) {
  nacos_call_options *call = malloc(sizeof(*call));
  call->struct_size = sizeof(*call);
  call->cancel = NULL;
  char token[2048];
  (void)!nacos_get_token(auth, call, token, sizeof(token), NULL, NULL);
  free(call);
}

static char shared[2048];

static void *tokens(void *auth) {
  for (int i = 0; i < 1000; i++) (void)!nacos_get_token(auth, NULL, shared, sizeof(shared), NULL, NULL);
  return NULL;
}

/* The library writes into one buffer for two threads. */
static void race(nacos_auth *auth) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, tokens, auth);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(nacos_auth *);
  } plants[] = {{"overflow", overflow},
                {"use_after_free", use_after_free},
                {"leak", leak},
                {"uninitialised", uninitialised},
                {"race", race}};
  for (size_t i = 0; argc == 2 && i < sizeof(plants) / sizeof(plants[0]); i++) {
    if (strcmp(argv[1], plants[i].name) != 0) continue;
    nacos_auth *auth = client();
    plants[i].run(auth);
    nacos_auth_free(auth);
    return 0;
  }
  return 2;
}
