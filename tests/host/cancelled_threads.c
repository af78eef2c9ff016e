/* Kind: pthread_cancel of a thread that is inside the library. The process lives, and the library stays of use: the
   thread ends at once or when its call has ended, whichever the library prefers. */
#include "host.h"

static nacos_auth *auth;
static struct server server;
static int inside;

static void quiet(void *data, const nacos_log_record *record) { (void)data, (void)record; }

static void *request_thread(void *unused) {
  SET_FLAG(inside);
  (void)get(auth, 3000);
  return unused;
}
static void *upload_thread(void *unused) {
  SET_FLAG(inside);
  (void)send_body(auth, "POST", 4 << 20, 3000);
  return unused;
}
static void *token_thread(void *unused) {
  SET_FLAG(inside);
  (void)token(auth, 3000);
  return unused;
}
static void *operations_thread(void *unused) {
  SET_FLAG(inside);
  for (int i = 0; i < 2000; i++) {
    nacos_queue *queue = open_queue();
    nacos_start_options start = nacos_start_options_default();
    nacos_operation *operation = NULL;
    start.queue = queue;
    if (nacos_token_start(auth, NULL, &start, &operation, NULL) != NACOS_OK) FAIL("nacos_token_start");
    nacos_operation_cancel(operation);
    nacos_operation_free(operation);
    nacos_queue_free(queue);
  }
  return unused;
}
static void *close_thread(void *of) {
  SET_FLAG(inside);
  nacos_auth_close((nacos_auth *)of, 0, NULL);
  return NULL;
}
static void *free_thread(void *of) {
  SET_FLAG(inside);
  nacos_auth_free((nacos_auth *)of);
  return NULL;
}
static void *init_thread(void *unused) {
  SET_FLAG(inside);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  nacos_auth_free(open_with(&options));
  return unused;
}
static void *stats_thread(void *unused) {
  SET_FLAG(inside);
  for (int i = 0; i < 1000; i++) {
    (void)statistics_of(auth);
    (void)set_password(auth, "nacos");
  }
  return unused;
}

static void cancel_after(void *(*run)(void *), void *argument, long ms, const char *what) {
  __atomic_store_n(&inside, 0, __ATOMIC_SEQ_CST);
  const pthread_t thread = start_thread(run, argument);
  if (!UNTIL(5000, GET_FLAG(inside))) FAIL("set-up: no thread");
  sleep_ms(ms);
  if (pthread_cancel(thread) != 0) FAIL("set-up: pthread_cancel");
  if (!ends_within(thread, 10000)) FAIL("%s: the thread does not end", what);
}

/* The thread is cancelled already when it comes to its call. */
struct later {
  void *(*run)(void *);
  void *argument;
};
static void *cancel_myself_and_run(void *of) {
  const struct later *later = (const struct later *)of;
  pthread_cancel(pthread_self());
  return later->run(later->argument);
}
static void cancelled_before(void *(*run)(void *), void *argument, const char *what) {
  struct later later = {run, argument};
  if (!ends_within(start_thread(cancel_myself_and_run, &later), 10000)) FAIL("%s: the thread does not end", what);
}

static void must_be_of_use(const char *what) {
  tell(&server, "login=ok");
  tell(&server, "request=ok");
  tell(&server, "after=keep");
  struct outcome o = get(auth, 8000);
  if (o.http != 200) FAIL("after %s: %s", what, said(&o));
  o = post(auth, 8000);
  if (o.http != 200) FAIL("after %s: %s", what, said(&o));
  if (statistics_of(auth).waiting != 0) FAIL("after %s: somebody still waits", what);
  nacos_auth_free(auth);
}

static void begin(const char *setting, int with_log) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.name);
  if (with_log) options.log = quiet;
  auth = open_with(&options);
  must_serve(auth);
  tell(&server, setting);
}

