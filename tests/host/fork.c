/* Kind: fork, while threads of the parent are in the middle of something. Whatever a child does first thing does not
   hang, does not crash and makes sense. */
#include <sys/time.h>

#include "host.h"

static nacos_auth *auth;
static nacos_cancel *signal_of_all;
static struct server server;
static int logins_hang; /* so that no child gets a token */

/* What a child does first */

static void token_or_reason(nacos_auth *of, const char *what) {
  const struct outcome o = token(of, logins_hang ? 200 : 8000);
  must_be_sensible(&o, what);
  if (!logins_hang && o.status != NACOS_OK) FAIL("%s: %s", what, said(&o));
  if (logins_hang && o.status != NACOS_TIMEOUT) FAIL("%s, while logins hang: %s", what, said(&o));
}

static void first_stats(void) { (void)statistics_of(auth); }
static void first_set_credentials(void) {
  if (set_password(auth, "of the child") != NACOS_OK) FAIL("nacos_auth_set_credentials in a child");
}
static void first_set_token(void) {
  if (nacos_auth_set_token(auth, "of-the-child", 60000, NULL) != NACOS_OK) FAIL("nacos_auth_set_token in a child");
  const struct outcome o = token(auth, 2000);
  if (o.status != NACOS_OK || strcmp(o.text, "of-the-child") != 0)
    FAIL("nacos_auth_set_token in a child: %s", said(&o));
}
static void first_token(void) { token_or_reason(auth, "nacos_get_token in a child"); }
static void first_request(void) {
  const struct outcome o = post(auth, logins_hang ? 200 : 8000);
  if (logins_hang ? o.status != NACOS_TIMEOUT : o.http != 200) FAIL("nacos_request in a child: %s", said(&o));
}
static void first_operation(void) {
  const struct outcome o = operate(auth, logins_hang ? 200 : 8000);
  if (logins_hang ? o.status != NACOS_TIMEOUT : o.http != 200) FAIL("an operation in a child: %s", said(&o));
}
static void first_close(void) {
  nacos_auth_close(auth, 0, NULL);
  const struct outcome o = token(auth, 1000);
  if (o.status != NACOS_CLOSED) FAIL("nacos_get_token in a child that has closed the handle: %s", said(&o));
}
static void first_free(void) { nacos_auth_free(auth); }
static void first_cancel(void) {
  nacos_call_options options = nacos_call_options_default();
  options.cancel = nacos_cancel_new();
  nacos_cancel_trigger(options.cancel);
  if (signal_of_all != NULL) {
    nacos_cancel_trigger(signal_of_all);
    nacos_cancel_free(signal_of_all);
  }
  const struct outcome o = token_with(auth, &options);
  if (o.status != NACOS_CANCELLED && o.status != NACOS_OK) FAIL("a cancelled call in a child: %s", said(&o));
  nacos_cancel_free(options.cancel);
}
static void first_init(void) {
  nacos_auth_options options = options_for(server.address);
  options.connect_timeout_ms = 1500;
  nacos_auth *another = open_with(&options);
  token_or_reason(another, "a new handle in a child");
  nacos_auth_free(another);
}
static void first_report(void) {
  if (report(auth, 403, "token expired!") != NACOS_OK) FAIL("nacos_auth_report_rejected in a child");
}
static void first_generation(void) {
  const uint64_t *word = nacos_auth_generation_pointer(auth);
  if (word == NULL)
    FAIL("nacos_auth_generation_pointer in a child");
  else if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != 0)
    FAIL("what the word said in the parent stands in a child");
  const uint64_t generation = nacos_auth_generation(auth);
  (void)generation;
}

static void (*const firsts[])(void) = {first_stats,   first_set_credentials, first_set_token,  first_token,
                                       first_request, first_close,           first_free,       first_cancel,
                                       first_init,    first_report,          first_generation, first_operation};
static const char *const names[] = {"stats", "set_credentials", "set_token", "token",  "request",    "close",
                                    "free",  "cancel",          "init",      "report", "generation", "operation"};
enum { FIRSTS = sizeof(firsts) / sizeof(*firsts) };

static int in_child;

/* Forks again and again while the threads are at it. Every other child does what the threads do, which hold the locks
   for that; the others do one of the above. In the end each frees the handle. */
