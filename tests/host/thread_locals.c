/* Kind: thread-local state of the host on the library's threads: much of it, which the C library takes from the stack
   of each thread, and such as has destructors, which may take their time. */
#include "host.h"

static __thread volatile char much[3 << 20];
static struct server server;

static void quiet(void *data, const nacos_log_record *record) { (void)data, (void)record; }
static void supply(void *data, nacos_credentials *credentials) {
  (void)data;
  if (nacos_credentials_set_password(credentials, "nacos", "nacos", NULL) != NACOS_OK) FAIL("no password");
}

static void serves_and_operates(nacos_auth *auth) {
  much[0] = 1;
  must_serve(auth);
  const struct outcome o = operate(auth, 5000);
  if (o.status != NACOS_OK) FAIL("an operation: %s", said(&o));
  nacos_auth_free(auth);
}
TEST(much_of_it_plain, 30) {
  server = serve("login=ok", NULL);
  serves_and_operates(open_at(server.name));
}
TEST(much_of_it_over_tls, 30) {
  server = serve("tls=server", NULL);
  serves_and_operates(open_tls(&server));
}
TEST(much_of_it_with_callbacks, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.name;
  options.credentials = supply;
  options.log = quiet;
  serves_and_operates(open_with(&options));
}

static pthread_key_t key;
static int is_told, has_ended;
static void *value;
static void leave_value(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  pthread_setspecific(key, value);
  SET_FLAG(is_told);
}
/* A handle whose thread for the log leaves `value` for `destructor`. */
static nacos_auth *with_destructor(void (*destructor)(void *)) {
  server = serve("login=ok", NULL);
  pthread_key_create(&key, destructor);
  nacos_auth_options options = options_for(server.address);
  options.log = leave_value;
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(5000, GET_FLAG(is_told))) FAIL("set-up: no line of the log");
  return auth;
}
static void frees_soon(nacos_auth *auth, const char *what) {
  const long start = now_ms();
  nacos_auth_free(auth);
  if (now_ms() - start > 2000) FAIL("nacos_auth_free takes %ld ms: %s", now_ms() - start, what);
}

static void take_long(void *unused) {
  (void)unused;
  sleep_ms(6000);
}
TEST(a_destructor_takes_long, 30) {
  value = &value;
  frees_soon(with_destructor(take_long), "a destructor takes long");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void want_lock(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
}
TEST(a_destructor_wants_a_lock_of_who_frees, 30) {
  value = &value;
  nacos_auth *auth = with_destructor(want_lock);
  pthread_mutex_lock(&lock);
  frees_soon(auth, "a destructor wants a lock");
  pthread_mutex_unlock(&lock);
}

static void free_handle(void *auth) {
  nacos_auth_free((nacos_auth *)auth);
  SET_FLAG(has_ended);
}
TEST(a_destructor_frees_the_last_handle, 30) {
  value = open_at(closed_port());
  nacos_auth *auth = with_destructor(free_handle);
  nacos_auth_free(auth);
  if (!UNTIL(8000, GET_FLAG(has_ended))) FAIL("nacos_auth_free in a destructor does not return");
}
static void supply_and_leave_value(void *data, nacos_credentials *credentials) {
  supply(data, credentials);
  pthread_setspecific(key, value);
}
TEST(a_destructor_of_the_credentials_thread_frees_it, 30) {
  server = serve("login=ok", NULL);
  pthread_key_create(&key, free_handle);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.credentials = supply_and_leave_value;
  nacos_auth *auth = open_with(&options);
  value = nacos_auth_ref(auth);
  must_serve(auth);
  nacos_auth_free(auth);
  if (!UNTIL(8000, GET_FLAG(has_ended))) FAIL("nacos_auth_free in a destructor does not return");
}
static void complete_and_leave_value(void *data, const nacos_completion *completion) {
  (void)data;
  nacos_response_free(completion->response);
  nacos_token_free(completion->token);
  nacos_error_free(completion->error);
  pthread_setspecific(key, value);
  SET_FLAG(is_told);
}
TEST(a_destructor_of_the_completing_thread_frees_it, 30) {
  server = serve("login=ok", NULL);
  pthread_key_create(&key, free_handle);
  nacos_auth *auth = open_at(server.address);
  value = nacos_auth_ref(auth);
  nacos_start_options start = nacos_start_options_default();
  start.on_complete = complete_and_leave_value;
  if (nacos_token_start(auth, NULL, &start, NULL, NULL) != NACOS_OK) FAIL("set-up: no operation");
  if (!UNTIL(5000, GET_FLAG(is_told))) FAIL("set-up: no completion");
  nacos_auth_free(auth);
  /* That thread stays for some seconds. */
  if (!UNTIL(15000, GET_FLAG(has_ended))) FAIL("nacos_auth_free in a destructor does not return");
}
