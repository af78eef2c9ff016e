/* Kind: faults of the machine that have no file of their own. The process is stopped for longer than a token lives, an
   interval timer interrupts every system call, the wall clock jumps, memory for a large answer is not to be had, hung
   look-ups pile up. */
#include <dlfcn.h>
#include <netdb.h>
#include <sys/time.h>

#include "host.h"

#define REAL(name)               \
  static __typeof__(&name) real; \
  if (real == NULL) __extension__({ *(void **)&real = dlsym(RTLD_NEXT, #name); })

static struct server server;

/* The wall clock: what tells it, and nothing else, is played. */

static volatile long jumped;
int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  const int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += jumped;
  return result;
}

/* Memory */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
static size_t largest = SIZE_MAX; /* what is larger is not to be had */
static int denied;
static int is_denied(size_t size) {
  if (size <= GET_FLAG(largest)) return 0;
  ADD_ONE(denied);
  errno = ENOMEM;
  return 1;
}
void *malloc(size_t size) { return is_denied(size) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return is_denied(count * size) ? NULL : __libc_calloc(count, size); }
void *realloc(void *memory, size_t size) { return is_denied(size) ? NULL : __libc_realloc(memory, size); }

/* Names */

static int lookups_hang;
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  REAL(getaddrinfo);
  if (node != NULL && strstr(node, ".test") != NULL && GET_FLAG(lookups_hang)) sleep_ms(60000);
  return real(node, service, hints, result);
}

/* Stopped */

/* By somebody else, as a debugger or a batch system does it. */
static void be_stopped(long ms) {
  const long began = now_ms();
  const pid_t self = getpid(), other = fork();
  if (other == 0) {
    kill(self, SIGSTOP);
    sleep_ms(ms);
    kill(self, SIGCONT);
    _exit(0);
  }
  if (!UNTIL(ms + 20000, waitpid(other, NULL, WNOHANG) == other)) FAIL("set-up: the other process does not end");
  if (now_ms() - began < ms) FAIL("set-up: not stopped");
}
/* The server knows no token that is older than it lives. */
static void stopped(const char *first, const char *what) {
  server = serve("request=token", "ttl=3", first, NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  for (int round = 0; round < rounds(1, 3); round++) {
    be_stopped(5000);
    const struct outcome t = token(auth, 5000);
    if (t.status != NACOS_OK || t.expired || t.remaining <= 0)
      FAIL("%s: the first token afterwards: %s", what, said(&t));
    const long refused = ask(&server, "refused");
    const struct outcome o = get(auth, 5000);
    if (o.http != 200) FAIL("%s: the first request with it: %s", what, said(&o));
    if (ask(&server, "refused") != refused) FAIL("%s: the first token afterwards was no good", what);
  }
  be_stopped(5000);
  const struct outcome o = get(auth, 5000);
  if (o.http != 200) FAIL("%s: a request as the first thing afterwards: %s", what, said(&o));
  nacos_auth_free(auth);
}
TEST(stopped_longer_than_a_token_lives, 60) { stopped("after=keep", "stopped"); }
TEST(stopped_and_idle_connections_closed_meanwhile, 60) { stopped("idle=2", "stopped, idle connections closed"); }
TEST(stopped_in_the_middle_of_a_login, 60) {
  server = serve("login=delay:2", NULL);
  nacos_auth *auth = open_at(server.address);
  const pid_t self = getpid(), other = fork();
  if (other == 0) {
    sleep_ms(700);
    kill(self, SIGSTOP);
    sleep_ms(4000);
    kill(self, SIGCONT);
    _exit(0);
  }
  const struct outcome o = token(auth, 20000);
  if (o.status != NACOS_OK) FAIL("the login's answer came while the process was stopped: %s", said(&o));
  waitpid(other, NULL, 0);
  nacos_auth_free(auth);
}

/* Interrupted */

static int interrupts;
static void on_alarm(int number) {
  (void)number;
  ADD_ONE(interrupts);
}
/* A thousand times a second, by a handler that lets no system call go on. */
static void interrupt(int is_on) {
  struct sigaction action;
  const struct itimerval every = {{0, is_on ? 1000 : 0}, {0, is_on ? 1000 : 0}};
  memset(&action, 0, sizeof(action));
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &every, NULL);
}
static void *free_it(void *auth) {
  nacos_auth_free((nacos_auth *)auth);
  return NULL;
}
static void interrupted(const char *first, const char *second, int tls, const char *what) {
  server = serve("request=delay:0.03", first, second, NULL);
  nacos_auth_options options = options_for(tls ? server.url : server.name);
  if (tls) options.ca_file = certificate("ca.pem");
  interrupt(1);
  for (int i = 0; i < 12; i++) {
    char user[16];
    snprintf(user, sizeof(user), "user-%d", i);
    options.username = user;
    nacos_auth *auth = open_with(&options);
    const struct outcome t = token(auth, 8000);
    if (t.status != NACOS_OK) FAIL("%s, a login: %s", what, said(&t));
    struct outcome o = get(auth, 8000);
    if (o.http != 200) FAIL("%s, a request: %s", what, said(&o));
    o = send_body(auth, "POST", 1 << 20, 8000);
    if (o.http != 200) FAIL("%s, a large one: %s", what, said(&o));
    const long began = now_ms();
    nacos_auth_close(auth, 0, NULL);
    nacos_auth_free(auth);
    if (now_ms() - began > 2000) FAIL("%s: close takes %ld ms", what, now_ms() - began);
  }
  interrupt(0);
  if (GET_FLAG(interrupts) < 200) FAIL("set-up: only %d signals came", GET_FLAG(interrupts));
}
TEST(interrupted_a_thousand_times_a_second, 60) { interrupted("login=delay:0.05", "after=keep", 0, "plain"); }
TEST(interrupted_a_thousand_times_a_second_over_tls, 60) { interrupted("tls=server", "login=delay:0.05", 1, "TLS"); }
TEST(interrupted_through_a_deadline_and_a_close, 60) {
  server = serve("login=hang", NULL);
  nacos_auth *auth = open_at(server.address);
  interrupt(1);
  const struct outcome o = token(auth, 1000);
  if (o.status != NACOS_TIMEOUT || o.took < 900 || o.took > 3000) FAIL("a deadline of 1 s: %s", said(&o));
  const pthread_t thread = start_thread(free_it, auth);
  if (!ends_within(thread, 5000)) FAIL("nacos_auth_free does not end");
  interrupt(0);
}

/* The wall clock */

static void jumps(long by, const char *what) {
  server = serve("request=token", "ttl=4", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  const struct outcome before = token(auth, 5000);
  jumped = by;
  const struct outcome after = token(auth, 5000);
  if (after.status != NACOS_OK || after.generation != before.generation || after.expired)
    FAIL("%s: the token is another: %s", what, said(&after));
  if (after.remaining > before.remaining || after.remaining < before.remaining - 3000)
    FAIL("%s: %lld ms of its life were left, now %lld", what, (long long)before.remaining, (long long)after.remaining);
  const long logins = ask(&server, "login");
  sleep_ms(1000);
  if (ask(&server, "login") > logins + 1) FAIL("%s: logged in again", what);
  /* Renewed in time all the same. */
  for (int i = 0; i < 36; i++) {
    must_answer(auth, what);
    sleep_ms(150);
  }
  if (ask(&server, "refused") != 0) FAIL("%s: a token was refused", what);
  if (ask(&server, "login") > logins + 6) FAIL("%s: %ld logins", what, ask(&server, "login"));
  jumped = 0;
  nacos_auth_free(auth);
}
TEST(the_wall_clock_jumps_ahead, 60) { jumps(400 * 86400L, "400 days ahead"); }
TEST(the_wall_clock_jumps_back, 60) { jumps(-400 * 86400L, "400 days back"); }
TEST(the_wall_clock_stands_before_its_epoch, 60) { jumps(-80L * 366 * 86400, "back before 1970"); }

/* What does go by the wall clock, which shows that the library sees it jump. */
TEST(certificates_are_judged_by_the_wall_clock, 40) {
  static const struct {
    long by;
    const char *word;
  } jumps_to[] = {{0, NULL}, {400 * 86400L, "expired"}, {-400 * 86400L, "not valid yet"}, {0, NULL}};
  server = serve("tls=server", "after=close", NULL);
  for (int i = 0; i < 4; i++) {
    nacos_auth_options options = options_for(server.url);
    char user[16];
    snprintf(user, sizeof(user), "user-%d", i);
    options.ca_file = certificate("ca.pem");
    options.username = user;
    jumped = jumps_to[i].by;
    nacos_auth *auth = open_with(&options);
    const struct outcome o = token(auth, 3000);
    const char *word = jumps_to[i].word;
    if (word == NULL ? o.status != NACOS_OK : (o.status != NACOS_TLS || strstr(o.text, word) == NULL))
      FAIL("the wall clock is %ld days off: %s", jumps_to[i].by / 86400, said(&o));
    nacos_auth_free(auth);
  }
}

/* No memory */

static void no_memory(const char *coding, const char *what) {
  server = serve("request=burst:20000000", coding, NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  __atomic_store_n(&largest, 4u << 20, __ATOMIC_SEQ_CST);
  const struct outcome o = get(auth, 8000);
  if (GET_FLAG(denied) == 0) FAIL("set-up: no memory was asked for");
  if (o.status != NACOS_INTERNAL || strstr(o.text, "memory") == NULL) FAIL("%s: %s", what, said(&o));
  /* What needs little goes on, an upload too, which is sent piece by piece. */
  tell(&server, "request=ok");
  must_answer(auth, "a small answer");
  __atomic_store_n(&largest, SIZE_MAX, __ATOMIC_SEQ_CST);
  tell(&server, "request=burst:20000000");
  must_answer(auth, "with memory again");
  nacos_auth_free(auth);
}
TEST(no_memory_for_a_large_answer, 40) { no_memory("coding=", "no memory"); }
TEST(no_memory_for_a_large_compressed_answer, 40) { no_memory("coding=gzip", "no memory for what is compressed"); }

/* Names that hang: at most 64 threads wait for them, however many names and callers there are, and none is left. */
static void *one_token(void *auth) {
  const struct outcome o = token((nacos_auth *)auth, 1500);
  must_be_sensible(&o, "a hung look-up");
  if (o.status == NACOS_OK || o.took > 6000) FAIL("a hung look-up and a deadline of 1.5 s: %s", said(&o));
  return NULL;
}
TEST(hung_lookups_do_not_pile_up, 60) {
  enum { NAMES = 150 };
  static pthread_t all[NAMES];
  static nacos_auth *handles[NAMES];
  SET_FLAG(lookups_hang);
  for (int i = 0; i < NAMES; i++) {
    char name[32];
    snprintf(name, sizeof(name), "name-%d.test:8848", i);
    handles[i] = open_at(name);
    all[i] = start_thread(one_token, handles[i]);
  }
  sleep_ms(1000);
  if (threads() > NAMES + 64 + 4) FAIL("%d threads for %d callers of as many hung names", threads(), NAMES);
  for (int i = 0; i < NAMES; i++)
    if (!ends_within(all[i], 10000)) FAIL("a call does not end");
  const long began = now_ms();
  for (int i = 0; i < NAMES; i++) nacos_auth_free(handles[i]);
  if (now_ms() - began > 5000) FAIL("%d handles are freed in %ld ms", NAMES, now_ms() - began);
  if (!UNTIL(3000, threads() <= 1 + 64)) FAIL("%d threads are left", threads());
}
