/* Kind: the library's threads. They have every signal blocked, at every moment of their lives; none is left when the
   last handle is gone; and callers may have small stacks, strange masks and signals that come all the time. */
#include <dlfcn.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "host.h"

static struct server server;
static long slow_lookup;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (real == NULL) {
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof(real));
  }
  sleep_ms(GET_FLAG(slow_lookup));
  return real(node, service, hints, result);
}

/* Masks */

/* Threads of the program, which block what they like. */
static long own[64];
static int owns;
static void is_own(void) { own[__atomic_fetch_add(&owns, 1, __ATOMIC_SEQ_CST)] = syscall(SYS_gettid); }

/* What nobody can block, and what the C library keeps for itself. */
static unsigned long long blockable(void) {
  return ~(1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1) | 1ULL << 31 | 1ULL << 32);
}
static void look_at(const char *thread, const char *when, int *seen) {
  char path[300], line[256], name[64] = "", state = 0;
  unsigned long long blocked = 0;
  int found = 0;
  for (int i = 0; i < owns; i++)
    if (own[i] == atol(thread)) return;
  snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
    if (sscanf(line, "Name: %63s", name) == 1) continue;
    if (sscanf(line, "State: %c", &state) == 1) continue;
    if (sscanf(line, "SigBlk: %llx", &blocked) == 1) found = 1;
  }
  if (file != NULL) fclose(file);
  if (!found || state == 'X' || state == 'Z') return; /* it has ended meanwhile */
  /* What ends just now has no mask any more; whatever goes on has one. */
  if (blocked == 0 && UNTIL(2000, access(path, F_OK) != 0)) return;
  ADD_ONE(*seen);
  if ((blocked & blockable()) != blockable())
    FAIL("%s: the thread \"%s\" blocks %llx, and not all signals", when, name, blocked);
}
static void look_at_all(const char *when, int *seen) {
  DIR *open = opendir("/proc/self/task");
  for (const struct dirent *entry = open != NULL ? readdir(open) : NULL; entry != NULL; entry = readdir(open))
    if (entry->d_name[0] != '.') look_at(entry->d_name, when, seen);
  if (open != NULL) closedir(open);
}

static int over;
static void *requests(void *auth) {
  is_own();
  while (!GET_FLAG(over)) (void)get((nacos_auth *)auth, 3000);
  return NULL;
}
static void *new_handles(void *options) {
  is_own();
  for (uint32_t i = 0; !GET_FLAG(over); i++) {
    nacos_auth_options mine = *(const nacos_auth_options *)options;
    mine.connect_timeout_ms = 1000 + i % 1000;
    nacos_auth *auth = open_with(&mine);
    (void)token(auth, 3000);
    nacos_auth_free(auth);
  }
  return NULL;
}
static void watch(nacos_auth_options options, const char *what) {
  int seen = 0;
  is_own();
  nacos_auth *auth = open_with(&options);
  const pthread_t one = start_thread(requests, auth), other = start_thread(new_handles, &options);
  if (!UNTIL(5000, GET_FLAG(owns) == 3)) FAIL("set-up: no threads");
  for (const long end = now_ms() + 2500; now_ms() < end;) look_at_all(what, &seen);
  SET_FLAG(over);
  pthread_join(one, NULL);
  pthread_join(other, NULL);
  look_at_all(what, &seen);
  nacos_auth_free(auth);
  if (seen == 0) FAIL("set-up: no thread of the library was seen");
  if (!UNTIL(5000, threads() == 1)) FAIL("%s: %d threads stay when all handles are freed", what, threads() - 1);
}
TEST(blocked_while_logging_in, 30) {
  server = serve("after=close", NULL);
  watch(options_for(server.address), "logins");
}
TEST(blocked_while_looking_up_names, 30) {
  server = serve("after=close", NULL);
  slow_lookup = 30;
  watch(options_for(server.name), "lookups of names");
}
TEST(blocked_over_tls, 30) {
  server = serve("tls=server", "after=close", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  watch(options, "TLS");
}
TEST(blocked_while_reading_a_password_file, 30) {
  server = serve("after=close", NULL);
  write_file("password", "nacos");
  nacos_auth_options options = options_for(server.address);
  options.password = NULL;
  options.password_file = "password";
  watch(options, "a password file");
}

static pthread_t main_thread;
static void must_be_masked(const char *where) {
  sigset_t mask;
  if (pthread_equal(pthread_self(), main_thread) || GET_FLAG(over)) return; /* told by nacos_auth_close */
  for (int i = 0; i < owns; i++)
    if (own[i] == syscall(SYS_gettid)) return;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  for (int number = 1; number < 32; number++)
    if (number != SIGKILL && number != SIGSTOP && !sigismember(&mask, number))
      FAIL("%s: signal %d is not blocked", where, number);
}
static void on_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  must_be_masked("in a log callback");
}
static void on_event(void *data, const nacos_event *event) {
  (void)data, (void)event;
  must_be_masked("in an event callback");
}
static void supply(void *data, nacos_credentials *credentials) {
  (void)data;
  must_be_masked("in a credentials callback");
  sleep_ms(5);
  if (nacos_credentials_set_password(credentials, "nacos", "nacos", NULL) != NACOS_OK) FAIL("set-up: credentials");
}
TEST(blocked_in_callbacks, 30) {
  server = serve("after=close", NULL);
  main_thread = pthread_self();
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.log = on_log;
  options.event = on_event;
  options.credentials = supply;
  options.log_level = NACOS_LOG_DEBUG;
  watch(options, "callbacks");
}

