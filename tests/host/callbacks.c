/* Kind: callbacks that close, that wait for each other, that are slow or never return. Nobody else waits for them; what
   was told is delivered; what the callbacks were given is let go of once, and after the last of them. */
#include "host.h"

static nacos_auth *auth, *second;
static int inside, met, done, dropped, lines, events;

static void nothing(void *data, const nacos_log_record *record) { (void)data, (void)record; }
static void count_line(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  if (GET_FLAG(dropped)) FAIL("a log callback after callback_drop");
  ADD_ONE(lines);
}
static void count_event(void *data, const nacos_event *event) {
  (void)data, (void)event;
  if (GET_FLAG(dropped)) FAIL("an event callback after callback_drop");
  ADD_ONE(events);
}
static void drop(void *data) {
  (void)data;
  ADD_ONE(dropped);
}
static void give_password(nacos_credentials *credentials) {
  if (nacos_credentials_set_password(credentials, "nacos", "nacos", NULL) != NACOS_OK) FAIL("set-up: credentials");
}
static void *free_auth(void *of) {
  nacos_auth_free((nacos_auth *)of);
  return NULL;
}
static void must_be_freed(nacos_auth *of, const char *what) {
  if (!ends_within(start_thread(free_auth, of), 8000)) FAIL("%s: nacos_auth_free hangs", what);
}
static void must_be_dropped_once(const char *what) {
  if (!UNTIL(5000, GET_FLAG(dropped) > 0)) FAIL("%s: callback_drop has not been called", what);
  sleep_ms(100);
  if (GET_FLAG(dropped) != 1) FAIL("%s: callback_drop was called %d times", what, GET_FLAG(dropped));
}
static void *ask_token(void *of) {
  (void)token((nacos_auth *)of, 4000);
  return NULL;
}

/* Closing inside a callback */

static void close_in_event(void *data, const nacos_event *event) {
  (void)data, (void)event;
  if (ADD_ONE(inside) > 1) return;
  nacos_auth_close(auth, 0, NULL);
  SET_FLAG(done);
}
static void close_in_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  if (ADD_ONE(inside) > 1) return;
  nacos_auth_close(auth, 0, NULL);
  SET_FLAG(done);
}
static void close_in_credentials(void *data, nacos_credentials *credentials) {
  (void)data;
  nacos_auth_close(auth, 0, NULL);
  give_password(credentials);
  SET_FLAG(done);
}
static void closed_inside(nacos_auth_options options, const char *what) {
  const struct server s = serve("login=ok", NULL);
  options.server_addr = s.address;
  if (options.credentials == NULL) options.username = options.password = "nacos";
  options.callback_drop = drop;
  auth = open_with(&options);
  const struct outcome o = token(auth, 5000);
  must_be_sensible(&o, what);
  if (!UNTIL(8000, GET_FLAG(done))) FAIL("%s: nacos_auth_close has not returned", what);
  const struct outcome later = token(auth, 1000);
  if (later.status != NACOS_CLOSED) FAIL("%s: %s", what, said(&later));
  must_be_freed(auth, what);
  must_be_dropped_once(what);
}
TEST(closed_in_an_event_callback, 30) {
  nacos_auth_options options = nacos_auth_options_default();
  options.event = close_in_event;
  closed_inside(options, "event callback");
}
TEST(closed_in_a_log_callback, 30) {
  nacos_auth_options options = nacos_auth_options_default();
  options.log = close_in_log;
  closed_inside(options, "log callback");
}
TEST(closed_in_a_credentials_callback, 30) {
  nacos_auth_options options = nacos_auth_options_default();
  options.credentials = close_in_credentials;
  closed_inside(options, "credentials callback");
}