TEST(in_a_request, 40) {
  begin("get=delay:1", 0);
  for (int i = 0; i < 4; i++) cancel_after(request_thread, NULL, i * 60, "nacos_request");
  must_be_of_use("nacos_request");
}
TEST(in_an_upload, 40) {
  begin("post=delay:1", 0);
  for (int i = 0; i < 4; i++) cancel_after(upload_thread, NULL, i * 3, "nacos_request");
  must_be_of_use("an upload");
}
TEST(in_a_request_over_tls, 40) {
  server = serve("tls=server", "after=close", NULL);
  auth = open_tls(&server);
  must_serve(auth);
  for (int i = 0; i < 12; i++) cancel_after(request_thread, NULL, i % 5, "nacos_request");
  must_be_of_use("nacos_request over TLS");
}
TEST(while_waiting_for_a_token, 40) {
  server = serve("login=delay:1.5", NULL);
  auth = open_at(server.address);
  for (int i = 0; i < 4; i++) cancel_after(i % 2 ? request_thread : token_thread, NULL, i * 30, "nacos_get_token");
  must_be_of_use("nacos_get_token");
}
static void slow(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  SET_FLAG(inside);
  sleep_ms(700);
}
static void ended_by(void *(*run)(void *), const char *what) {
  begin("login=ok", 1);
  nacos_auth_options options = options_for(server.address);
  options.log = slow;
  options.connect_timeout_ms = 1234;
  nacos_auth *closed = open_with(&options);
  must_serve(closed);
  (void)UNTIL(2000, GET_FLAG(inside)); /* its log is being told */
  cancel_after(run, closed, 20, what);
  must_be_of_use(what);
}
TEST(in_close, 40) { ended_by(close_thread, "nacos_auth_close"); }
TEST(in_free, 40) { ended_by(free_thread, "nacos_auth_free"); }
TEST(in_init, 40) {
  begin("login=ok", 0);
  for (int i = 0; i < 8; i++) cancel_after(init_thread, NULL, i % 3, "nacos_auth_init");
  must_be_of_use("nacos_auth_init");
}
TEST(in_stats, 40) {
  begin("login=ok", 1);
  for (int i = 0; i < 6; i++) cancel_after(stats_thread, NULL, i, "nacos_auth_stats");
  must_be_of_use("nacos_auth_stats");
}
TEST(in_operations, 40) {
  begin("login=ok", 1);
  for (int i = 0; i < 8; i++) cancel_after(operations_thread, NULL, i * 7, "nacos_token_start");
  must_be_of_use("nacos_token_start");
}
TEST(in_the_first_operation, 40) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  for (int i = 0; i < 8; i++) cancel_after(operations_thread, NULL, i % 3, "the first nacos_token_start");
  must_be_of_use("the first nacos_token_start");
}
TEST(before_the_call, 40) {
  begin("login=ok", 1);
  cancelled_before(operations_thread, NULL, "nacos_token_start");
  cancelled_before(request_thread, NULL, "nacos_request");
  cancelled_before(upload_thread, NULL, "an upload");
  cancelled_before(token_thread, NULL, "nacos_get_token");
  cancelled_before(stats_thread, NULL, "nacos_auth_stats");
  cancelled_before(init_thread, NULL, "nacos_auth_init");
  must_be_of_use("calls of cancelled threads");
}
TEST(before_the_first_login, 40) {
  server = serve("login=ok", NULL);
  auth = open_at(server.name);
  cancelled_before(request_thread, NULL, "the first request");
  must_be_of_use("the first request");
}
TEST(before_close, 40) {
  begin("login=ok", 1);
  nacos_auth_options options = options_for(server.address);
  options.log = quiet;
  options.connect_timeout_ms = 1234;
  nacos_auth *one = open_with(&options), *other = open_with(&options);
  must_serve(one);
  cancelled_before(close_thread, one, "nacos_auth_close");
  cancelled_before(free_thread, other, "nacos_auth_free");
  must_be_of_use("close and free in cancelled threads");
}
