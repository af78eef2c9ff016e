/* Kind: the machine sleeps, past the end of the token. The clock of tokens and the wall clock go on meanwhile, the
   monotonic clock stands. The functions of the C library that tell, or wait for, the time of such a clock are played
   here. */
#include <dlfcn.h>
#include <sys/timerfd.h>

#include "host.h"

#define REAL(name)               \
  static __typeof__(&name) real; \
  if (real == NULL) __extension__({ *(void **)&real = dlsym(RTLD_NEXT, #name); })

enum { MOST_FILES = 1024, HOURS = 6 * 3600 };
enum timer { NONE, STANDS, RUNS };
static volatile long slept;
static volatile int timers[MOST_FILES], timers_made, refuses_timers;

static int has_slept(clockid_t clock) {
  return clock == CLOCK_BOOTTIME || clock == CLOCK_BOOTTIME_ALARM || clock == CLOCK_REALTIME ||
         clock == CLOCK_REALTIME_ALARM || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}
static void shorten(struct timespec *time, long seconds) {
  time->tv_sec -= seconds;
  if (time->tv_sec < 0) {
    time->tv_sec = 0;
    time->tv_nsec = 1;
  }
}
int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  const int result = real(clock, time);
  if (result == 0 && has_slept(clock)) time->tv_sec += slept;
  return result;
}
int timerfd_create(clockid_t clock, int flags) {
  REAL(timerfd_create);
  if (refuses_timers) {
    errno = EMFILE;
    return -1;
  }
  const int fd = real(clock, flags);
  if (fd >= 0 && fd < MOST_FILES && has_slept(clock)) {
    timers[fd] = STANDS;
    ADD_ONE(timers_made);
  }
  return fd;
}
int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old) {
  REAL(timerfd_settime);
  struct itimerspec changed = *when;
  const int is_set = when->it_value.tv_sec != 0 || when->it_value.tv_nsec != 0;
  if (fd >= 0 && fd < MOST_FILES && timers[fd] != NONE) {
    if ((flags & TFD_TIMER_ABSTIME) != 0 && is_set) shorten(&changed.it_value, slept);
    timers[fd] = is_set ? RUNS : STANDS;
  }
  return real(fd, flags, &changed, old);
}
static void machine_sleeps(long seconds) {
  REAL(timerfd_settime);
  slept += seconds;
  for (int fd = 0; fd < MOST_FILES; fd++) {
    struct itimerspec left;
    if (timers[fd] != RUNS || timerfd_gettime(fd, &left) != 0) continue;
    shorten(&left.it_value, seconds);
    real(fd, 0, &left, NULL);
  }
}

static struct server server;
static nacos_auth *auth;

static uint64_t word(void) { return __atomic_load_n(nacos_auth_generation_pointer(auth), __ATOMIC_ACQUIRE); }
static void begin(void) {
  /* No idle connections, which are looked at every two seconds. */
  server = serve("request=token", "after=close", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  const struct outcome o = token(auth, 5000);
  if (o.status != NACOS_OK || o.expired || word() != o.generation) FAIL("set-up: %s", said(&o));
}
/* Nobody asks for the token meanwhile: whoever keeps a copy looks at the word only. */
static void is_withdrawn(void) {
  const uint64_t before = word();
  machine_sleeps(HOURS);
  if (!UNTIL(10000, word() != before)) FAIL("10 s after the resume the word still has a token that ended an hour ago");
}

TEST(what_is_over_is_withdrawn, 60) {
  begin();
  tell(&server, "login=hang");
  is_withdrawn();
  nacos_auth_free(auth);
}
TEST(it_is_renewed_without_anybody_asking, 60) {
  begin();
  is_withdrawn();
  if (!UNTIL(5000, word() != 0)) FAIL("no new token");
  must_answer(auth, "after the resume");
  nacos_auth_free(auth);
}
TEST(it_is_not_called_good, 60) {
  begin();
  tell(&server, "login=hang");
  machine_sleeps(HOURS);
  const struct outcome o = token(auth, 4000);
  if (o.status == NACOS_OK && (!o.expired || o.remaining > 0)) FAIL("right after the resume: %s", said(&o));
  nacos_auth_free(auth);
}
TEST(sleeps_one_after_the_other, 60) {
  begin();
  for (int i = 0; i < 5; i++) {
    machine_sleeps(60); /* far from the end */
    sleep_ms(50);
  }
  const uint64_t before = word();
  if (before == 0) FAIL("a token that is good has been withdrawn");
  is_withdrawn();
  if (!UNTIL(5000, word() > before)) FAIL("no new token");
  is_withdrawn();
  nacos_auth_free(auth);
}
TEST(a_child_has_a_timer_of_its_own, 60) {
  begin();
  const pid_t child = fork();
  if (child == 0) {
    must_answer(auth, "the child");
    if (token(auth, 5000).status != NACOS_OK || word() == 0) FAIL("set-up: the child has no token");
    if (!UNTIL(5000, timers_made == 2)) FAIL("the child has made no timer");
    is_withdrawn();
    _exit(0);
  }
  child_must_end(child, 30000, "after a fork");
  if (timers_made != 1) FAIL("%d timers", timers_made);
  is_withdrawn();
  nacos_auth_free(auth);
}
TEST(without_such_a_timer_tokens_are_renewed_all_the_same, 60) {
  refuses_timers = 1;
  server = serve("request=token", "ttl=6", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  const uint64_t before = word();
  if (!UNTIL(20000, word() > before)) FAIL("not renewed");
  if (timers_made != 0) FAIL("set-up: a timer was made");
  nacos_auth_free(auth);
}