static void children(const char *what, void (*own)(void)) {
  const int count = rounds(6, 180) * FIRSTS;
  for (int i = 0; i < count; i++) {
    void (*const first)(void) = i % 2 ? own : firsts[i / 2 % FIRSTS];
    const pid_t child = fork();
    if (child == 0) {
      SET_FLAG(in_child);
      first();
      if (first != first_free) nacos_auth_free(auth);
      _exit(0);
    }
    char text[100];
    snprintf(text, sizeof(text), "%s, child %d (%s)", what, i, i % 2 ? "the same" : names[i / 2 % FIRSTS]);
    child_must_end(child, 15000, text);
    sleep_ms(i % 3);
  }
}

static void start_threads(void *(*run)(void *)) {
  for (int i = 0; i < 4; i++) (void)start_thread(run, NULL);
}

static void begin(const char *setting) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  tell(&server, setting);
}

/* What the threads of the parent do */

static void *wait_for_token(void *unused) {
  nacos_call_options options = nacos_call_options_default();
  options.timeout_ms = 100000;
  options.cancel = signal_of_all;
  (void)token_with(auth, &options);
  return unused;
}
static void *wait_for_answer(void *unused) {
  (void)get(auth, 100000);
  return unused;
}

TEST(during_a_login, 80) {
  server = serve("login=hang", NULL);
  logins_hang = 1;
  auth = open_at(server.address);
  signal_of_all = nacos_cancel_new();
  start_threads(wait_for_token);
  if (!UNTIL(10000, statistics_of(auth).waiting >= 4)) FAIL("set-up: the threads do not wait");
  children("the parent is in a login", first_token);
}

TEST(during_requests, 80) {
  begin("get=hang");
  start_threads(wait_for_answer);
  if (!UNTIL(10000, ask(&server, "get") >= 5)) FAIL("set-up: no requests");
  children("the parent is in requests", first_request);
}

static void *ask_all_the_time(void *unused) {
  for (;;) (void)get(auth, 5000);
  return unused;
}
TEST(during_quick_requests, 80) {
  begin("login=ok");
  start_threads(ask_all_the_time);
  children("the parent makes requests", first_request);
}

static void *operate_all_the_time(void *unused) {
  for (;;) (void)operate(auth, 10000);
  return unused;
}
TEST(during_operations, 80) {
  begin("login=ok");
  start_threads(operate_all_the_time);
  children("fork during operations", first_operation);
  must_serve(auth);
}

static void *log_in_all_the_time(void *unused) {
  char name[32];
  for (unsigned i = 0;; i++) {
    nacos_auth_options options = options_for(server.name);
    snprintf(name, sizeof(name), "%p-%u", (void *)&options, i);
    options.username = name;
    nacos_auth *own = open_with(&options);
    (void)token(own, 5000);
    nacos_auth_free(own);
  }
  return unused;
}
TEST(during_logins_and_frees, 80) {
  begin("login=ok");
  start_threads(log_in_all_the_time);
  children("the parent makes handles, logs in and frees them", first_init);
}

static void *stats_all_the_time(void *unused) {
  for (;;) (void)statistics_of(auth);
  return unused;
}
TEST(during_stats, 80) {
  begin("login=ok");
  start_threads(stats_all_the_time);
  children("the parent asks for statistics", first_stats);
}

/* One login for a parent and its children, also where its threads hold the locks again and again. */
TEST(children_of_a_busy_parent_keep_its_token, 80) {
  begin("login=ok");
  start_threads(stats_all_the_time);
  for (int i = 0; i < rounds(60, 1000); i++) {
    const pid_t child = fork();
    if (child == 0) {
      first_token();
      nacos_auth_free(auth);
      _exit(0);
    }
    child_must_end(child, 15000, "a child that wants a token");
  }
  if (ask(&server, "login") != 1) FAIL("%ld logins", ask(&server, "login"));
}

static void *credentials_all_the_time(void *unused) {
  for (unsigned i = 0;; i++)
    if (set_password(auth, i % 2 ? "one" : "two") != NACOS_OK) FAIL("set_credentials in the parent");
  return unused;
}
TEST(during_set_credentials, 80) {
  begin("login=ok");
  start_threads(credentials_all_the_time);
  children("the parent sets credentials", first_set_credentials);
}

static void *tokens_all_the_time(void *unused) {
  for (unsigned i = 0;; i++)
    if (nacos_auth_set_token(auth, i % 2 ? "one" : "two", 0, NULL) != NACOS_OK) FAIL("set_token in the parent");
  return unused;
}
TEST(during_set_token, 80) {
  begin("login=ok");
  start_threads(tokens_all_the_time);
  children("the parent sets tokens", first_set_token);
}