/* Two callbacks close at the same moment: each waits until the other is inside too. */
static void meet(void) {
  ADD_ONE(met);
  if (!UNTIL(5000, GET_FLAG(met) >= 2))
    FAIL("a callback waits in vain for another one, which may run at the same time");
}
static void meet_and_close(void *data, const nacos_event *event) {
  (void)event;
  if (ADD_ONE(inside) > 1) return;
  meet();
  nacos_auth_close(*(nacos_auth **)data, 0, NULL);
  ADD_ONE(done);
}
static void meet_and_close_in_log(void *data, const nacos_log_record *record) {
  (void)record;
  if (ADD_ONE(inside) > 1) return;
  meet();
  nacos_auth_close(*(nacos_auth **)data, 0, NULL);
  ADD_ONE(done);
}
static void meet_and_close_in_credentials(void *data, nacos_credentials *credentials) {
  meet();
  nacos_auth_close(*(nacos_auth **)data, 0, NULL);
  give_password(credentials);
  ADD_ONE(done);
}
static void both_close(nacos_auth_options options, const char *what) {
  options.server_addr = closed_port();
  options.credentials = meet_and_close_in_credentials;
  options.callback_data = &auth;
  options.callback_drop = drop;
  auth = open_with(&options);
  const struct outcome o = token(auth, 8000);
  must_be_sensible(&o, what);
  if (!UNTIL(8000, GET_FLAG(done) >= 2)) FAIL("%s: nacos_auth_close has not returned in both callbacks", what);
  must_be_freed(auth, what);
  must_be_dropped_once(what);
}
TEST(event_and_credentials_close_each_other, 30) {
  nacos_auth_options options = nacos_auth_options_default();
  options.event = meet_and_close;
  both_close(options, "event and credentials callback");
}
TEST(log_and_credentials_close_each_other, 30) {
  nacos_auth_options options = nacos_auth_options_default();
  options.log = meet_and_close_in_log;
  options.log_level = NACOS_LOG_DEBUG;
  both_close(options, "log and credentials callback");
}

/* Inside a callback nacos_auth_close waits for nothing, not even for a callback that never returns. */
static void hang_until_closed(void *data, nacos_credentials *credentials) {
  (void)data, (void)credentials;
  SET_FLAG(met);
  for (;;) pause();
}
static void close_while_another_hangs(void *data, const nacos_event *event) {
  (void)event;
  if (ADD_ONE(inside) > 1) return;
  if (!UNTIL(5000, GET_FLAG(met))) FAIL("a callback waits in vain for another one, which may run at the same time");
  nacos_auth_close(*(nacos_auth **)data, 0, NULL);
  SET_FLAG(done);
}
TEST(closed_in_a_callback_while_the_credentials_hang, 30) {
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = closed_port();
  options.credentials = hang_until_closed;
  options.event = close_while_another_hangs;
  options.callback_data = &auth;
  auth = open_with(&options);
  const struct outcome o = token(auth, 8000);
  must_be_sensible(&o, "closed in a callback");
  if (!UNTIL(8000, GET_FLAG(done))) FAIL("nacos_auth_close in an event callback waits for a credentials callback");
}
TEST(a_callback_closes_another_handle_whose_callback_hangs, 30) {
  const struct server s = serve("login=ok", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = s.address;
  options.credentials = hang_until_closed;
  second = open_with(&options);
  (void)start_thread(ask_token, second);
  if (!UNTIL(5000, GET_FLAG(met))) FAIL("set-up: no callback");
  options = options_for(s.address);
  options.event = close_while_another_hangs;
  options.callback_data = &second;
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(8000, GET_FLAG(done))) FAIL("nacos_auth_close in a callback waits for a callback of another handle");
  must_be_freed(auth, "the handle of the callback");
}
static void close_in_drop(void *data) {
  nacos_auth_close(*(nacos_auth **)data, 0, NULL);
  ADD_ONE(dropped);
}
TEST(closed_in_callback_drop, 30) {
  const struct server s = serve("login=ok", NULL);
  nacos_auth_options options = options_for(s.address);
  options.log = count_line;
  options.callback_data = &auth;
  options.callback_drop = close_in_drop;
  auth = open_with(&options);
  must_serve(auth);
  nacos_auth_close(auth, 0, NULL);
  must_be_dropped_once("closed in callback_drop");
  must_be_freed(auth, "closed in callback_drop");
}

/* Two handles, whose callbacks close the other one at the same moment. */
struct pair {
  nacos_auth **other;
  int inside, dropped;
};
static void close_other(void *data, const nacos_log_record *record) {
  struct pair *pair = (struct pair *)data;
  (void)record;
  if (ADD_ONE(pair->inside) > 1) return;
  meet();
  nacos_auth_close(*pair->other, 0, NULL);
  ADD_ONE(done);
}
static void drop_pair(void *data) { ADD_ONE(((struct pair *)data)->dropped); }

