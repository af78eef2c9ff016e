/* Kind: the end of a program. Functions are called in exit handlers, in destructors of the program and of its threads'
   data: they answer or say why not, and nothing is printed. */
#include "host.h"

static nacos_auth *auth;
static struct server server;
static const char *when = "?";
static int lines;

static void (*of_threads)(void);
static void *in_thread(void *unused) {
  of_threads();
  return unused;
}
static pthread_t thread_for(void (*run)(void)) {
  of_threads = run;
  return start_thread(in_thread, NULL);
}

static void good(const struct outcome *o, const char *what) {
  if (o->status == NACOS_OK && (o->http == 200 || o->http == 0)) return;
  must_be_sensible(o, what);
  FAIL("%s %s: %s", what, when, said(o));
}

/* All there is, on a handle that is open and one that is new. */
static void everything(void) {
  struct outcome o = post(auth, 5000);
  good(&o, "nacos_request");
  o = token(auth, 5000);
  good(&o, "nacos_get_token");
  o = operate(auth, 5000);
  good(&o, "an operation");
  (void)statistics_of(auth);
  if (set_password(auth, "another") != NACOS_OK) FAIL("nacos_auth_set_credentials %s", when);
  o = get(auth, 5000);
  good(&o, "nacos_request with new credentials");
  nacos_auth_options options = options_for(server.name);
  options.connect_timeout_ms = 1234;
  nacos_auth *another = open_with(&options);
  o = get(another, 5000);
  good(&o, "nacos_request of a new handle");
  nacos_auth_free(another);
}
static void end(void) {
  nacos_auth_close(auth, 0, NULL);
  const struct outcome o = token(auth, 1000);
  if (o.status != NACOS_CLOSED) FAIL("closed %s: %s", when, said(&o));
  nacos_auth_free(auth);
}

static void begin(void) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
}

/* exit handlers */

static void all_at_exit(void) {
  when = "in an atexit handler";
  everything();
  end();
}
TEST(atexit_handler, 30) {
  begin();
  atexit(all_at_exit);
}
TEST(atexit_handler_registered_first, 30) {
  /* Runs after whatever the library has registered. */
  atexit(all_at_exit);
  begin();
}
static void handle_at_exit(void) {
  when = "for the first time in an atexit handler";
  begin();
  everything();
  end();
}
TEST(first_use_in_an_atexit_handler, 30) { atexit(handle_at_exit); }

static void free_at_exit(void) { nacos_auth_free(auth); }
static void on_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  ADD_ONE(lines);
}
TEST(free_in_an_atexit_handler_with_callbacks, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = on_log;
  auth = open_with(&options);
  must_serve(auth);
  atexit(free_at_exit);
}
TEST(never_freed, 30) { begin(); }

