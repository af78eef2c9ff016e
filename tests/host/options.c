/* Kind: what a handle is told once and for all: TLS from memory, its own name for servers, whether to go on waiting. */
#include "host.h"

static struct server server;
static nacos_auth *auth;

static char *text_of(const char *name) {
  char *text = (char *)calloc(1, 65536);
  FILE *file = fopen(certificate(name), "r");
  if (file == NULL || fread(text, 1, 65535, file) == 0) FAIL("set-up: %s", name);
  fclose(file);
  return text;
}

TEST(tls_from_memory, 30) {
  server = serve("tls=server", "clients=ca", NULL);
  char *ca = text_of("ca.pem"), *cert = text_of("client-one.pem"), *key = text_of("client-one.key");
  nacos_auth_options options = options_for(server.url);
  options.ca_pem = ca;
  options.client_cert_pem = cert;
  options.client_key_pem = key;
  auth = open_with(&options);
  /* They are copied. */
  memset(ca, 'x', strlen(ca));
  memset(cert, 'x', strlen(cert));
  memset(key, 'x', strlen(key));
  must_answer(auth, "everything from memory");
  if (strcmp(ask_text(&server, "peer"), "client-one") != 0) FAIL("the client is %s", ask_text(&server, "peer"));
}
TEST(tls_from_memory_and_from_files, 30) {
  server = serve("tls=server", "clients=ca", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_pem = text_of("ca.pem");
  options.client_cert_file = certificate("client-two.pem");
  options.client_key_pem = text_of("client-two.key");
  must_answer(open_with(&options), "a certificate from a file, its key from memory");
  if (strcmp(ask_text(&server, "peer"), "client-two") != 0) FAIL("the client is %s", ask_text(&server, "peer"));
  options.ca_pem = text_of("other-ca.pem");
  const struct outcome o = get(open_with(&options), 4000);
  if (o.status != NACOS_TLS) FAIL("another authority from memory: %s", said(&o));
}

TEST(the_server_sees_the_user_agent, 30) {
  server = serve("login=ok", NULL);
  char usual[64];
  snprintf(usual, sizeof(usual), "user-agent: nacos-auth/%s|", nacos_auth_version());
  must_serve(open_at(server.address));
  if (strcasestr(ask_text(&server, "head"), usual) == NULL) FAIL("the usual one: %s", ask_text(&server, "head"));
  nacos_auth_options options = options_for(server.address);
  options.user_agent = "inventory/2.1 (blue)";
  auth = open_with(&options);
  const struct outcome o = token(auth, 5000);
  if (o.status != NACOS_OK) FAIL("a token: %s", said(&o));
  must_serve(auth);
  if (strcasestr(ask_text(&server, "head"), "user-agent: inventory/2.1 (blue)|") == NULL)
    FAIL("its own: %s", ask_text(&server, "head"));
}

/* keep_waiting */

static int asked, stops;
static long stopped_at, asked_at[200];
static int32_t keep_waiting(void *data) {
  if (data != &asked) FAIL("keep_waiting has other data");
  const int number = ADD_ONE(asked);
  if (number <= 200) asked_at[number - 1] = now_ms();
  return !GET_FLAG(stops);
}
static nacos_auth *open_asking(const char *address) {
  nacos_auth_options options = options_for(address);
  options.keep_waiting = keep_waiting;
  options.callback_data = &asked;
  return open_with(&options);
}
static void *stop_soon(void *unused) {
  sleep_ms(700);
  stopped_at = now_ms();
  SET_FLAG(stops);
  return unused;
}
/* How long after the no the call goes on. */
static long ended_after(const char *what, struct outcome (*call)(nacos_auth *, uint32_t)) {
  stops = 0;
  auth = open_asking(server.address);
  if (call == get) {
    const struct outcome o = token(auth, 5000);
    if (o.status != NACOS_OK) FAIL("set-up: %s", said(&o));
  }
  asked = 0;
  const pthread_t other = start_thread(stop_soon, NULL);
  const long start = now_ms();
  const struct outcome o = call(auth, 20000);
  const long after = now_ms() - stopped_at;
  (void)ends_within(other, 1000);
  if (o.status != NACOS_CANCELLED || strstr(o.text, "keep_waiting") == NULL) FAIL("%s: %s", what, said(&o));
  if (asked_at[0] - start < 45) FAIL("%s: asked after %ld ms already", what, asked_at[0] - start);
  /* Every 50 to 100 ms; a busy machine may be late. */
  if (asked < 4 || asked > 16) FAIL("%s: asked %d times in %ld ms", what, asked, o.took);
  nacos_auth_free(auth);
  return after;
}
/* Promised are 200 ms, which a busy machine misses now and then. */
static void is_ended(const char *what, struct outcome (*call)(nacos_auth *, uint32_t)) {
  long after = 201;
  for (int round = 0; round < 3 && after > 200; round++) after = ended_after(what, call);
  if (after > 200) FAIL("%s: it ended %ld ms after the no", what, after);
}
TEST(keep_waiting_ends_the_wait_for_a_login, 30) {
  server = serve("login=hang", NULL);
  is_ended("a token", token);
}
TEST(keep_waiting_ends_the_wait_for_an_answer, 30) {
  server = serve("get=hang", NULL);
  is_ended("a request", get);
}
TEST(keep_waiting_is_not_asked_by_a_call_that_does_not_wait, 30) {
  server = serve("login=ok", NULL);
  auth = open_asking(server.address);
  must_serve(auth);
  asked = 0;
  for (int i = 0; i < 50; i++) {
    const struct outcome o = token(auth, 5000);
    if (o.status != NACOS_OK) FAIL("%s", said(&o));
  }
  if (asked != 0) FAIL("asked %d times", asked);
}
/* Waiting for its turn, where all connections are in use. */
static void *keep_busy(void *of) {
  (void)get((nacos_auth *)of, 8000);
  return NULL;
}
TEST(keep_waiting_ends_the_wait_for_a_connection, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.max_connections = 1;
  options.keep_waiting = keep_waiting;
  options.callback_data = &asked;
  auth = open_with(&options);
  must_serve(auth);
  tell(&server, "get=hang");
  const pthread_t busy = start_thread(keep_busy, auth);
  sleep_ms(300);
  const pthread_t stopper = start_thread(stop_soon, NULL);
  const struct outcome o = get(auth, 8000);
  if (o.status != NACOS_CANCELLED || now_ms() - stopped_at > 1000) FAIL("%s", said(&o));
  if (!ends_within(busy, 2000) || !ends_within(stopper, 1000)) FAIL("the other call goes on");
}

/* nacos_auth_retry */

TEST(retry_ends_a_pause, 30) {
  server = serve("password=other", NULL);
  auth = open_at(server.address);
  struct outcome o = token(auth, 3000);
  if (o.status != NACOS_BAD_CREDENTIALS) FAIL("set-up: %s", said(&o));
  tell(&server, "password=nacos");
  o = token(auth, 1000);
  if (o.status != NACOS_BAD_CREDENTIALS || ask(&server, "login") != 1) FAIL("set-up: no pause: %s", said(&o));
  nacos_error *error = NULL;
  if (nacos_auth_retry(auth, &error) != NACOS_OK) FAIL("nacos_auth_retry: %s", nacos_error_message(error));
  o = token(auth, 5000);
  if (o.status != NACOS_OK || o.took > 1500) FAIL("after nacos_auth_retry: %s", said(&o));
}
TEST(retry_wakes_calls_that_wait, 30) {
  server = serve("login=status:502:<html>Bad Gateway</html>", NULL);
  auth = open_at(server.address);
  struct outcome o = token(auth, 300);
  for (int i = 0; i < 3; i++) {
    const long before = ask(&server, "login");
    if (nacos_auth_retry(auth, NULL) != NACOS_OK) FAIL("nacos_auth_retry");
    o = token(auth, 2500);
    if (ask(&server, "login") <= before) FAIL("round %d: no login: %s", i, said(&o));
  }
  tell(&server, "login=ok");
  if (nacos_auth_retry(auth, NULL) != NACOS_OK) FAIL("nacos_auth_retry");
  o = token(auth, 5000);
  if (o.status != NACOS_OK || o.took > 1500) FAIL("after nacos_auth_retry: %s", said(&o));
}
/* However often it is called: a second between two logins at the least. */
TEST(retry_is_no_hammer, 30) {
  server = serve("password=other", NULL);
  auth = open_at(server.address);
  const long start = now_ms();
  while (now_ms() < start + 3000) {
    if (nacos_auth_retry(auth, NULL) != NACOS_OK) FAIL("nacos_auth_retry");
    (void)token(auth, 10);
  }
  if (ask(&server, "login") > 5) FAIL("%ld logins in three seconds", ask(&server, "login"));
}