static void *close_all_the_time(void *unused) {
  for (;;) {
    nacos_auth *same = open_at(server.address);
    nacos_auth_close(same, 0, NULL);
    nacos_auth_free(same);
  }
  return unused;
}
TEST(during_init_and_close, 80) {
  begin("login=ok");
  start_threads(close_all_the_time);
  children("the parent makes and closes handles", first_init);
}

static void *cancel_all_the_time(void *unused) {
  for (;;) {
    nacos_call_options options = nacos_call_options_default();
    options.cancel = nacos_cancel_new();
    nacos_cancel_trigger(options.cancel);
    (void)token_with(auth, &options);
    nacos_cancel_free(options.cancel);
    nacos_cancel_trigger(signal_of_all);
  }
  return unused;
}
TEST(during_cancel, 80) {
  begin("login=ok");
  signal_of_all = nacos_cancel_new();
  start_threads(cancel_all_the_time);
  children("the parent cancels", first_cancel);
}

static void *report_all_the_time(void *unused) {
  for (;;)
    if (report(auth, 200, "") != NACOS_OK) FAIL("report in the parent");
  return unused;
}
TEST(during_reports, 80) {
  begin("login=ok");
  start_threads(report_all_the_time);
  children("the parent reports answers", first_report);
}

/* Callbacks: in the parent one is running, which in a child will never end. */

static int inside, told;
static void hang_in_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  if (GET_FLAG(in_child)) {
    ADD_ONE(told);
    return;
  }
  SET_FLAG(inside);
  for (;;) pause();
}
static void hang_in_credentials(void *data, nacos_credentials *credentials) {
  (void)data;
  if (!GET_FLAG(in_child)) {
    SET_FLAG(inside);
    for (;;) pause();
  }
  if (nacos_credentials_set_password(credentials, "nacos", "nacos", NULL) != NACOS_OK) FAIL("set_password in a child");
}

TEST(while_a_log_callback_runs, 80) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = hang_in_log;
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(10000, GET_FLAG(inside))) FAIL("set-up: no log callback");
  children("a log callback of the parent runs", first_close);
}

TEST(while_a_credentials_callback_runs, 80) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.credentials = hang_in_credentials;
  auth = open_with(&options);
  start_threads(wait_for_token);
  if (!UNTIL(10000, GET_FLAG(inside))) FAIL("set-up: no credentials callback");
  for (int i = 0; i < FIRSTS; i++) {
    const pid_t child = fork();
    if (child == 0) {
      SET_FLAG(in_child);
      firsts[i]();
      _exit(0);
    }
    char text[100];
    snprintf(text, sizeof(text), "a credentials callback of the parent runs, child %s", names[i]);
    child_must_end(child, 20000, text);
  }
}

TEST(a_child_is_told_its_log, 40) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = hang_in_log;
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(10000, GET_FLAG(inside))) FAIL("set-up: no log callback");
  tell(&server, "login=status:403:unknown user!");
  const pid_t child = fork();
  if (child == 0) {
    SET_FLAG(in_child);
    if (set_password(auth, "wrong") != NACOS_OK) FAIL("set-up: set_credentials");
    if (nacos_auth_set_credentials(auth, "other", "wrong", NULL) != NACOS_OK) FAIL("set-up: set_credentials");
    const struct outcome o = token(auth, 5000);
    if (o.status == NACOS_OK) FAIL("set-up: a token");
    nacos_auth_free(auth);
    if (GET_FLAG(told) == 0) FAIL("a login of the child failed, and its log callback was told nothing before free");
    _exit(0);
  }
  child_must_end(child, 20000, "log of a child");
}

