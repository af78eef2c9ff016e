/* Kind: what one call asks for that others do not. Flags hold, whatever the server does. */
#include "host.h"

static struct server server;
static nacos_auth *auth;

static nacos_request_options request_of(const char *method, uint32_t flags) {
  nacos_request_options options = nacos_request_options_default();
  options.method = method;
  options.path = "/v1/cs/configs";
  options.flags = flags;
  options.timeout_ms = 5000;
  return options;
}

/* One request, and what is said of it. */
struct told {
  nacos_status status;
  int http, was_sent, truncated;
  uint32_t attempts, replays;
  size_t length;
  char server[64], cause[64], message[400];
};
static struct told send_with(const nacos_request_options *options) {
  struct told t;
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  memset(&t, 0, sizeof(t));
  t.status = nacos_request(auth, options, &response, &error);
  t.http = nacos_response_status(response);
  t.attempts = nacos_response_attempts(response);
  t.replays = nacos_response_replays(response);
  t.truncated = (int)nacos_response_is_truncated(response);
  (void)nacos_response_body(response, &t.length);
  t.was_sent = (int)nacos_error_was_sent(error);
  snprintf(t.server, sizeof(t.server), "%s",
           t.status == NACOS_OK ? nacos_response_server(response) : nacos_error_server(error));
  snprintf(t.cause, sizeof(t.cause), "%s", nacos_error_cause(error));
  snprintf(t.message, sizeof(t.message), "%s", nacos_error_message(error));
  nacos_response_free(response);
  nacos_error_free(error);
  return t;
}
static struct told send_flagged(const char *method, uint32_t flags) {
  const nacos_request_options options = request_of(method, flags);
  return send_with(&options);
}
static const char *all_of(const struct told *t) {
  static char text[800];
  snprintf(text, sizeof(text), "%s, HTTP %d from %s, %u attempts, %u replays, cause %s, sent %d: %s",
           nacos_status_name(t->status), t->http, t->server, (unsigned)t->attempts, (unsigned)t->replays, t->cause,
           t->was_sent, t->message);
  return text;
}

/* NACOS_FLAG_NO_WAIT */

static struct outcome token_at_once(void) {
  nacos_call_options options = nacos_call_options_default();
  options.flags = NACOS_FLAG_NO_WAIT;
  return token_with(auth, &options);
}
TEST(no_wait_does_not_wait_for_a_hung_server, 30) {
  server = serve("login=hang", NULL);
  auth = open_at(server.address);
  /* Promised are 50 ms. A busy machine may keep one call or the other waiting, but not all of them. */
  int late = 0;
  for (int i = 0; i < 5; i++) {
    const struct outcome o = token_at_once();
    if (o.status != NACOS_WOULD_BLOCK || o.took >= 1000) FAIL("call %d: %s", i, said(&o));
    late += o.took >= 50;
    sleep_ms(100);
  }
  if (late > 2) FAIL("%d calls of five took 50 ms", late);
  if (ask(&server, "login") != 1) FAIL("%ld logins have begun in the background", ask(&server, "login"));
  const long start = now_ms();
  const struct told t = send_flagged("GET", NACOS_FLAG_NO_WAIT);
  if (t.status != NACOS_WOULD_BLOCK || now_ms() - start >= 1000 || strcmp(t.cause, NACOS_CAUSE_WOULD_BLOCK) != 0)
    FAIL("a request: %s", all_of(&t));
}
TEST(no_wait_gets_the_token_of_the_login_in_the_background, 30) {
  server = serve("login=delay:0.5", NULL);
  auth = open_at(server.address);
  struct outcome o = token_at_once();
  if (o.status != NACOS_WOULD_BLOCK || o.took >= 400) FAIL("the first call: %s", said(&o));
  if (!UNTIL(8000, (o = token_at_once(), o.status == NACOS_OK))) FAIL("no token comes: %s", said(&o));
  if (ask(&server, "login") != 1) FAIL("%ld logins", ask(&server, "login"));
  const struct told t = send_flagged("GET", NACOS_FLAG_NO_WAIT);
  if (t.http != 200) FAIL("a request: %s", all_of(&t));
}
TEST(no_wait_does_not_wait_for_a_name, 30) {
  nacos_auth_options options = options_for("nowhere.invalid:8848,127.0.0.1:1");
  auth = open_with(&options);
  for (int i = 0; i < 10; i++) {
    const struct outcome o = token_at_once();
    if (o.status == NACOS_OK || o.took >= 400) FAIL("call %d: %s", i, said(&o));
    sleep_ms(50);
  }
}
static void *keep_busy(void *of) {
  (void)get((nacos_auth *)of, 5000);
  return NULL;
}
TEST(no_wait_does_not_wait_for_a_connection, 30) {
  server = serve("get=delay:2", NULL);
  nacos_auth_options options = options_for(server.address);
  options.max_connections = 1;
  auth = open_with(&options);
  const struct outcome o = token(auth, 5000);
  if (o.status != NACOS_OK) FAIL("set-up: %s", said(&o));
  const pthread_t other = start_thread(keep_busy, auth);
  if (!UNTIL(5000, ask(&server, "get") > 0 || ask(&server, "open") > 0)) FAIL("set-up: no other request");
  sleep_ms(300);
  const long start = now_ms();
  const struct told t = send_flagged("GET", NACOS_FLAG_NO_WAIT);
  if (t.status != NACOS_WOULD_BLOCK || now_ms() - start >= 1000) FAIL("after %ld ms: %s", now_ms() - start, all_of(&t));
  if (!ends_within(other, 8000)) FAIL("the other request hangs");
}