/* The caller's own mask, and its signals */

TEST(the_callers_mask_stays, 30) {
  sigset_t before, after;
  server = serve("tls=server", "after=close", NULL);
  sigemptyset(&before);
  sigaddset(&before, SIGUSR1);
  sigaddset(&before, SIGALRM);
  for (int round = 0; round < 2; round++) {
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    nacos_auth *auth = open_tls(&server);
    must_serve(auth);
    (void)send_body(auth, "POST", 1 << 20, 3000);
    (void)token(auth, 1000);
    nacos_auth_free(auth);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int number = 1; number < 65; number++)
      if (number != 32 && number != 33 && sigismember(&before, number) != sigismember(&after, number))
        FAIL("the mask of the caller has changed: signal %d", number);
    sigaddset(&before, SIGPIPE);
  }
}
TEST(no_broken_pipe_is_left_pending, 30) {
  sigset_t mask, pending;
  sigemptyset(&mask);
  sigaddset(&mask, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &mask, NULL);
  signal(SIGPIPE, SIG_DFL);
  server = serve("tls=server", "after=reset", "post=early", NULL);
  nacos_auth *auth = open_tls(&server);
  for (int i = 0; i < 40; i++) (void)(i % 8 ? get(auth, 3000) : send_body(auth, "POST", 4 << 20, 3000));
  nacos_auth_free(auth);
  sigpending(&pending);
  if (sigismember(&pending, SIGPIPE)) FAIL("a SIGPIPE is pending, and would kill the host when it opens its mask");
}

static int strangers, handled;
static void note_thread(int number) {
  (void)number;
  if (!pthread_equal(pthread_self(), main_thread)) SET_FLAG(strangers);
  ADD_ONE(handled);
}
static void *send_signals(void *unused) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  while (!GET_FLAG(over)) {
    kill(getpid(), SIGUSR1);
    usleep(500);
  }
  return unused;
}
static void interrupted(const char *address, const char *authority, int restart, const char *what) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = note_thread;
  action.sa_flags = restart ? SA_RESTART : 0;
  main_thread = pthread_self();
  sigaction(SIGUSR1, &action, NULL);
  const pthread_t sender = start_thread(send_signals, NULL);
  nacos_auth_options options = options_for(address);
  options.ca_file = authority;
  for (uint32_t i = 0; i < 15; i++) {
    options.connect_timeout_ms = 2000 + i;
    nacos_auth *auth = open_with(&options);
    struct outcome o = get(auth, 8000);
    if (o.http != 200) FAIL("%s, and signals all the time: %s", what, said(&o));
    o = send_body(auth, "POST", 300000, 8000);
    if (o.http != 200) FAIL("%s, and signals all the time: %s", what, said(&o));
    nacos_auth_free(auth);
  }
  SET_FLAG(over);
  pthread_join(sender, NULL);
  if (GET_FLAG(handled) == 0) FAIL("set-up: no signal came");
  if (GET_FLAG(strangers)) FAIL("%s: a handler of the program ran on a thread of the library", what);
}
TEST(calls_interrupted_by_signals, 40) {
  server = serve("request=delay:0.05", NULL);
  interrupted(server.name, NULL, 0, "plain");
}
TEST(calls_interrupted_by_signals_over_tls, 40) {
  server = serve("request=delay:0.05", "tls=server", NULL);
  interrupted(server.url, certificate("ca.pem"), 0, "TLS");
}
TEST(calls_interrupted_by_signals_that_restart, 40) {
  server = serve("request=delay:0.05", NULL);
  interrupted(server.address, NULL, 1, "plain");
}