/* Forks inside a callback. */
static pid_t forked;
static void live_in_a_child(const char *where) {
  (void)statistics_of(auth);
  const struct outcome o = token(auth, 4000);
  must_be_sensible(&o, where);
  if (set_password(auth, "another") != NACOS_OK) FAIL("%s: nacos_auth_set_credentials", where);
  first_init();
  nacos_auth_close(auth, 0, NULL);
  _exit(0);
}
static void fork_once(const char *where) {
  if (GET_FLAG(inside)) return;
  SET_FLAG(inside);
  const pid_t child = fork();
  if (child == 0) live_in_a_child(where);
  __atomic_store_n(&forked, child, __ATOMIC_SEQ_CST);
}
static void fork_in_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  fork_once("fork in a log callback");
}
static void fork_in_event(void *data, const nacos_event *event) {
  (void)data, (void)event;
  fork_once("fork in an event callback");
}
static void fork_in_credentials(void *data, nacos_credentials *credentials) {
  (void)data;
  fork_once("fork in a credentials callback");
  if (nacos_credentials_set_password(credentials, "nacos", "nacos", NULL) != NACOS_OK) FAIL("set-up: credentials");
}
static void in_a_callback(nacos_auth_options options, const char *what) {
  server = serve("login=ok", NULL);
  options.server_addr = server.address;
  if (options.credentials == NULL) options.username = options.password = "nacos";
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(10000, GET_FLAG(forked))) FAIL("set-up: %s: no fork", what);
  child_must_end(GET_FLAG(forked), 20000, what);
  must_serve(auth);
  nacos_auth_free(auth);
}
TEST(in_a_log_callback, 40) {
  nacos_auth_options options = nacos_auth_options_default();
  options.log = fork_in_log;
  in_a_callback(options, "log callback");
}
TEST(in_an_event_callback, 40) {
  nacos_auth_options options = nacos_auth_options_default();
  options.event = fork_in_event;
  in_a_callback(options, "event callback");
}
TEST(in_a_credentials_callback, 40) {
  nacos_auth_options options = nacos_auth_options_default();
  options.credentials = fork_in_credentials;
  in_a_callback(options, "credentials callback");
}

/* What the callbacks have: a child lets go of it, unless one of them was in the middle of it. */
static int drops, goes_on;
static void count_drop(void *data) {
  (void)data;
  ADD_ONE(drops);
}
static void be_inside(void *data, const nacos_event *event) {
  (void)data, (void)event;
  SET_FLAG(inside);
  UNTIL(10000, GET_FLAG(goes_on));
}
static void drops_of_a_child(int in_a_callback) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.event = be_inside;
  options.callback_drop = count_drop;
  if (!in_a_callback) SET_FLAG(goes_on);
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(10000, GET_FLAG(inside))) FAIL("set-up: no event");
  if (!in_a_callback && !UNTIL(10000, threads() == 2)) FAIL("set-up: the thread of events stays");
  const pid_t child = fork();
  if (child == 0) {
    const long start = now_ms();
    if (nacos_auth_close(auth, 5000, NULL) != NACOS_OK) FAIL("close in the child");
    nacos_auth_free(auth);
    if (now_ms() - start > 2000) FAIL("the child waits for a callback of the parent's");
    if (GET_FLAG(drops) != !in_a_callback) FAIL("the child lets go %d times", GET_FLAG(drops));
    _exit(0);
  }
  child_must_end(child, 15000, "a child that closes");
  SET_FLAG(goes_on);
  nacos_auth_free(auth);
  if (!UNTIL(10000, GET_FLAG(drops) == 1)) FAIL("the parent lets go %d times", GET_FLAG(drops));
}
TEST(callback_data_of_a_child, 30) { drops_of_a_child(0); }
TEST(callback_data_amid_a_callback, 30) { drops_of_a_child(1); }

/* Threads of the parent wait inside the library; those of the child get their stacks, and write over them. */
static void *write_over_the_stack(void *unused) {
  volatile char block[300000];
  memset((void *)block, 0x5a, sizeof(block)); /* NOLINT */
  return unused;
}
static void with_stacks_used_anew(void (*then)(void), const char *what) {
  pthread_t thread;
  server = serve("login=hang", NULL);
  logins_hang = 1;
  auth = open_at(server.address);
  signal_of_all = nacos_cancel_new();
  /* Of the usual size, so that the child's fit. */
  for (int i = 0; i < 8; i++) pthread_create(&thread, NULL, i % 2 ? wait_for_token : wait_for_answer, NULL);
  if (!UNTIL(10000, statistics_of(auth).waiting >= 8)) FAIL("set-up: the threads do not wait");
  for (int round = 0; round < 3; round++) {
    const pid_t child = fork();
    if (child == 0) {
      pthread_t all[12];
      for (int i = 0; i < 12; i++) pthread_create(&all[i], NULL, write_over_the_stack, NULL);
      for (int i = 0; i < 12; i++) pthread_join(all[i], NULL);
      then();
      _exit(0);
    }
    child_must_end(child, 15000, what);
  }
}
static void every_first(void) {
  for (int i = 0; i < FIRSTS; i++)
    if (firsts[i] != first_close && firsts[i] != first_free && firsts[i] != first_set_token) firsts[i]();
  nacos_auth_close(auth, 0, NULL);
  nacos_auth_free(auth);
}
TEST(stacks_used_anew_close, 40) { with_stacks_used_anew(first_close, "nacos_auth_close"); }
TEST(stacks_used_anew_free, 40) { with_stacks_used_anew(first_free, "nacos_auth_free"); }
TEST(stacks_used_anew_cancel, 40) { with_stacks_used_anew(first_cancel, "nacos_cancel_trigger"); }
TEST(stacks_used_anew_set_credentials, 40) { with_stacks_used_anew(first_set_credentials, "set_credentials"); }
TEST(stacks_used_anew_everything, 40) { with_stacks_used_anew(every_first, "everything in turn"); }