/* NACOS_FLAG_NO_REPLAY */

TEST(no_replay_returns_the_refusal, 30) {
  server = serve("request=token", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  tell(&server, "forget=1");
  const long before = ask(&server, "get");
  struct told t = send_flagged("GET", NACOS_FLAG_NO_REPLAY);
  if (t.status != NACOS_OK || t.http != 403 || t.attempts != 1 || t.replays != 0) FAIL("refused: %s", all_of(&t));
  if (ask(&server, "get") != before + 1) FAIL("sent %ld times", ask(&server, "get") - before);
  t = send_flagged("GET", 0);
  if (t.http != 200) FAIL("without the flag: %s", all_of(&t));
}
TEST(no_replay_sends_nothing_twice, 30) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  tell(&server, "get=close");
  const long before = ask(&server, "get");
  const struct told t = send_flagged("GET", NACOS_FLAG_NO_REPLAY);
  if (t.status != NACOS_IO || t.was_sent != NACOS_SENT_PERHAPS) FAIL("broken: %s", all_of(&t));
  if (ask(&server, "get") != before + 1) FAIL("sent %ld times", ask(&server, "get") - before);
}

/* NACOS_FLAG_NO_FAILOVER */

TEST(no_failover_asks_one_server, 60) {
  server = serve("login=ok", NULL);
  char both[100];
  int refused = 0;
  snprintf(both, sizeof(both), "127.0.0.1:1,%s", server.address);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = both;
  options.token = "theirs";
  /* Which one a handle begins with is drawn. */
  for (uint32_t i = 0; i < 100 && refused == 0; i++) {
    options.connect_timeout_ms = 1000 + i;
    auth = open_with(&options);
    struct told t = send_flagged("GET", NACOS_FLAG_NO_FAILOVER);
    if (t.status == NACOS_OK && (t.attempts != 1 || strcmp(t.server, server.address) != 0)) FAIL("%s", all_of(&t));
    if (t.status != NACOS_OK) {
      refused++;
      if (t.status != NACOS_CONNECT || strcmp(t.server, "127.0.0.1:1") != 0 || t.was_sent != NACOS_SENT_NO ||
          strcmp(t.cause, NACOS_CAUSE_CONNECTION_REFUSED) != 0)
        FAIL("refused: %s", all_of(&t));
    }
    t = send_flagged("GET", 0);
    if (t.http != 200 || strcmp(t.server, server.address) != 0) FAIL("without the flag: %s", all_of(&t));
    nacos_auth_free(auth);
  }
  if (refused == 0) FAIL("no handle of a hundred began with the server that is not there");
}

/* NACOS_FLAG_IDEMPOTENT and its opposite. */