TEST(two_handles_close_each_other, 30) {
  static struct pair pairs[2];
  const struct server s = serve("login=ok", NULL);
  nacos_auth_options options = options_for(s.address);
  options.log = close_other;
  options.callback_drop = drop_pair;
  pairs[0].other = &second;
  pairs[1].other = &auth;
  options.callback_data = &pairs[0];
  auth = open_with(&options);
  options.callback_data = &pairs[1];
  options.connect_timeout_ms = 1234; /* its own login */
  second = open_with(&options);
  const pthread_t one = start_thread(ask_token, auth), other = start_thread(ask_token, second);
  if (!UNTIL(10000, GET_FLAG(done) >= 2)) FAIL("nacos_auth_close has not returned in both callbacks");
  if (!ends_within(one, 5000) || !ends_within(other, 5000)) FAIL("the calls have not ended");
  must_be_freed(auth, "the first");
  must_be_freed(second, "the second");
  if (!UNTIL(5000, GET_FLAG(pairs[0].dropped) == 1 && GET_FLAG(pairs[1].dropped) == 1))
    FAIL("callback_drop: %d and %d times", GET_FLAG(pairs[0].dropped), GET_FLAG(pairs[1].dropped));
}

/* A callback of one handle closes another, of the same credentials and busy, and frees it. */
static void close_second(void *data, const nacos_event *event) {
  (void)data, (void)event;
  if (ADD_ONE(inside) > 1) return;
  nacos_auth_close(second, 0, NULL);
  nacos_auth_free(second);
  SET_FLAG(done);
}
TEST(a_callback_frees_another_handle, 30) {
  const struct server s = serve("login=ok", NULL);
  nacos_auth_options options = options_for(s.address);
  options.log = count_line;
  second = open_with(&options);
  options.log = NULL;
  options.event = close_second;
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(8000, GET_FLAG(done))) FAIL("nacos_auth_free of another handle has not returned in a callback");
  must_serve(auth);
  must_be_freed(auth, "the handle of the callback");
}

/* Handles by the dozen in callbacks: made, asked and freed there. */
static struct server server;
static void use_another(void *data, const nacos_event *event) {
  (void)data, (void)event;
  if (ADD_ONE(inside) > 1) return;
  nacos_auth_options options = options_for(server.name);
  for (int i = 0; i < 8; i++) {
    options.connect_timeout_ms = 1000 + (uint32_t)i;
    options.log = i % 2 ? nothing : NULL;
    nacos_auth *another = open_with(&options);
    const struct outcome o = get(another, 8000);
    if (o.http != 200) FAIL("a request in a callback: %s", said(&o));
    nacos_auth_free(another);
  }
  const struct outcome own = token(auth, 8000);
  if (own.status != NACOS_OK) FAIL("a token of its own handle, in a callback: %s", said(&own));
  SET_FLAG(done);
}
TEST(a_callback_makes_and_frees_handles, 40) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.name);
  options.event = use_another;
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(20000, GET_FLAG(done))) FAIL("handles in a callback: no end");
  must_be_freed(auth, "the handle of the callback");
}

/* Callbacks that never return are the business of their handle only. */

