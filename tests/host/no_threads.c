/* Kind: no thread can be had, from the start, from a moment on, or now and then. Calls are answered, or fail with an
   error that names the lack; nothing is printed, and all is well when threads can be had again. */
#include <dlfcn.h>
#include <netdb.h>

#include "host.h"

static int denied;  /* no thread for the library */
static int unlucky; /* every other try of the library fails */
static int tries, refused;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  Dl_info info;
  if (real == NULL) {
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real, &found, sizeof(real));
  }
  if (dladdr(__builtin_return_address(0), &info) != 0 && info.dli_fname != NULL &&
      strstr(info.dli_fname, "nacos_auth") != NULL) {
    const int number = ADD_ONE(tries);
    if (GET_FLAG(denied) || (GET_FLAG(unlucky) && number % 2 == 0)) {
      ADD_ONE(refused);
      return EAGAIN;
    }
  }
  return real(thread, attributes, start, argument);
}

/* For names that need a lookup. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (real == NULL) {
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof(real));
  }
  return real(node != NULL && strstr(node, ".test") != NULL ? "127.0.0.1" : node, service, hints, result);
}
static const char *by_name(const struct server *server) {
  static char name[64];
  snprintf(name, sizeof(name), "nacos.test:%s", server->port);
  return name;
}

static void deny(int value) { __atomic_store_n(&denied, value, __ATOMIC_SEQ_CST); }

static void answered_or_told(const struct outcome *o, const char *what) {
  if (o->status == NACOS_OK && (o->http == 0 || o->http == 200)) return;
  must_be_sensible(o, what);
  if (strcasestr(o->text, "thread") == NULL)
    FAIL("%s: the error does not name the lack of a thread: %s", what, said(o));
}

/* With threads to be had, all is well within seconds. */
static void must_recover(nacos_auth *auth, const char *what) {
  struct outcome o;
  deny(0);
  unlucky = 0;
  if (!UNTIL(10000, (o = get(auth, 3000)).http == 200)) FAIL("%s: threads can be had again: %s", what, said(&o));
  nacos_auth_free(auth);
}

static void from_the_start(const char *address, const struct server *s, const char *what) {
  deny(1);
  nacos_auth *auth = open_at(address);
  struct outcome o = token(auth, 3000);
  answered_or_told(&o, what);
  o = get(auth, 3000);
  answered_or_told(&o, what);
  (void)statistics_of(auth);
  if (set_password(auth, "another") != NACOS_OK) FAIL("%s: nacos_auth_set_credentials", what);
  o = get(auth, 3000);
  answered_or_told(&o, what);
  tell(s, "after=keep");
  must_recover(auth, what);
}