/* Generations */

static void generations(int left) {
  if (left == 0) return;
  const pid_t child = fork();
  if (child == 0) {
    must_serve(auth);
    generations(left - 1);
    nacos_auth_free(auth);
    _exit(0);
  }
  must_serve(auth);
  child_must_end(child, 20000, "a child of a child");
}
TEST(children_of_children, 60) {
  begin("login=ok");
  start_threads(ask_all_the_time);
  generations(4);
}

/* As a daemon starts: the parent is gone at once. */
TEST(a_daemon_whose_parent_is_gone, 40) {
  begin("login=ok");
  int ends[2];
  char word = 0;
  if (pipe(ends) != 0) FAIL("set-up: no pipe");
  const pid_t child = fork();
  if (child == 0) {
    if (fork() != 0) _exit(0);
    must_serve(auth);
    first_init();
    nacos_auth_free(auth);
    if (write(ends[1], "1", 1) != 1) _exit(3);
    _exit(0);
  }
  nacos_auth_free(auth);
  child_must_end(child, 5000, "the parent of the daemon");
  close(ends[1]);
  if (read(ends[0], &word, 1) != 1) FAIL("the daemon did not do its work");
}

/* Several threads fork at once. */
static void *fork_in_a_thread(void *unused) {
  for (int i = 0; i < rounds(6, 100); i++) {
    const pid_t child = fork();
    if (child == 0) {
      firsts[i % FIRSTS]();
      _exit(0);
    }
    child_must_end(child, 15000, "fork in several threads");
  }
  return unused;
}
TEST(in_several_threads, 60) {
  begin("login=ok");
  pthread_t all[5];
  start_threads(ask_all_the_time);
  for (int i = 0; i < 5; i++) all[i] = start_thread(fork_in_a_thread, NULL);
  for (int i = 0; i < 5; i++) pthread_join(all[i], NULL);
}

/* The parent's connections are the parent's: no child says goodbye over them, or asks anything. */
static void connections_stay(const struct server *s, nacos_auth *of, void (*leave)(int)) {
  auth = of;
  must_serve(auth);
  must_serve(auth);
  const long before = ask(s, "accepted");
  for (int i = 0; i < 4; i++) {
    const pid_t child = fork();
    if (child == 0) {
      if (i % 2) must_serve(auth);
      nacos_auth_free(auth);
      leave(0);
    }
    child_must_end(child, 10000, "a child that frees the handle");
    const struct outcome o = post(auth, 5000); /* is never sent twice */
    if (o.http != 200) FAIL("a child has freed its handle, and a request of the parent fails: %s", said(&o));
  }
  const long made = ask(s, "accepted") - before;
  /* Two of the children have asked something: a connection each, or one more for a login. */
  if (made < 2) FAIL("the children used connections of the parent: %ld new ones", made);
  if (made > 4) FAIL("%ld new connections: those of the parent have not survived its children", made);
}
TEST(connections_of_the_parent_stay, 40) {
  server = serve("login=ok", NULL);
  connections_stay(&server, open_at(server.address), _exit);
}
TEST(tls_connections_of_the_parent_stay, 40) {
  server = serve("tls=server", NULL);
  connections_stay(&server, open_tls(&server), _exit);
}
TEST(tls_connections_of_the_parent_stay_at_exit, 40) {
  server = serve("tls=server", NULL);
  connections_stay(&server, open_tls(&server), exit);
}

