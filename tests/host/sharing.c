/* Kind: who owns a handle. References are given back in any order and by any thread; the last one ends it, and what the
   callbacks were given is let go of once. A close that is bounded comes back although a callback hangs. */
#include "host.h"

static struct server server;
static int dropped, lines, inside, may_return;

static void drop(void *data) {
  (void)data;
  ADD_ONE(dropped);
}
static void count_line(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  if (GET_FLAG(dropped)) FAIL("a log callback after callback_drop");
  ADD_ONE(lines);
}
static nacos_auth *open_counted(nacos_log_callback log) {
  nacos_auth_options options = options_for(server.address);
  options.log = log;
  options.callback_drop = drop;
  return open_with(&options);
}

TEST(the_last_reference_ends_it, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_counted(count_line);
  if (nacos_auth_ref(auth) != auth || nacos_auth_ref(auth) != auth) FAIL("nacos_auth_ref returns something else");
  for (int i = 0; i < 3; i++) {
    must_answer(auth, "with references left");
    if (GET_FLAG(dropped)) FAIL("dropped with %d references left", 3 - i);
    nacos_auth_free(auth);
  }
  if (GET_FLAG(dropped) != 1) FAIL("dropped %d times", GET_FLAG(dropped));
}
TEST(a_closed_handle_is_closed_for_all, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_counted(count_line);
  nacos_auth *other = nacos_auth_ref(auth);
  must_answer(auth, "open");
  if (nacos_auth_close(other, 0, NULL) != NACOS_OK) FAIL("nacos_auth_close");
  if (GET_FLAG(dropped) != 1) FAIL("dropped %d times", GET_FLAG(dropped));
  const struct outcome o = get(auth, 1000);
  if (o.status != NACOS_CLOSED) FAIL("%s", said(&o));
  nacos_auth_free(auth);
  if (nacos_auth_close(other, 0, NULL) != NACOS_OK) FAIL("nacos_auth_close, again");
  nacos_auth_free(other);
  if (GET_FLAG(dropped) != 1) FAIL("dropped %d times in all", GET_FLAG(dropped));
}

/* Owners that do not know of each other. */
static void *own(void *of) {
  nacos_auth *auth = (nacos_auth *)of;
  for (int i = 0; i < 200; i++) {
    nacos_auth *one = nacos_auth_ref(auth);
    const struct outcome o = token(one, 5000);
    if (o.status != NACOS_OK) FAIL("%s", said(&o));
    nacos_auth *two = nacos_auth_ref(one);
    nacos_auth_free(i % 2 ? one : two);
    if (i % 50 == 0) must_answer(i % 2 ? two : one, "in a thread");
    nacos_auth_free(i % 2 ? two : one);
  }
  nacos_auth_free(auth);
  return NULL;
}
TEST(references_in_many_threads, 60) {
  server = serve("login=ok", NULL);
  for (int round = 0; round < rounds(3, 30); round++) {
    dropped = 0;
    nacos_auth *auth = open_counted(count_line);
    pthread_t owners[8];
    for (int i = 0; i < 8; i++) owners[i] = start_thread(own, nacos_auth_ref(auth));
    nacos_auth_free(auth); /* perhaps the last one, perhaps not */
    for (int i = 0; i < 8; i++)
      if (!ends_within(owners[i], 20000)) FAIL("an owner hangs");
    if (GET_FLAG(dropped) != 1) FAIL("round %d: dropped %d times", round, GET_FLAG(dropped));
  }
}
static void *close_it(void *of) {
  (void)nacos_auth_close((nacos_auth *)of, 0, NULL);
  nacos_auth_free((nacos_auth *)of);
  return NULL;
}
TEST(closed_by_one_while_others_own_it, 60) {
  server = serve("login=ok", NULL);
  for (int round = 0; round < rounds(10, 100); round++) {
    dropped = 0;
    nacos_auth *auth = open_counted(count_line);
    if (round % 2) must_answer(auth, "open");
    pthread_t closers[6];
    for (int i = 0; i < 6; i++) closers[i] = start_thread(close_it, nacos_auth_ref(auth));
    const struct outcome o = token(auth, 5000);
    if (o.status != NACOS_OK && o.status != NACOS_CLOSED) FAIL("%s", said(&o));
    for (int i = 0; i < 6; i++)
      if (!ends_within(closers[i], 8000)) FAIL("nacos_auth_close hangs");
    nacos_auth_free(auth);
    if (!UNTIL(2000, GET_FLAG(dropped) == 1)) FAIL("round %d: dropped %d times", round, GET_FLAG(dropped));
  }
}

/* A bound for nacos_auth_close */

static void hang_for_a_while(void *data, const nacos_log_record *record) {
  (void)data, (void)record;
  SET_FLAG(inside);
  while (!GET_FLAG(may_return)) sleep_ms(10);
}
TEST(close_comes_back_although_a_callback_hangs, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_counted(hang_for_a_while);
  nacos_error *error = NULL;
  must_answer(auth, "open");
  if (!UNTIL(5000, GET_FLAG(inside))) FAIL("set-up: no callback");
  for (uint32_t bound = 1; bound <= 201; bound += 100) {
    const long start = now_ms();
    const nacos_status status = nacos_auth_close(auth, bound, &error);
    const long took = now_ms() - start;
    if (status != NACOS_TIMEOUT || took + 5 < (long)bound || took > (long)bound + 500)
      FAIL("a bound of %u ms: %s after %ld ms: %s", (unsigned)bound, nacos_status_name(status), took,
           nacos_error_message(error));
    if (strcmp(nacos_error_cause(error), NACOS_CAUSE_DEADLINE) != 0 || nacos_error_was_sent(error) != NACOS_SENT_NO)
      FAIL("the cause is %s", nacos_error_cause(error));
    nacos_error_free(error);
  }
  const struct outcome o = get(auth, 1000);
  if (o.status != NACOS_CLOSED) FAIL("after a close that timed out: %s", said(&o));
  if (GET_FLAG(dropped)) FAIL("dropped while a callback runs");
  SET_FLAG(may_return);
  if (nacos_auth_close(auth, 5000, &error) != NACOS_OK) FAIL("the last close: %s", nacos_error_message(error));
  if (!UNTIL(2000, GET_FLAG(dropped))) FAIL("callback_drop has not been called");
  nacos_auth_free(auth);
  sleep_ms(100);
  if (GET_FLAG(dropped) != 1) FAIL("dropped %d times", GET_FLAG(dropped));
}
TEST(a_callback_that_outlives_its_handle, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = hang_for_a_while;
  options.callback_drop = drop;
  options.request_timeout_ms = 300; /* the bound of nacos_auth_free */
  nacos_auth *auth = open_with(&options);
  (void)get(auth, 5000);
  if (!UNTIL(5000, GET_FLAG(inside))) FAIL("set-up: no callback");
  const long start = now_ms();
  nacos_auth_free(auth);
  if (now_ms() - start > 1500) FAIL("nacos_auth_free took %ld ms", now_ms() - start);
  if (GET_FLAG(dropped)) FAIL("dropped while a callback runs");
  SET_FLAG(may_return);
  if (!UNTIL(5000, GET_FLAG(dropped))) FAIL("callback_drop has not been called");
  sleep_ms(100);
  if (GET_FLAG(dropped) != 1) FAIL("dropped %d times", GET_FLAG(dropped));
}
