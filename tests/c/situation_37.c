/* A fork in the middle of a login, 1,000 times, of a parent with threads at work. NACOS_SERVER_ADDR is a server whose
   logins take some 300 ms. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "client.h"

enum { FORKS = 1000, AT_ONCE = 128, LIMIT_S = 120, PUBLISHERS = 4 };

static volatile int stop;

/* Any use of a connection of the parent's by a child would break a request here, and a POST is not sent again. */
static void *publish(void *argument) {
  long failures = 0;
  while (!stop) {
    failures += !is_served(argument, "POST");
    pause_ms(5);
  }
  return (void *)failures;
}

static void *log_in(void *argument) { return has_token(argument) ? NULL : argument; }

static int is_in_flight(nacos_auth *auth) { return statistics_of(auth).refresh_state == NACOS_REFRESH_IN_FLIGHT; }

/* 0 if the child of a fork is served, at the cost of a login at the most, in time. */
static int child(nacos_auth *auth, int number) {
  alarm(LIMIT_S); /* kills a child that hangs */
  const uint64_t before = statistics_of(auth).logins;
  const int served = number % 2 ? has_token(auth) : is_served(auth, "GET");
  const nacos_auth_statistics after = statistics_of(auth);
  if (!served) return 1;
  if (after.logins > before + 1 || after.login_failures != 0) return 2;
  if (number % 3 == 0) nacos_auth_free(auth);
  return 0;
}

static int alive;

/* Waits for one child. */
static void reap(void) {
  int status = -1;
  CHECK(wait(&status) > 0);
  alive--;
  CHECK(!WIFSIGNALED(status)); /* SIGALRM: hung */
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  nacos_auth *warm = client(1);
  CHECK(is_served(warm, "GET"));
  pthread_t publishers[PUBLISHERS];
  for (int i = 0; i < PUBLISHERS; i++) pthread_create(&publishers[i], NULL, publish, warm);

  int in_the_middle = 0, forks = 0;
  uint32_t handles = 0;
  const long give_up = now_ms() + 300000;
  for (; in_the_middle < FORKS && failures == 0 && now_ms() < give_up; handles++) {
    nacos_auth *auth = client(2 + handles); /* a session of its own, without a token */
    pthread_t waiter;
    void *failed = auth;
    pthread_create(&waiter, NULL, log_in, auth);
    while (statistics_of(auth).waits == 0 && now_ms() < give_up) pause_ms(1);
    while (in_the_middle < FORKS && is_in_flight(auth)) {
      if (alive == AT_ONCE) {
        reap();
        continue;
      }
      const pid_t pid = fork();
      if (pid == 0) _exit(child(auth, forks));
      CHECK(pid > 0);
      if (pid < 0) break;
      alive++, forks++;
      in_the_middle += is_in_flight(auth);
    }
    pthread_join(waiter, &failed);
    CHECK(failed == NULL); /* the parent's own login ends well */
    const nacos_auth_statistics statistics = statistics_of(auth);
    CHECK(statistics.logins == 1 && statistics.login_failures == 0);
    CHECK(is_served(auth, "POST"));
    nacos_auth_free(auth);
  }
  while (alive > 0) reap();
  stop = 1;
  for (int i = 0; i < PUBLISHERS; i++) {
    void *failed = warm;
    pthread_join(publishers[i], &failed);
    CHECK(failed == NULL);
  }
  printf("%d forks, %d of them in the middle of one of %u logins\n", forks, in_the_middle, handles);
  CHECK(in_the_middle == FORKS);
  CHECK(counted("logins") <= 1 + (long)handles + forks && counted("login_failures") == 0);
  CHECK(counted("rejections") == 0);
  nacos_auth_free(warm);
  return finish();
}