static void broken(const char *method, uint32_t flags, long times) {
  char setting[32];
  const char *name = strcmp(method, "GET") == 0 ? "get" : "post";
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  snprintf(setting, sizeof(setting), "%s=close", name);
  tell(&server, setting);
  const long before = ask(&server, name);
  const struct told t = send_flagged(method, flags);
  if (t.status != NACOS_IO || t.was_sent != NACOS_SENT_PERHAPS || strcmp(t.cause, NACOS_CAUSE_CONNECTION_BROKEN) != 0)
    FAIL("%s: %s", method, all_of(&t));
  if (strcmp(t.server, server.address) != 0) FAIL("%s: by %s", method, t.server);
  if (ask(&server, name) != before + times)
    FAIL("%s was sent %ld times, not %ld", method, ask(&server, name) - before, times);
}
TEST(a_broken_get_is_sent_again, 30) { broken("GET", 0, 2); }
TEST(a_broken_post_is_not_sent_again, 30) { broken("POST", 0, 1); }
TEST(an_idempotent_post_is_sent_again, 30) { broken("POST", NACOS_FLAG_IDEMPOTENT, 2); }
TEST(a_get_that_is_not_idempotent_is_not_sent_again, 30) { broken("GET", NACOS_FLAG_NOT_IDEMPOTENT, 1); }

/* NACOS_FLAG_NO_ANONYMOUS: the server asks nobody for a token, and knows no user. */
TEST(no_anonymous_sends_nothing_without_a_token, 30) {
  server = serve("login=status:403:{\"status\":403,\"message\":\"unknown user!\"}",
                 "get=status:404:config data not exist", NULL);
  auth = open_at(server.address);
  struct told t = send_flagged("GET", NACOS_FLAG_NO_ANONYMOUS);
  if (t.status != NACOS_BAD_CREDENTIALS) FAIL("with the flag: %s", all_of(&t));
  t = send_flagged("GET", 0);
  if (t.status != NACOS_OK || t.http != 404) FAIL("without the flag: %s", all_of(&t));
}

/* What an answer says of itself. */

TEST(an_answer_names_its_server, 30) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  struct told t = send_flagged("GET", 0);
  if (strcmp(t.server, server.address) != 0 || t.attempts != 1 || t.truncated) FAIL("%s", all_of(&t));
  tell(&server, "request=token");
  tell(&server, "forget=1");
  t = send_flagged("GET", 0);
  if (t.http != 200 || t.attempts != 2 || t.replays != 1) FAIL("after a refusal: %s", all_of(&t));
}
TEST(a_long_refusal_is_cut, 30) {
  static char setting[70100];
  snprintf(setting, sizeof(setting), "get=status:418:%070000d", 7);
  server = serve("login=ok", setting, NULL);
  auth = open_at(server.address);
  struct told t = send_flagged("GET", 0);
  if (t.http != 418 || !t.truncated || t.length != 64 * 1024) FAIL("%zu bytes: %s", t.length, all_of(&t));
  tell(&server, "get=burst:70000");
  t = send_flagged("GET", 0);
  if (t.http != 200 || t.truncated || t.length != 70000) FAIL("%zu bytes: %s", t.length, all_of(&t));
}
TEST(an_answer_beyond_the_limit_is_an_error, 30) {
  server = serve("get=burst:100001", NULL);
  nacos_auth_options options = options_for(server.address);
  options.max_response_size = 100000;
  auth = open_with(&options);
  struct told t = send_flagged("GET", 0);
  if (t.status != NACOS_TOO_LARGE || strcmp(t.cause, NACOS_CAUSE_ANSWER_TOO_LARGE) != 0 ||
      t.was_sent != NACOS_SENT_PERHAPS)
    FAIL("one byte more: %s", all_of(&t));
  tell(&server, "get=burst:100000");
  t = send_flagged("GET", 0);
  if (t.http != 200 || t.length != 100000) FAIL("just as many: %s", all_of(&t));
  tell(&server, "get=burst:100001");
  tell(&server, "coding=gzip");
  t = send_flagged("GET", 0);
  if (t.status != NACOS_TOO_LARGE) FAIL("compressed: %s", all_of(&t));
}
