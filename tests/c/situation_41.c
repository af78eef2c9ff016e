/* No thread can be started: calls do the library's work themselves. Run with no_threads.so preloaded, against a server
   whose tokens live 3 s. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <pthread.h>

#include "check.h"
#include "client.h"

static void *nothing(void *argument) { return argument; }

int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, nothing, NULL) != EAGAIN) {
    puts("a thread can be started: no_threads.so is not preloaded");
    return 2;
  }
  alarm(300);
  nacos_auth *by_token = client(1), *by_request = client(2);
  CHECK(has_token(by_token));
  CHECK(is_served(by_request, "POST"));
  /* Used all the time, over the ends of three lives. */
  const long start = now_ms();
  while (now_ms() < start + 10000 && failures == 0) {
    CHECK(has_token(by_token) && is_served(by_token, "POST"));
    CHECK(is_served(by_request, "GET"));
    pause_ms(20);
  }
  CHECK(statistics_of(by_token).logins >= 3 && statistics_of(by_request).logins >= 3);
  const long logins = counted("logins");
  CHECK(logins <= 2 * (1 + (now_ms() - start) / 1000)); /* a second apart at least */
  CHECK(counted("login_failures") == 0);
  CHECK(2 * counted("rejections") < logins); /* a busy machine brings a renewal late; most are not */
  /* Left alone until the token is dead: the next call brings another. */
  while (statistics_of(by_token).token_state != NACOS_TOKEN_EXPIRED && now_ms() < start + 60000) pause_ms(20);
  pause_ms(1200); /* its expiry is reckoned a second early */
  CHECK(is_served(by_token, "POST") && is_served(by_request, "GET"));
  /* And refused all of a sudden. */
  control("POST", "/secret", "");
  CHECK(is_served(by_token, "POST") && is_served(by_request, "GET"));
  nacos_auth_free(by_token);
  nacos_auth_free(by_request);
  return finish();
}