static void hang(void) {
  ADD_ONE(inside);
  for (;;) pause();
}
static void hang_in_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  hang();
}
static void hang_in_event(void *data, const nacos_event *event) {
  (void)data, (void)event;
  hang();
}
static void hang_in_credentials(void *data, nacos_credentials *credentials) {
  (void)data, (void)credentials;
  hang();
}
static void another_lives(void) {
  nacos_auth_options options = options_for(server.name);
  options.password = "of another";
  options.log = count_line;
  options.event = count_event;
  options.log_level = NACOS_LOG_DEBUG;
  nacos_auth *another = open_with(&options);
  const struct outcome o = get(another, 10000);
  if (o.http != 200) FAIL("callbacks of other handles hang: %s", said(&o));
  if (!UNTIL(8000, GET_FLAG(lines) > 0 && GET_FLAG(events) > 0))
    FAIL("callbacks of other handles hang, and %d lines and %d events are told", GET_FLAG(lines), GET_FLAG(events));
  must_be_freed(another, "a handle whose callbacks return");
}
enum { MANY = 40 };
static void many_hang(nacos_auth_options options) {
  char name[16];
  server = serve("login=ok", NULL);
  options.server_addr = server.address;
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof(name), "user-%d", i);
    if (options.credentials == NULL) options.username = name, options.password = "nacos";
    (void)start_thread(ask_token, open_with(&options));
  }
  /* All of them may hang at once, or none but the first: what counts is the other handle. */
  (void)UNTIL(3000, GET_FLAG(inside) >= MANY);
  if (GET_FLAG(inside) == 0) FAIL("set-up: no callback");
  another_lives();
}
TEST(log_callbacks_that_hang, 40) {
  nacos_auth_options options = nacos_auth_options_default();
  options.log = hang_in_log;
  many_hang(options);
}
TEST(event_callbacks_that_hang, 40) {
  nacos_auth_options options = nacos_auth_options_default();
  options.event = hang_in_event;
  many_hang(options);
}
TEST(credentials_callbacks_that_hang, 40) {
  nacos_auth_options options = nacos_auth_options_default();
  options.credentials = hang_in_credentials;
  many_hang(options);
}
static void hang_in_completion(void *data, const nacos_completion *completion) {
  (void)data;
  nacos_error_free(completion->error);
  nacos_token_free(completion->token);
  hang();
}
/* A handle with a function that hangs and has been called. */
static nacos_auth *hung(int in_completion) {
  const int before = GET_FLAG(inside);
  nacos_auth_options options = options_for(server.address);
  options.request_timeout_ms = 3000;
  if (!in_completion) options.log = hang_in_log;
  nacos_auth *of = open_with(&options);
  nacos_start_options start = nacos_start_options_default();
  start.on_complete = hang_in_completion;
  if (in_completion && nacos_token_start(of, NULL, &start, NULL, NULL) != NACOS_OK) FAIL("set-up: no operation");
  if (!in_completion) (void)token(of, 5000);
  if (!UNTIL(5000, GET_FLAG(inside) > before)) FAIL("set-up: no callback");
  return of;
}
/* A function that hangs is waited for once, whoever does it: nacos_auth_close, or nacos_auth_free if nobody has. */
TEST(a_callback_that_hangs_is_waited_for_once, 30) {
  server = serve("login=ok", NULL);
  for (int in_completion = 0; in_completion < 2; in_completion++) {
    const char *what = in_completion ? "a completion callback" : "a log callback";
    nacos_auth *of = hung(in_completion);
    long start = now_ms();
    nacos_auth_free(of);
    if (now_ms() - start < 2900 || now_ms() - start > 5500) FAIL("%s: freed in %ld ms", what, now_ms() - start);
    of = hung(in_completion);
    if (nacos_auth_close(of, 1, NULL) != NACOS_TIMEOUT) FAIL("%s: set-up: it does not hang", what);
    start = now_ms();
    nacos_auth_free(of);
    if (now_ms() - start > 2500) FAIL("%s: closed before, and freed in %ld ms", what, now_ms() - start);
  }
}
static void close_and_hang(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  nacos_auth_close(auth, 0, NULL);
  SET_FLAG(done);
  sleep_ms(500);
  SET_FLAG(met);
}
/* A close inside a callback has waited for nothing: that is left to nacos_auth_free. */
TEST(freed_after_a_close_in_a_callback, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = close_and_hang;
  auth = open_with(&options);
  (void)token(auth, 5000);
  if (!UNTIL(5000, GET_FLAG(done))) FAIL("set-up: no callback");
  nacos_auth_free(auth);
  if (!GET_FLAG(met)) FAIL("nacos_auth_free returned before the callback");
}
static void hang_in_drop(void *data) {
  (void)data;
  hang();
}
static void *close_and_wait(void *of) {
  nacos_auth_close((nacos_auth *)of, 0, NULL);
  return NULL;
}
TEST(drop_callbacks_that_hang, 40) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.callback_drop = hang_in_drop;
  options.log = nothing;
  for (uint32_t i = 0; i < 12; i++) {
    options.connect_timeout_ms = 1000 + i;
    nacos_auth *one = open_with(&options);
    must_serve(one);
    (void)start_thread(close_and_wait, one);
  }
  (void)UNTIL(3000, GET_FLAG(inside) >= 12);
  another_lives();
}

/* A slow callback does not keep its own handle's calls waiting either. */
static void slow_log(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  ADD_ONE(inside);
  sleep_ms(1500);
}
TEST(a_slow_log_delays_no_call, 40) {
  server = serve("get=token", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = slow_log;
  options.log_level = NACOS_LOG_DEBUG;
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(5000, GET_FLAG(inside) > 0)) FAIL("set-up: no callback");
  const struct outcome o = get(auth, 5000);
  if (o.http != 200 || o.took > 1400) FAIL("a request while the log is slow: %s", said(&o));
}

