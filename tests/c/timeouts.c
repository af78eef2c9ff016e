/* One meaning for each time-out, as docs/timeouts.md has it: with a server that takes connections and says nothing,
 * and, for the longest, one that answers (NACOS_SERVER_ADDR, if there is one). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* In milliseconds. */
static int64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static int hung_server(char *address, size_t size) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in here;
  socklen_t length = sizeof(here);
  memset(&here, 0, sizeof(here));
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener < 0 || bind(listener, (struct sockaddr *)&here, length) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, (struct sockaddr *)&here, &length) != 0) {
    perror("hung server");
    exit(2);
  }
  snprintf(address, size, "127.0.0.1:%u", (unsigned)ntohs(here.sin_port));
  return listener;
}

static nacos_auth *client(const char *server, const char *user, uint32_t timeout_ms, nacos_event_callback event,
                          void *data) {
  nacos_auth *auth = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server;
  options.username = user;
  options.password = "nacos";
  options.request_timeout_ms = timeout_ms;
  options.connect_timeout_ms = timeout_ms;
  options.event = event;
  options.callback_data = data;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &auth, &error));
  return auth;
}

/* How long a call takes that ends with a time-out. */
static int64_t took(nacos_auth *auth, uint32_t timeout_ms) {
  char token[64];
  nacos_call_options limits = nacos_call_options_default();
  limits.timeout_ms = timeout_ms;
  const int64_t start = now();
  CHECK_CALL(NACOS_TIMEOUT, "", nacos_get_token(auth, &limits, token, sizeof(token), NULL, &error));
  return now() - start;
}

static void calls(void) {
  char address[64];
  const int listener = hung_server(address, sizeof(address));
  nacos_auth *auth = client(address, "hung", 300, NULL, NULL);
  /* 0 is the handle's own; 8 s are for a busy machine. */
  const int64_t usual = took(auth, 0), shortest = took(auth, 1), longer = took(auth, 600);
  CHECK(usual >= 300 && usual < 8000);
  CHECK(shortest < 8000);
  CHECK(longer >= 600);
  nacos_auth_free(auth);
  close(listener);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void hang(void *data, const nacos_event *event) {
  (void)event;
  __atomic_store_n((int *)data, 1, __ATOMIC_RELEASE);
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
}

/* Of nacos_auth_close, 0 is the handle's own time-out; 1 is the shortest there is. */
static void bounds(const char *server) {
  int is_inside = 0;
  char token[2048];
  nacos_auth *auth = client(server, "nacos", 1000, hang, &is_inside);
  pthread_mutex_lock(&gate);
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error));
  while (!__atomic_load_n(&is_inside, __ATOMIC_ACQUIRE)) usleep(1000);
  int64_t start = now();
  CHECK_CALL(NACOS_TIMEOUT, "closed", nacos_auth_close(auth, 1, &error));
  CHECK(now() - start < 900);
  start = now();
  CHECK_CALL(NACOS_TIMEOUT, "closed", nacos_auth_close(auth, 0, &error));
  CHECK(now() - start >= 1000);
  pthread_mutex_unlock(&gate);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_close(auth, UINT32_MAX, &error));
  nacos_auth_free(auth);
}

static void longest(const char *server) {
  char token[2048], other[2048];
  nacos_call_options limits = nacos_call_options_default();
  nacos_token_info info = nacos_token_info_default();
  nacos_auth *auth = client(server, "nacos", UINT32_MAX, NULL, NULL);
  limits.timeout_ms = UINT32_MAX;
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, &limits, token, sizeof(token), NULL, &error));
  nacos_request_options request = nacos_request_options_default();
  nacos_response *response = NULL;
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  request.timeout_ms = UINT32_MAX;
  CHECK_CALL(NACOS_OK, NULL, nacos_request(auth, &request, &response, &error));
  CHECK(nacos_response_status(response) == 200);
  nacos_response_free(response);
  const uint64_t lives[] = {0, UINT64_MAX};
  for (int i = 0; i < 2; i++) {
    CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_token(auth, token, lives[i], &error));
    CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, other, sizeof(other), &info, &error));
    CHECK(strcmp(token, other) == 0 && info.expired == 0 && info.remaining_ms > 86400000);
  }
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_close(auth, UINT32_MAX, &error));
  nacos_auth_free(auth);
}

int main(void) {
  const char *server = getenv("NACOS_SERVER_ADDR");
  calls();
  if (server != NULL) {
    bounds(server);
    longest(server);
  }
  return finish();
}