/* None left */

TEST(none_left_after_free, 30) {
  server = serve("after=close", NULL);
  for (int round = 0; round < 3; round++) {
    nacos_auth *all[8];
    nacos_auth_options options = options_for(server.name);
    options.log = on_log;
    main_thread = pthread_self();
    SET_FLAG(over);
    for (uint32_t i = 0; i < 8; i++) {
      options.connect_timeout_ms = 1000 + i;
      all[i] = open_with(&options);
      must_serve(all[i]);
    }
    for (int i = 0; i < 8; i++) nacos_auth_free(all[i]);
    if (!UNTIL(5000, threads() == 1)) FAIL("%d threads stay when all handles are freed", threads() - 1);
  }
}
TEST(none_left_though_a_login_hung, 30) {
  server = serve("login=hang", NULL);
  nacos_auth *auth = open_at(server.name);
  (void)token(auth, 300);
  nacos_auth_free(auth);
  if (!UNTIL(5000, threads() == 1)) FAIL("%d threads stay, of a login that hung", threads() - 1);
}
TEST(none_left_though_nobody_was_there, 30) {
  nacos_auth *auth = open_at(closed_port());
  (void)token(auth, 300);
  (void)get(auth, 300);
  nacos_auth_free(auth);
  if (!UNTIL(5000, threads() == 1)) FAIL("%d threads stay, of logins that failed", threads() - 1);
}
TEST(none_before_the_first_token, 20) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.name);
  (void)statistics_of(auth);
  if (threads() != 1) FAIL("nacos_auth_init starts %d threads", threads() - 1);
  nacos_auth_free(auth);
}

/* Small stacks, as servers with thousands of threads give them. */

enum { SMALL = 64 * 1024, SMALL_FOR_TLS = 128 * 1024 };
static void *life(void *options) {
  nacos_auth *auth = open_with((const nacos_auth_options *)options);
  must_serve(auth);
  const struct outcome o = post(auth, 5000);
  if (o.http != 200) FAIL("on a small stack: %s", said(&o));
  (void)statistics_of(auth);
  if (set_password(auth, "another") != NACOS_OK) FAIL("on a small stack: nacos_auth_set_credentials");
  (void)token(auth, 5000);
  nacos_auth_close(auth, 0, NULL);
  nacos_auth_free(auth);
  return NULL;
}
static void *failures_of_a_life(void *options) {
  nacos_auth *auth = open_with((const nacos_auth_options *)options);
  (void)get(auth, 1000);
  (void)token(auth, 200);
  nacos_auth_free(auth);
  return NULL;
}
static void on_a_small_stack(void *(*run)(void *), nacos_auth_options options) {
  const size_t size = strncmp(options.server_addr, "https", 5) == 0 ? SMALL_FOR_TLS : SMALL;
  for (int i = 0; i < 3; i++) pthread_join(thread_with_stack(run, &options, size), NULL);
}
TEST(on_a_small_stack_plain, 30) {
  server = serve("login=ok", NULL);
  on_a_small_stack(life, options_for(server.address));
}
TEST(on_a_small_stack_by_name, 30) {
  server = serve("login=ok", NULL);
  on_a_small_stack(life, options_for(server.name));
}
TEST(on_a_small_stack_over_tls, 30) {
  server = serve("tls=server", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  on_a_small_stack(life, options);
}
TEST(on_a_small_stack_with_the_systems_authorities, 30) {
  server = serve("tls=server", NULL);
  on_a_small_stack(failures_of_a_life, options_for(server.url));
}
TEST(on_a_small_stack_with_a_client_certificate, 30) {
  server = serve("tls=server", "clients=ca", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  options.client_cert_file = certificate("client-one.pem");
  options.client_key_file = certificate("client-one.key");
  on_a_small_stack(life, options);
}
TEST(on_a_small_stack_with_failures, 40) {
  static const char *const manners[] = {"login=status:403:unknown user!", "login=status:500:no", "login=close",
                                        "login=nonsense", "login=hang"};
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = on_log;
  options.event = on_event;
  SET_FLAG(over);
  for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++) {
    tell(&server, manners[i]);
    on_a_small_stack(failures_of_a_life, options);
  }
  on_a_small_stack(failures_of_a_life, options_for(closed_port()));
}