/* Operations are out, by both ways, when the program ends. */
static struct ending endings[20];
static nacos_queue *queue;
static void operations_out(void) {
  server = serve("get=hang", NULL);
  auth = open_at(server.address);
  queue = open_queue();
  for (int i = 0; i < 20; i++) nacos_operation_free(start_read(auth, i % 2 ? queue : NULL, &endings[i], 600000));
  if (!UNTIL(10000, ask(&server, "get") >= 20)) FAIL("set-up: they are not all under way");
}
static void close_with_operations_out(void) {
  if (nacos_auth_close(auth, 10000, NULL) != NACOS_OK) FAIL("nacos_auth_close %s, with operations out", when);
  (void)take_endings(queue);
  for (int i = 0; i < 20; i++)
    if (endings[i].times != 1 || endings[i].outcome.status != NACOS_CLOSED)
      FAIL("%s, told of %d times: %s", when, endings[i].times, said(&endings[i].outcome));
  nacos_auth_free(auth);
  nacos_queue_free(queue);
}
static void close_at_exit(void) {
  when = "in an atexit handler";
  close_with_operations_out();
}
TEST(exit_with_operations_out, 30) { operations_out(); }
TEST(quick_exit_with_operations_out, 30) {
  operations_out();
  quick_exit(0);
}
TEST(close_in_an_atexit_handler_with_operations_out, 30) {
  operations_out();
  atexit(close_at_exit);
}
TEST(close_in_an_atexit_handler_registered_first_with_operations_out, 30) {
  atexit(close_at_exit);
  operations_out();
}
static void free_queue_at_exit(void) {
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}
TEST(free_the_queue_in_an_atexit_handler_with_operations_out, 30) {
  operations_out();
  atexit(free_queue_at_exit);
}
static void never_returns(void *data, const nacos_completion *completion) {
  (void)completion;
  SET_FLAG(*(int *)data);
  for (;;) pause();
}
TEST(exit_while_a_completion_callback_runs, 30) {
  static int inside;
  begin();
  nacos_start_options start = nacos_start_options_default();
  start.data = &inside;
  start.on_complete = never_returns;
  if (nacos_token_start(auth, NULL, &start, NULL, NULL) != NACOS_OK) FAIL("set-up: no operation");
  if (!UNTIL(5000, GET_FLAG(inside))) FAIL("set-up: no callback");
}
static void exits(void *data, const nacos_completion *completion) {
  (void)data;
  nacos_token_free(completion->token);
  exit(0);
}
TEST(exit_in_a_completion_callback, 30) {
  begin();
  nacos_start_options start = nacos_start_options_default();
  start.on_complete = exits;
  if (nacos_token_start(auth, NULL, &start, NULL, NULL) != NACOS_OK) FAIL("set-up: no operation");
  for (;;) pause();
}
TEST(exit_in_a_completion_callback_with_a_handler, 30) {
  begin();
  atexit(all_at_exit);
  nacos_start_options start = nacos_start_options_default();
  start.on_complete = exits;
  if (nacos_token_start(auth, NULL, &start, NULL, NULL) != NACOS_OK) FAIL("set-up: no operation");
  for (;;) pause();
}
TEST(exit_while_threads_wait, 30) {
  server = serve("login=hang", NULL);
  auth = open_at(server.address);
  for (int i = 0; i < 4; i++) (void)thread_for(everything);
  if (!UNTIL(5000, statistics_of(auth).waiting >= 4)) FAIL("set-up: nobody waits");
  /* exit() now, while they do. */
}
static void free_hung_at_exit(void) { nacos_auth_free(auth); }
TEST(free_in_an_atexit_handler_while_a_login_hangs, 30) {
  server = serve("login=hang", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = on_log;
  auth = open_with(&options);
  (void)token(auth, 200);
  atexit(free_hung_at_exit);
}
static void leave(void) { exit(0); }
TEST(exit_in_another_thread, 30) {
  begin();
  atexit(all_at_exit);
  (void)thread_for(leave);
  for (;;) pause();
}

static void all_at_quick_exit(void) {
  when = "in an at_quick_exit handler";
  everything();
  end();
}
TEST(quick_exit_handler, 30) {
  begin();
  at_quick_exit(all_at_quick_exit);
  quick_exit(0);
}
/* The first thread leaves, the program goes on. */
static void go_on_alone(void) {
  when = "after the main thread has left";
  sleep_ms(300);
  everything();
  end();
  exit(0);
}
TEST(main_thread_leaves, 30) {
  begin();
  (void)thread_for(go_on_alone);
  pthread_exit(NULL);
}

/* The program's destructor, after all exit handlers. */
static int in_destructor;
__attribute__((destructor)) static void last_of_all(void) {
  when = "in a destructor of the program";
  if (in_destructor == 2) close_with_operations_out();
  if (in_destructor != 1) return;
  everything();
  end();
}
TEST(destructor_of_the_program, 30) {
  begin();
  in_destructor = 1;
}
TEST(destructor_of_the_program_with_operations_out, 30) {
  operations_out();
  in_destructor = 2;
}

/* Destructors of a thread's data: the library's own data of the thread may be gone by then. */
static pthread_key_t keys[4];
static int destroyed, turns;
static void destroy(void *of) {
  when = "in a destructor of a thread's data";
  everything();
  ADD_ONE(destroyed);
  if (of == &turns && ++turns < 4) pthread_setspecific(keys[3], of); /* once more, in the next round */
}
static void use_and_leave_data(void) {
  must_serve(auth);
  for (int i = 0; i < 4; i++) pthread_setspecific(keys[i], i == 3 ? (void *)&turns : (void *)auth);
}
static void leave_data(void) {
  for (int i = 0; i < 4; i++) pthread_setspecific(keys[i], auth);
}
static void with_data(void (*run)(void), int key_first) {
  if (key_first)
    for (int i = 0; i < 4; i++) pthread_key_create(&keys[i], destroy);
  begin();
  if (!key_first)
    for (int i = 0; i < 4; i++) pthread_key_create(&keys[i], destroy);
  pthread_join(thread_for(run), NULL);
  if (GET_FLAG(destroyed) < 4) FAIL("set-up: %d destructors", GET_FLAG(destroyed));
  must_serve(auth);
  nacos_auth_free(auth);
}
TEST(thread_data_made_before, 30) { with_data(use_and_leave_data, 1); }
TEST(thread_data_made_after, 30) { with_data(use_and_leave_data, 0); }
TEST(thread_data_of_a_thread_new_to_the_library, 30) { with_data(leave_data, 0); }

static void destroy_handle(void *of) {
  nacos_auth_close((nacos_auth *)of, 0, NULL);
  nacos_auth_free((nacos_auth *)of);
  ADD_ONE(destroyed);
}
static void leave_a_handle(void) {
  nacos_auth_options options = options_for(server.address);
  options.log = on_log;
  nacos_auth *own = open_with(&options);
  must_serve(own);
  pthread_setspecific(keys[0], own);
}
TEST(a_threads_data_is_a_handle, 30) {
  server = serve("login=ok", NULL);
  pthread_key_create(&keys[0], destroy_handle);
  for (int i = 0; i < 10; i++) pthread_join(thread_for(leave_a_handle), NULL);
  if (GET_FLAG(destroyed) != 10) FAIL("set-up: %d destructors", GET_FLAG(destroyed));
}

/* Over TLS all of this has more to do. */
static void tls_at_exit(void) {
  when = "over TLS at exit";
  const struct outcome o = get(auth, 5000);
  good(&o, "nacos_request");
  nacos_auth_free(auth);
}
static void tls_in_destructor(void *of) {
  (void)of;
  when = "over TLS in a destructor";
  const struct outcome o = get(auth, 5000);
  good(&o, "nacos_request");
}
static void tls_thread(void) {
  must_serve(auth);
  pthread_setspecific(keys[0], auth);
}
TEST(over_tls, 30) {
  server = serve("tls=server", "after=close", NULL);
  auth = open_tls(&server);
  pthread_key_create(&keys[0], tls_in_destructor);
  pthread_join(thread_for(tls_thread), NULL);
  atexit(tls_at_exit);
}