TEST(from_the_start_by_address, 40) {
  const struct server s = serve("after=close", NULL);
  from_the_start(s.address, &s, "by address");
}
TEST(from_the_start_by_name, 40) {
  const struct server s = serve("after=close", NULL);
  from_the_start(by_name(&s), &s, "by name");
}
TEST(from_the_start_over_tls, 40) {
  const struct server s = serve("tls=server", "after=close", NULL);
  deny(1);
  nacos_auth *auth = open_tls(&s);
  const struct outcome o = get(auth, 3000);
  answered_or_told(&o, "over TLS");
  must_recover(auth, "over TLS");
}
/* Operations have no thread but the library's. */
static void must_name_threads(nacos_auth *auth, nacos_queue *queue, const char *what) {
  static struct ending ending;
  struct outcome o = try_start(auth, "GET", queue, &ending, 3000, NULL);
  if (o.status != NACOS_INTERNAL || strcasestr(o.text, "thread") == NULL)
    FAIL("%s: the start of an operation: %s", what, said(&o));
  sleep_ms(50);
  if (GET_FLAG(ending.times) != 0) FAIL("%s: what has not been started is told of", what);
}
TEST(operations_from_the_start, 40) {
  const struct server s = serve("login=ok", NULL);
  deny(1);
  nacos_auth *auth = open_at(s.address);
  nacos_queue *queue = open_queue();
  must_name_threads(auth, queue, "to a queue");
  must_name_threads(auth, NULL, "by callback");
  if (is_readable(queue, 0)) FAIL("something waits in the queue");
  deny(0);
  const struct outcome o = operate(auth, 5000);
  if (o.http != 200) FAIL("threads can be had again: %s", said(&o));
  nacos_queue_free(queue);
  must_recover(auth, "operations");
}
/* The library's thread is there, that for callbacks is not. */
TEST(operations_by_callback_from_a_moment_on, 40) {
  const struct server s = serve("login=ok", NULL);
  nacos_auth *auth = open_at(s.address);
  if (operate(auth, 5000).http != 200) FAIL("set-up: no operation");
  deny(1);
  must_name_threads(auth, NULL, "by callback");
  const struct outcome o = operate(auth, 5000);
  if (o.http != 200) FAIL("to a queue no other thread is needed: %s", said(&o));
  must_recover(auth, "operations by callback");
}
/* It was there at the start, and has gone meanwhile: nothing was left to be told for long. */
TEST(operations_whose_thread_is_gone_at_the_end, 60) {
  const struct server s = serve("get=delay:7", NULL);
  nacos_auth *auth = open_at(s.address);
  static struct ending endings[3];
  for (int i = 0; i < 3; i++) nacos_operation_free(start_read(auth, NULL, &endings[i], 30000));
  deny(1);
  for (int i = 0; i < 3; i++)
    if (!UNTIL(30000, GET_FLAG(endings[i].times))) FAIL("operation %d is not told of", i);
  sleep_ms(100);
  for (int i = 0; i < 3; i++)
    if (endings[i].times != 1 || endings[i].outcome.http != 200) FAIL("told of once: %s", said(&endings[i].outcome));
  tell(&s, "get=ok");
  must_recover(auth, "operations whose thread is gone");
}
TEST(from_a_moment_on, 40) {
  const struct server s = serve("after=close", NULL);
  nacos_auth *auth = open_at(by_name(&s));
  must_serve(auth);
  sleep_ms(1200); /* threads that were waiting for work have gone */
  deny(1);
  struct outcome o = get(auth, 3000);
  answered_or_told(&o, "a request by name");
  nacos_auth_options options = options_for(by_name(&s));
  options.password = "another";
  nacos_auth *another = open_with(&options);
  o = token(another, 3000);
  answered_or_told(&o, "another handle");
  nacos_auth_free(another);
  must_recover(auth, "from a moment on");
}
TEST(now_and_then, 60) {
  const struct server s = serve("after=close", NULL);
  unlucky = 1;
  for (uint32_t i = 0; i < 30; i++) {
    nacos_auth_options options = options_for(i % 2 ? by_name(&s) : s.address);
    options.connect_timeout_ms = 1000 + i;
    nacos_auth *auth = open_with(&options);
    const struct outcome o = get(auth, 5000);
    answered_or_told(&o, "now and then");
    nacos_auth_free(auth);
  }
}

static nacos_auth *shared;
static void *ask_shared(void *unused) {
  const struct outcome o = get(shared, 5000);
  answered_or_told(&o, "one of many threads");
  return unused;
}
TEST(many_callers, 40) {
  const struct server s = serve("get=delay:0.1", NULL);
  pthread_t all[20];
  deny(1);
  shared = open_at(by_name(&s));
  for (int i = 0; i < 20; i++) all[i] = start_thread(ask_shared, NULL);
  for (int i = 0; i < 20; i++) pthread_join(all[i], NULL);
  must_recover(shared, "many callers");
}

/* Callbacks, files */

static int lines, dropped;
static void on_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  ADD_ONE(lines);
}
static void on_event(void *data, const nacos_event *event) { (void)data, (void)event; }
static void drop(void *data) {
  (void)data;
  ADD_ONE(dropped);
}
static void supply(void *data, nacos_credentials *credentials) {
  (void)data;
  if (nacos_credentials_set_password(credentials, "nacos", "nacos", NULL) != NACOS_OK) FAIL("set-up: credentials");
}