/* Closing and freeing in another thread waits for a callback that runs. */
static int left_at;
static void run_for_a_second(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  if (ADD_ONE(inside) > 1) return;
  sleep_ms(1000);
  SET_FLAG(left_at);
}
static void waits_for_callback(void (*end)(nacos_auth *), const char *what) {
  server = serve("login=ok", NULL);
  /* Another handle has come and gone before: what it left behind must not matter. */
  nacos_auth_options options = options_for(server.address);
  options.log = nothing;
  nacos_auth *gone = open_with(&options);
  must_serve(gone);
  nacos_auth_free(gone);
  options.connect_timeout_ms = 1234; /* its own login */
  options.log = run_for_a_second;
  options.callback_drop = drop;
  auth = open_with(&options);
  must_serve(auth);
  if (!UNTIL(5000, GET_FLAG(inside) > 0)) FAIL("set-up: no callback");
  end(auth);
  if (!GET_FLAG(left_at)) FAIL("%s has returned while a log callback runs", what);
  must_be_dropped_once(what);
}
static void close_handle(nacos_auth *of) { nacos_auth_close(of, 0, NULL); }
TEST(close_waits_for_a_callback, 30) { waits_for_callback(close_handle, "nacos_auth_close"); }
TEST(free_waits_for_a_callback, 30) { waits_for_callback(nacos_auth_free, "nacos_auth_free"); }
static void at_exit(void) { waits_for_callback(nacos_auth_free, "nacos_auth_free in an atexit handler"); }
TEST(free_waits_for_a_callback_at_exit, 30) { atexit(at_exit); }

static void credentials_for_a_second(void *data, nacos_credentials *credentials) {
  (void)data;
  ADD_ONE(inside);
  sleep_ms(1000);
  give_password(credentials);
  SET_FLAG(left_at);
}
TEST(free_waits_for_a_credentials_callback, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.credentials = credentials_for_a_second;
  options.callback_drop = drop;
  auth = open_with(&options);
  const pthread_t waiter = start_thread(ask_token, auth);
  if (!UNTIL(5000, GET_FLAG(inside) > 0)) FAIL("set-up: no callback");
  nacos_auth_close(auth, 0, NULL);
  if (!GET_FLAG(left_at)) FAIL("nacos_auth_close has returned while a credentials callback runs");
  if (!ends_within(waiter, 2000)) FAIL("the call goes on after nacos_auth_close");
  nacos_auth_free(auth);
  must_be_dropped_once("a credentials callback was running");
}

/* What was told before the end is delivered: short programs live by that. */

static void short_program(int failing, int with_events) {
  nacos_auth_options options = options_for(server.address);
  options.log = count_line;
  if (with_events) options.event = count_event;
  options.callback_drop = drop;
  auth = open_with(&options);
  const struct outcome o = token(auth, 8000);
  if ((o.status != NACOS_OK) != failing) FAIL("set-up: %s", said(&o));
  if (failing && with_events)
    nacos_auth_close(auth, 0, NULL);
  else
    nacos_auth_free(auth);
  if (lines == 0) FAIL("%s: no line of the log", failing ? "the login failed" : "a token came");
  if (with_events && events < 2) FAIL("%s: only %d events", failing ? "the login failed" : "a token came", events);
  must_be_dropped_once("a short program");
}
static void short_programs(int failing, int with_events) {
  server = serve(failing ? "login=status:403:unknown user!" : "login=ok", NULL);
  for (int i = 0; i < 20; i++) {
    const pid_t child = fork();
    if (child == 0) {
      short_program(failing, with_events);
      _exit(0);
    }
    child_must_end(child, 20000, "a short program");
  }
}
TEST(short_programs_get_their_log, 40) { short_programs(0, 0); }
TEST(short_programs_whose_login_fails_get_their_log, 40) { short_programs(1, 0); }
TEST(short_programs_get_their_events, 40) { short_programs(0, 1); }
TEST(short_programs_whose_login_fails_get_their_events, 40) { short_programs(1, 1); }

