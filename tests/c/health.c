/* How a handle is, and its figures as text. NACOS_SERVER_ADDR is a server with nacos/nacos. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "client.h"

/* The health of `auth`; its reason goes into `reason`. */
static nacos_health health_of(nacos_auth *auth, nacos_error **reason) {
  nacos_health health = nacos_health_default();
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_health(auth, &health, reason, &error));
  return health;
}

/* What a readiness probe does. */
static int32_t probe(nacos_auth *auth) {
  nacos_call_options options = nacos_call_options_default();
  options.flags = NACOS_FLAG_NO_WAIT;
  char token[2048];
  if (nacos_get_token(auth, &options, token, sizeof(token), NULL, NULL) != NACOS_OK) token[0] = '\0';
  return health_of(auth, NULL).ready;
}

/* Waits until a probe says so. */
static void becomes(nacos_auth *auth, int32_t status) {
  const long deadline = now_ms() + 30000;
  while (health_of(auth, NULL).status != status && now_ms() < deadline) {
    probe(auth);
    pause_ms(5);
  }
  CHECK(health_of(auth, NULL).status == status);
}

static void probes_make_it_known(void) {
  nacos_auth *auth = client(1);
  nacos_error *reason = (nacos_error *)(void *)&checks; /* anything but NULL */
  nacos_health health = health_of(auth, &reason);
  CHECK(health.status == NACOS_HEALTH_UNKNOWN && health.ready == 0 && reason == NULL);
  CHECK(strcmp(health.cause, "") == 0 && health.remaining_ms == 0 && health.token_state == NACOS_TOKEN_NONE);
  CHECK(!probe(auth) || health_of(auth, NULL).status == NACOS_HEALTH_OK);
  becomes(auth, NACOS_HEALTH_OK);
  health = health_of(auth, &reason);
  CHECK(health.ready == 1 && reason == NULL && strcmp(health.cause, "") == 0);
  CHECK(health.remaining_ms > 0 && health.failing_for_ms == 0 && health.retry_in_ms == 0);
  CHECK(health.token_state == NACOS_TOKEN_FRESH && health.refresh_state == NACOS_REFRESH_IDLE);

  /* Of the same user: the old token serves while the new password is refused. */
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(auth, "nacos", "hunter2", &error));
  becomes(auth, NACOS_HEALTH_DEGRADED);
  health = health_of(auth, &reason);
  CHECK(health.ready == 1 && health.failing_for_ms > 0 && health.remaining_ms > 0 && health.retry_in_ms > 0);
  CHECK(strcmp(nacos_health_name(health.status), "DEGRADED") == 0);
  CHECK(strcmp(health.cause, NACOS_CAUSE_WRONG_CREDENTIALS) == 0);
  CHECK(nacos_error_status(reason) == NACOS_BAD_CREDENTIALS);
  CHECK(strcmp(nacos_error_cause(reason), health.cause) == 0);
  CHECK(strcmp(nacos_error_server(reason), address_in("NACOS_SERVER_ADDR")) == 0);
  CHECK(strstr(nacos_error_message(reason), "hunter2") == NULL && nacos_error_retry_after_ms(reason) > 0);
  nacos_error_free(reason);

  /* In the child of a fork it is the same: nothing of its parent's is waited for. It ends at once, as valgrind takes
   * what threads of the parent's hold for lost there. */
  const pid_t child = fork();
  if (child == 0) {
    if (health_of(auth, NULL).status == NACOS_HEALTH_DEGRADED) kill(getpid(), SIGKILL);
    _exit(1);
  }
  int ended = 0;
  CHECK(waitpid(child, &ended, 0) == child && WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);

  /* Of another user, it does not. */
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(auth, "nobody", "hunter2", &error));
  CHECK(health_of(auth, NULL).status == NACOS_HEALTH_UNKNOWN);
  becomes(auth, NACOS_HEALTH_DOWN);
  health = health_of(auth, NULL);
  CHECK(health.ready == 0 && health.cause[0] != '\0' && health.remaining_ms == 0);

  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(auth, "nacos", "nacos", &error));
  becomes(auth, NACOS_HEALTH_OK);
  nacos_auth_close(auth, 0, NULL);
  health = health_of(auth, &reason);
  CHECK(health.status == NACOS_HEALTH_DOWN && strcmp(health.cause, NACOS_CAUSE_CLOSED) == 0);
  CHECK(nacos_error_status(reason) == NACOS_CLOSED);
  nacos_error_free(reason);
  nacos_auth_free(auth);
}

static void figures_are_text(void) {
  nacos_auth *auths[] = {client(2), client(3)};
  const char *names[] = {"orders", "a\"b\\c"};
  nacos_metrics *metrics = NULL;
  CHECK(is_served(auths[0], "GET"));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_metrics(auths, NULL, 1, &metrics, &error));
  const char *text = nacos_metrics_text(metrics);
  CHECK(strstr(text, "# TYPE nacos_auth_logins_total counter\n") != NULL);
  CHECK(strstr(text, "\nnacos_auth_logins_total{reason=\"first\",result=\"success\"} 1\n") != NULL);
  CHECK(strstr(text, "\nnacos_auth_health{status=\"ok\"} 1\n") != NULL);
  CHECK(strstr(text, "nacos_auth_build_info{version=\"" NACOS_AUTH_VERSION "\"} 1\n") != NULL);
  nacos_metrics_free(metrics);

  nacos_auth_close(auths[1], 0, NULL);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_metrics(auths, names, 2, &metrics, &error));
  text = nacos_metrics_text(metrics);
  CHECK(strstr(text, "\nnacos_auth_requests_total{client=\"orders\"} 1\n") != NULL);
  CHECK(strstr(text, "\nnacos_auth_requests_total{client=\"a\\\"b\\\\c\"} 0\n") != NULL);
  CHECK(strstr(text, "\nnacos_auth_health_cause{client=\"a\\\"b\\\\c\",cause=\"closed\"} 1\n") != NULL);
  CHECK(strstr(text, "nacos_auth_health_cause{client=\"orders\"") == NULL);
  nacos_metrics_free(metrics);

  names[1] = names[0];
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "\"orders\" twice", nacos_auth_metrics(auths, names, 2, &metrics, &error));
  CHECK(metrics == NULL);
  names[1] = NULL;
  CHECK_CALL(NACOS_NULL_ARGUMENT, "names[1]", nacos_auth_metrics(auths, names, 2, &metrics, &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "names", nacos_auth_metrics(auths, NULL, 2, &metrics, &error));
  nacos_auth *with_none[] = {auths[0], NULL};
  names[1] = "b";
  CHECK_CALL(NACOS_NULL_ARGUMENT, "auths[1]", nacos_auth_metrics(with_none, names, 2, &metrics, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_metrics(NULL, NULL, 0, &metrics, &error));
  nacos_metrics_free(metrics);
  for (int i = 0; i < 2; i++) nacos_auth_free(auths[i]);
}

int main(void) {
  probes_make_it_known();
  figures_are_text();
  return finish();
}
