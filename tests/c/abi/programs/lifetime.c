/* Close, cancel, free and deadlines, against a server that accepts connections and never answers. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* Promised are 100 ms; busy machines and valgrind have the rest. Without a deadline calls wait for 15 s. */
enum { PROMPT_MS = 8000 };

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The kernel completes the handshakes; nobody ever accepts. */
static int hung_server(char *address, size_t size) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(here);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&here, length) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, (struct sockaddr *)&here, &length) != 0) {
    perror("hung server");
    exit(2);
  }
  snprintf(address, size, "127.0.0.1:%d", ntohs(here.sin_port));
  return listener;
}

static nacos_auth *client_of(const char *address, const char *username) {
  nacos_auth *auth = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = address;
  options.username = username; /* another name, another token: what one test does is nothing to the next */
  options.password = "secret-of-the-test";
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &auth, &error));
  return auth;
}

/* A call that waits, in a thread of its own. */
typedef struct {
  nacos_auth *auth;
  nacos_cancel *cancel;
  int is_request;
  nacos_status status;
  long ended;
} waiter;

static void *wait_for_token(void *argument) {
  waiter *self = argument;
  nacos_error *error = NULL;
  if (self->is_request) {
    nacos_response *response = NULL;
    nacos_request_options request = nacos_request_options_default();
    request.path = "/v1/cs/configs";
    request.cancel = self->cancel;
    self->status = nacos_request(self->auth, &request, &response, &error);
    nacos_response_free(response);
  } else {
    char buffer[64];
    nacos_call_options call = nacos_call_options_default();
    call.cancel = self->cancel;
    self->status = nacos_get_token(self->auth, &call, buffer, sizeof(buffer), NULL, &error);
  }
  self->ended = now_ms();
  nacos_error_free(error);
  return NULL;
}

/* Until `count` calls wait for a login. */
static void until_waiting(nacos_auth *auth, uint64_t count) {
  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  const long give_up = now_ms() + 60000;
  while (now_ms() < give_up) {
    if (nacos_auth_stats(auth, &statistics, NULL) == NACOS_OK && statistics.waits >= count &&
        statistics.refresh_state == NACOS_REFRESH_IN_FLIGHT)
      return;
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  CHECK(!"the calls wait");
}

enum { WAITERS = 8 };

static void ended_by(const char *address, const char *username, int close, nacos_status expected) {
  nacos_auth *auth = client_of(address, username);
  nacos_cancel *cancel = nacos_cancel_new();
  pthread_t threads[WAITERS];
  waiter waiters[WAITERS];
  for (int i = 0; i < WAITERS; i++) {
    waiters[i] = (waiter){.auth = auth, .cancel = cancel, .is_request = i % 2};
    pthread_create(&threads[i], NULL, wait_for_token, &waiters[i]);
  }
  until_waiting(auth, WAITERS);
  const long start = now_ms();
  if (close)
    nacos_auth_close(auth, 0, NULL);
  else
    nacos_cancel_trigger(cancel);
  nacos_cancel_free(cancel); /* legal while calls carry it */
  for (int i = 0; i < WAITERS; i++) {
    pthread_join(threads[i], NULL);
    CHECK(waiters[i].status == expected);
    CHECK(waiters[i].ended - start < PROMPT_MS);
  }
  nacos_auth_free(auth);
}

static void a_deadline_holds(const char *address) {
  nacos_auth *auth = client_of(address, "deadline");
  char buffer[64];
  nacos_call_options call = nacos_call_options_default();
  call.timeout_ms = 150;
  long start = now_ms();
  CHECK_CALL(NACOS_TIMEOUT, "127.0.0.1:", nacos_get_token(auth, &call, buffer, sizeof(buffer), NULL, &error));
  CHECK(now_ms() - start >= 150 && now_ms() - start < 150 + PROMPT_MS);
  nacos_request_options request = nacos_request_options_default();
  nacos_response *response = NULL;
  request.path = "/v1/cs/configs";
  request.timeout_ms = 150;
  start = now_ms();
  CHECK_CALL(NACOS_TIMEOUT, "127.0.0.1:", nacos_request(auth, &request, &response, &error));
  CHECK(now_ms() - start >= 150 && now_ms() - start < 150 + PROMPT_MS);
  nacos_auth_free(auth);
}

static void a_signal_stays_triggered(const char *address) {
  nacos_auth *auth = client_of(address, "triggered");
  nacos_cancel *cancel = nacos_cancel_new();
  char buffer[64];
  nacos_call_options call = nacos_call_options_default();
  call.cancel = cancel;
  nacos_cancel_trigger(cancel);
  nacos_cancel_trigger(cancel);
  for (int i = 0; i < 2; i++)
    CHECK_CALL(NACOS_CANCELLED, "cancelled", nacos_get_token(auth, &call, buffer, sizeof(buffer), NULL, &error));
  nacos_cancel_free(cancel);
  nacos_auth_free(auth);
}

static void a_closed_handle_is_closed(const char *address) {
  nacos_auth *auth = client_of(address, "closed");
  char buffer[64];
  nacos_rejection rejection = nacos_rejection_default();
  nacos_advice advice = nacos_advice_default();
  nacos_response *response = NULL;
  nacos_request_options request = nacos_request_options_default();
  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  request.path = "/v1/cs/configs";
  rejection.http_status = 403;
  const uint64_t *word = nacos_auth_generation_pointer(auth);
  CHECK(word != NULL && __atomic_load_n(word, __ATOMIC_ACQUIRE) == 0); /* no token yet */
  nacos_auth_close(auth, 0, NULL);
  nacos_auth_close(auth, 0, NULL);
  CHECK(__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0 && nacos_auth_generation(auth) == 0);
  CHECK_CALL(NACOS_CLOSED, "closed", nacos_get_token(auth, NULL, buffer, sizeof(buffer), NULL, &error));
  CHECK_CALL(NACOS_CLOSED, "closed", nacos_request(auth, &request, &response, &error));
  CHECK_CALL(NACOS_CLOSED, "closed", nacos_auth_report_rejected(auth, &rejection, &advice, &error));
  CHECK_CALL(NACOS_CLOSED, "closed", nacos_auth_set_credentials(auth, "u", "p", &error));
  CHECK_CALL(NACOS_CLOSED, "closed", nacos_auth_retry(auth, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_stats(auth, &statistics, &error));
  nacos_auth_free(auth);
}

/* A handle is one of many of its session: closing one leaves the others alone. */
static void closing_one_leaves_the_other(const char *address) {
  nacos_auth *one = client_of(address, "shared"), *other = client_of(address, "shared");
  char buffer[64];
  nacos_call_options call = nacos_call_options_default();
  call.timeout_ms = 150;
  nacos_auth_free(one);
  CHECK_CALL(NACOS_TIMEOUT, "127.0.0.1:", nacos_get_token(other, &call, buffer, sizeof(buffer), NULL, &error));
  nacos_auth_free(other);
}

int main(void) {
  char address[32];
  const int listener = hung_server(address, sizeof(address));
  ended_by(address, "cancelled", 0, NACOS_CANCELLED);
  ended_by(address, "closing", 1, NACOS_CLOSED);
  a_deadline_holds(address);
  a_signal_stays_triggered(address);
  a_closed_handle_is_closed(address);
  closing_one_leaves_the_other(address);
  close(listener);
  return finish();
}