/* Closed inside a callback, what is left is told afterwards, and before callback_drop. */
static void close_at_first(void *data, const nacos_event *event) {
  (void)data, (void)event;
  if (GET_FLAG(dropped)) FAIL("an event callback after callback_drop");
  if (ADD_ONE(events) > 1) return;
  sleep_ms(1000); /* the login has failed by now, and that was told */
  nacos_auth_close(auth, 0, NULL);
  SET_FLAG(done);
}
TEST(what_is_left_is_told_before_the_drop, 30) {
  server = serve("login=status:403:unknown user!", NULL);
  nacos_auth_options options = options_for(server.address);
  options.event = close_at_first;
  options.log = count_line;
  options.callback_drop = drop;
  auth = open_with(&options);
  (void)token(auth, 5000);
  must_be_dropped_once("closed in the first event");
  if (!GET_FLAG(done)) FAIL("callback_drop while an event callback runs");
  if (GET_FLAG(events) < 2 || GET_FLAG(lines) < 1)
    FAIL("closed in the first event: only %d events and %d lines were told", GET_FLAG(events), GET_FLAG(lines));
  nacos_auth_free(auth);
}
/* Many lines wait for a slow log: nacos_auth_close tells them all. */
static void slow_line(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  if (ADD_ONE(lines) == 1) sleep_ms(1500);
}
TEST(all_lines_that_wait_are_told, 30) {
  server = serve("get=token", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = slow_line;
  options.event = count_event;
  options.log_level = NACOS_LOG_DEBUG;
  auth = open_with(&options);
  must_serve(auth);
  tell(&server, "login=status:403:no");
  if (nacos_auth_set_credentials(auth, "another", "one", NULL) != NACOS_OK) FAIL("set-up: set_credentials");
  (void)token(auth, 500);
  nacos_auth_close(auth, 0, NULL);
  const int at_close = GET_FLAG(lines);
  /* A token and a failed login, at least. */
  if (at_close < 3) FAIL("only %d lines were told when nacos_auth_close returned", at_close);
  if (GET_FLAG(events) < 4) FAIL("only %d events were told when nacos_auth_close returned", GET_FLAG(events));
  sleep_ms(500);
  if (GET_FLAG(lines) != at_close) FAIL("%d lines were told after nacos_auth_close", GET_FLAG(lines) - at_close);
  nacos_auth_free(auth);
}

/* Exactly once, whatever the handle has lived through. */
TEST(dropped_without_a_call, 20) {
  nacos_auth_options options = options_for(closed_port());
  options.log = count_line;
  options.callback_drop = drop;
  auth = open_with(&options);
  nacos_auth_close(auth, 0, NULL);
  nacos_auth_close(auth, 0, NULL);
  nacos_auth_free(auth);
  must_be_dropped_once("a handle that did nothing");
}
TEST(dropped_when_closed_by_many_threads, 30) {
  pthread_t all[12];
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = count_line;
  options.event = count_event;
  options.callback_drop = drop;
  auth = open_with(&options);
  must_serve(auth);
  for (int i = 0; i < 12; i++) all[i] = start_thread(close_and_wait, auth);
  for (int i = 0; i < 12; i++)
    if (!ends_within(all[i], 8000)) FAIL("nacos_auth_close in twelve threads has not returned");
  nacos_auth_free(auth);
  must_be_dropped_once("closed by many threads");
}
TEST(not_dropped_when_init_fails, 20) {
  nacos_auth *none = NULL;
  nacos_auth_options options = options_for("http://[nonsense");
  options.callback_drop = drop;
  options.log = count_line;
  if (nacos_auth_init(&options, &none, NULL) == NACOS_OK) FAIL("set-up: such an address is taken");
  sleep_ms(200);
  if (dropped != 0) FAIL("callback_drop though nacos_auth_init failed");
}
/* A login is under way, and hangs: the drop comes soon all the same. */
TEST(dropped_while_a_login_hangs, 30) {
  server = serve("login=hang", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = count_line;
  options.callback_drop = drop;
  auth = open_with(&options);
  const pthread_t waiter = start_thread(ask_token, auth);
  if (!UNTIL(5000, ask(&server, "login") > 0)) FAIL("set-up: no login");
  nacos_auth_close(auth, 0, NULL);
  if (!ends_within(waiter, 2000)) FAIL("the call goes on after nacos_auth_close");
  nacos_auth_free(auth);
  must_be_dropped_once("a login hangs");
}