TEST(callbacks_are_told_at_the_end, 40) {
  const struct server s = serve("login=ok", NULL);
  nacos_auth_options options = options_for(s.address);
  options.log = on_log;
  options.event = on_event;
  options.callback_drop = drop;
  deny(1);
  nacos_auth *auth = open_with(&options);
  const struct outcome o = token(auth, 3000);
  answered_or_told(&o, "a handle with callbacks");
  nacos_auth_free(auth);
  if (lines == 0) FAIL("no line of the log, not even from nacos_auth_free");
  if (!UNTIL(3000, dropped == 1)) FAIL("callback_drop: %d times", dropped);
}
TEST(a_credentials_callback, 40) {
  const struct server s = serve("login=ok", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = s.address;
  options.credentials = supply;
  options.log = on_log;
  options.callback_drop = drop;
  deny(1);
  nacos_auth *auth = open_with(&options);
  const struct outcome o = token(auth, 3000);
  answered_or_told(&o, "a credentials callback");
  must_recover(auth, "a credentials callback");
  if (!UNTIL(3000, dropped == 1)) FAIL("callback_drop: %d times", dropped);
}
TEST(a_password_file, 40) {
  const struct server s = serve("password=nacos", NULL);
  nacos_auth_options options = options_for(s.address);
  write_file("password", "nacos\n");
  options.password = NULL;
  options.password_file = "password";
  deny(1);
  nacos_auth *auth = open_with(&options);
  const struct outcome o = token(auth, 3000);
  answered_or_told(&o, "a password file");
  must_recover(auth, "a password file");
}
TEST(a_ca_file_that_is_replaced, 40) {
  const struct server s = serve("tls=server", "after=close", NULL);
  copy_file(certificate("ca.pem"), "ca.pem");
  nacos_auth_options options = options_for(s.url);
  options.ca_file = "ca.pem";
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  deny(1);
  copy_file(certificate("other-ca.pem"), "new.pem");
  rename("new.pem", "ca.pem");
  for (int i = 0; i < 6; i++) {
    const struct outcome o = get(auth, 2000);
    /* The old authority may be trusted for want of a thread that reads the new one. */
    if (o.status != NACOS_TLS) answered_or_told(&o, "a ca_file that is replaced");
    sleep_ms(1000);
  }
  copy_file(certificate("ca.pem"), "new.pem");
  rename("new.pem", "ca.pem");
  must_recover(auth, "a ca_file that is replaced");
}

/* Tokens are renewed, be it by those who ask. */
TEST(tokens_of_three_seconds, 40) {
  const struct server s = serve("ttl=3", "get=token", NULL);
  deny(1);
  nacos_auth *auth = open_at(s.address);
  for (int i = 0; i < 16; i++) {
    const struct outcome o = get(auth, 3000);
    answered_or_told(&o, "tokens of 3 s");
    sleep_ms(300);
  }
  must_recover(auth, "tokens of 3 s");
}

TEST(close_and_free_need_none, 30) {
  const struct server s = serve("login=hang", NULL);
  nacos_auth_options options = options_for(by_name(&s));
  options.log = on_log;
  options.callback_drop = drop;
  nacos_auth *auth = open_with(&options);
  (void)token(auth, 300);
  deny(1);
  const long start = now_ms();
  nacos_auth_close(auth, 0, NULL);
  nacos_auth_free(auth);
  if (now_ms() - start > 5000) FAIL("nacos_auth_close and nacos_auth_free take %ld ms", now_ms() - start);
  if (!UNTIL(5000, dropped == 1)) FAIL("callback_drop: %d times", dropped);
}
TEST(in_the_child_of_a_fork, 40) {
  const struct server s = serve("after=close", NULL);
  nacos_auth *auth = open_at(by_name(&s));
  must_serve(auth);
  const pid_t child = fork();
  if (child == 0) {
    deny(1);
    const struct outcome o = get(auth, 3000);
    answered_or_told(&o, "in a child");
    must_recover(auth, "in a child");
    _exit(0);
  }
  child_must_end(child, 30000, "a child without threads");
}
