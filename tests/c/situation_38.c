/* 64 workers forked from a parent that has its token: they use it, and log in when its time comes. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "client.h"

enum { WORKERS = 64, REQUESTS = 20, LIMIT_S = 120 };

/* A gate that opens for all workers at once: reading ends when the parent closes its end. */
static int gate[2];

static int work(nacos_auth *auth, int (*task)(nacos_auth *)) {
  char nothing;
  alarm(LIMIT_S); /* kills a worker that hangs */
  close(gate[1]);
  if (read(gate[0], &nothing, 1) != 0) return 9;
  return task(auth);
}

static void start_workers(nacos_auth *auth, int (*task)(nacos_auth *)) {
  CHECK(pipe(gate) == 0);
  for (int i = 0; i < WORKERS; i++) {
    const pid_t pid = fork();
    if (pid == 0) _exit(work(auth, task));
    CHECK(pid > 0);
  }
  close(gate[0]);
  close(gate[1]);
}

static void end_workers(void) {
  for (int i = 0; i < WORKERS; i++) {
    int status = -1;
    CHECK(wait(&status) > 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

static int uses_the_token(nacos_auth *auth) {
  const uint64_t before = statistics_of(auth).logins;
  for (int i = 0; i < REQUESTS; i++)
    if (!has_token(auth) || !is_served(auth, i % 2 ? "GET" : "POST")) return 1;
  return statistics_of(auth).logins == before ? 0 : 2;
}

/* Requests until the inherited token has been renewed, once. */
static int renews_the_token(nacos_auth *auth) {
  const uint64_t before = statistics_of(auth).logins, inherited = statistics_of(auth).generation;
  while (statistics_of(auth).generation == inherited) {
    if (!is_served(auth, "GET")) return 1;
    pause_ms(200);
  }
  return statistics_of(auth).logins == before + 1 ? 0 : 2;
}

static void no_logins(void) {
  nacos_auth *auth = client(1);
  CHECK(is_served(auth, "POST"));
  const long connections = counted("connections");
  pause_ms(100); /* as below */
  start_workers(auth, uses_the_token);
  for (int i = 0; i < REQUESTS; i++) CHECK(is_served(auth, "POST"));
  end_workers();
  CHECK(is_served(auth, "POST"));
  CHECK(counted("logins") == 1 && counted("login_failures") == 0);
  /* Each worker has a connection of its own, and the parent still its old one. */
  CHECK(counted("connections") == connections + WORKERS);
  nacos_auth_free(auth);
}

static void logins_in_their_windows(void) {
  control("POST", "/ttl", "{\"seconds\":6}");
  control("POST", "/counts/reset", "");
  nacos_auth *auth = client(2);
  const long start = now_ms();
  CHECK(is_served(auth, "POST"));
  pause_ms(100); /* a child forked while the library's thread is at work begins without a token */
  start_workers(auth, renews_the_token);
  while (now_ms() < start + 2500) pause_ms(50); /* the windows open some 3.5 s after the login */
  const long early = counted("logins");
  if (now_ms() < start + 3000) CHECK(early == 1); /* a busy machine may ask too late */
  end_workers();
  CHECK(is_served(auth, "POST"));
  CHECK(counted("login_failures") == 0);
  CHECK(counted("rejections") < WORKERS / 2); /* a busy machine brings a renewal late; most are not */
  const long logins = counted("logins");
  CHECK(logins >= 1 + WORKERS && logins <= 2 + WORKERS + 1);
  nacos_auth_free(auth);
}

int main(void) {
  no_logins();
  logins_in_their_windows();
  return finish();
}