/* A fork handler of the host that was there before the library was used, so it runs before any of the library's. */
static void (*in_handler)(void);
static void handler(void) {
  if (in_handler != NULL) in_handler();
}
static void with_handler(void (*first)(void)) {
  pthread_atfork(NULL, NULL, handler);
  begin("login=ok");
  in_handler = first;
}
static void children_of_handler(int count, const char *what) {
  for (int i = 0; i < count; i++) {
    const pid_t child = fork();
    if (child == 0) {
      nacos_auth_free(auth);
      _exit(0);
    }
    child_must_end(child, 10000, what);
  }
}
TEST(an_older_fork_handler_asks, 40) {
  with_handler(first_request);
  const long before = ask(&server, "accepted");
  children_of_handler(4, "a child whose fork handler asks");
  const long made = ask(&server, "accepted") - before;
  if (made < 4) FAIL("the children used connections of the parent: %ld new ones", made);
  const struct outcome o = post(auth, 5000); /* is never sent twice */
  if (o.http != 200) FAIL("fork handlers of children have asked, and a request of the parent fails: %s", said(&o));
}
TEST(an_older_fork_handler_asks_amid_requests, 60) {
  with_handler(first_request);
  start_threads(ask_all_the_time);
  start_threads(stats_all_the_time);
  children_of_handler(rounds(30, 300), "a child whose fork handler asks amid requests");
}
TEST(an_older_fork_handler_sets_credentials, 60) {
  with_handler(first_set_credentials);
  start_threads(credentials_all_the_time);
  start_threads(stats_all_the_time);
  children_of_handler(rounds(60, 600), "a child whose fork handler sets credentials");
}

/* Forks inside a call: the answer is the parent's, and the child's call ends. */
static pid_t child_of_call = -1;
static void fork_in_call(int signal) {
  (void)signal;
  const int before = errno;
  if (child_of_call < 0) child_of_call = fork();
  errno = before;
}
static int32_t fork_and_wait_on(void *data) {
  (void)data;
  if (in_handler != NULL) fork_in_call(0);
  return 1;
}
static void forked_inside(int by_signal, int over_tls, int in_login) {
  server = over_tls ? serve("tls=server", NULL) : serve("login=ok", NULL);
  nacos_auth_options options = options_for(over_tls ? server.url : server.address);
  if (over_tls) options.ca_file = certificate("ca.pem");
  if (!by_signal) options.keep_waiting = fork_and_wait_on;
  auth = open_with(&options);
  if (!in_login) must_serve(auth);
  tell(&server, in_login ? "login=delay:1" : "get=delay:1");
  if (by_signal) {
    struct sigaction action;
    struct itimerval timer = {{0, 0}, {0, 300000}};
    memset(&action, 0, sizeof(action));
    action.sa_handler = fork_in_call;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
  }
  in_handler = first_stats; /* from now on */
  struct outcome o = in_login ? token(auth, 8000) : get(auth, 8000);
  if (child_of_call == 0) {
    if (o.status != NACOS_CANCELLED && !(in_login && by_signal)) FAIL("a child forked inside a call: %s", said(&o));
    if (!in_login && strstr(o.text, "forked") == NULL) FAIL("a child forked inside a call: %s", said(&o));
    tell(&server, "get=ok");
    tell(&server, "login=ok");
    must_answer(auth, "the next call of a child forked inside a call");
    nacos_auth_free(auth);
    _exit(0);
  }
  if (child_of_call < 0) FAIL("set-up: nothing forked");
  if (o.status != NACOS_OK) FAIL("a child was forked inside a call, which ends: %s", said(&o));
  child_must_end(child_of_call, 15000, "a child forked inside a call");
  must_answer(auth, "the next call of the parent");
  nacos_auth_free(auth);
}
TEST(a_signal_forks_inside_a_request, 40) { forked_inside(1, 0, 0); }
TEST(a_signal_forks_inside_a_request_over_tls, 40) { forked_inside(1, 1, 0); }
TEST(a_signal_forks_inside_a_login, 40) { forked_inside(1, 0, 1); }
TEST(keep_waiting_forks_inside_a_request, 40) { forked_inside(0, 0, 0); }
TEST(keep_waiting_forks_inside_a_request_over_tls, 40) { forked_inside(0, 1, 0); }
TEST(keep_waiting_forks_inside_a_login, 40) { forked_inside(0, 0, 1); }

/* A thousand children, none of which may be the unlucky one. */
TEST(a_thousand, 300) {
  begin("login=ok");
  start_threads(stats_all_the_time);
  start_threads(credentials_all_the_time);
  start_threads(ask_all_the_time);
  for (int i = 0; i < rounds(60, 1000); i++) {
    const pid_t child = fork();
    if (child == 0) {
      firsts[i % FIRSTS]();
      _exit(0);
    }
    child_must_end(child, 15000, "one of a thousand");
  }
}
