/* Kind: lookups of names that hang, are slow or fail. A hung lookup costs those who wait for just that name, and nobody
   else; when lookups work again, so do calls. */
#include <dlfcn.h>
#include <netdb.h>

#include "host.h"

/* Which of the invented names hang, and what becomes of "moody.test". */
static int hanging = 1, moody_failure, lookups;
static long moody_delay;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (real == NULL) {
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof(real));
  }
  ADD_ONE(lookups);
  if (node != NULL && strncmp(node, "hung", 4) == 0 && GET_FLAG(hanging)) sleep_ms(60000);
  if (node != NULL && strcmp(node, "moody.test") == 0) {
    const int failure = GET_FLAG(moody_failure);
    sleep_ms(GET_FLAG(moody_delay));
    if (failure != 0) return failure;
  }
  return real(node != NULL && strstr(node, ".test") != NULL ? "127.0.0.1" : node, service, hints, result);
}

static struct server server;
static char address[4][64];
static const char *at(const char *name) {
  static int next;
  next = (next + 1) % 4;
  snprintf(address[next], sizeof(address[next]), "%s:%s", name, server.port);
  return address[next];
}
static void *wait_for_token(void *auth) {
  const struct outcome o = token((nacos_auth *)auth, 3000);
  must_be_sensible(&o, "a call that waits for a hung lookup");
  if (o.status == NACOS_OK) FAIL("set-up: the lookup does not hang");
  if (o.took > 8000) FAIL("a call with a deadline of 3 s that waits for a hung lookup: %s", said(&o));
  return NULL;
}
static nacos_auth *with_user(const char *where, int number) {
  char name[32];
  snprintf(name, sizeof(name), "user-%d", number);
  nacos_auth_options options = options_for(where);
  options.username = name;
  return open_with(&options);
}
static void must_be_quick(nacos_auth *auth, const char *what) {
  const struct outcome o = get(auth, 8000);
  if (o.http != 200 || o.took > 5000) FAIL("%s: %s", what, said(&o));
}

TEST(one_hung_name, 30) {
  server = serve("after=close", NULL);
  nacos_auth *good = open_at(at("good.test"));
  must_serve(good);
  const pthread_t waiter = start_thread(wait_for_token, with_user(at("hung.test"), 1));
  if (!UNTIL(2000, GET_FLAG(lookups) > 1)) FAIL("set-up: no lookup");
  for (int i = 0; i < 5; i++) must_be_quick(good, "a handle that was there before");
  must_be_quick(with_user(at("good.test"), 2), "a new handle of another name");
  must_be_quick(with_user(at("127.0.0.1"), 3), "a new handle of an address");
  if (!ends_within(waiter, 10000)) FAIL("the call that waits for the hung name does not end");
}
TEST(many_hung_names, 40) {
  enum { HUNG = 40 };
  server = serve("after=close", NULL);
  nacos_auth *good = open_at(at("good.test"));
  must_serve(good);
  pthread_t all[HUNG];
  for (int i = 0; i < HUNG; i++) {
    char name[32];
    snprintf(name, sizeof(name), "hung-%d.test", i);
    all[i] = start_thread(wait_for_token, with_user(at(name), i));
  }
  sleep_ms(500);
  for (int i = 0; i < 5; i++) must_be_quick(good, "forty names hang: a handle that was there before");
  must_be_quick(with_user(at("good.test"), 100), "forty names hang: a new handle");
  for (int i = 0; i < HUNG; i++)
    if (!ends_within(all[i], 10000)) FAIL("a call that waits for a hung name does not end");
  for (int i = 0; i < 3; i++) must_be_quick(good, "forty names still hang");
}
/* Many calls for one hung name take no thread each for good. */
TEST(a_hung_name_that_many_ask_for, 40) {
  server = serve("after=close", NULL);
  const int before = threads();
  nacos_auth *hung = open_at(at("hung.test"));
  for (int i = 0; i < 15; i++) (void)token(hung, 100);
  if (threads() - before > 12) FAIL("15 calls that waited for one hung name have left %d threads", threads() - before);
  must_be_quick(with_user(at("good.test"), 1), "another name");
}
TEST(a_name_that_hung_once, 40) {
  server = serve("after=close", NULL);
  hanging = 0;
  nacos_auth *auth = open_at(at("hung.test"));
  must_serve(auth);
  SET_FLAG(hanging);
  struct outcome o = get(auth, 2500);
  if (o.status == NACOS_OK) FAIL("set-up: the request needed no lookup");
  must_be_sensible(&o, "a hung lookup");
  __atomic_store_n(&hanging, 0, __ATOMIC_SEQ_CST);
  int failed = 0;
  struct outcome last = o;
  for (int i = 0; i < 8; i++) {
    o = get(auth, 5000);
    if (o.http != 200) failed++, last = o;
    sleep_ms(100);
  }
  if (failed > 2) FAIL("lookups work again, and %d of 8 calls fail: %s", failed, said(&last));
}
TEST(the_first_of_two_servers_has_a_hung_name, 40) {
  char both[128];
  server = serve("after=close", NULL);
  snprintf(both, sizeof(both), "%s,%s", at("hung.test"), at("good.test"));
  /* Whichever of the two a handle begins with. */
  for (int k = 0; k < 6; k++) {
    nacos_auth *auth = with_user(both, k);
    for (int i = 0; i < 3; i++) {
      const struct outcome o = get(auth, 12000);
      if (o.http != 200) FAIL("the other of two servers is well: %s", said(&o));
      if (i == 2 && o.took > 1900) FAIL("the hung name is waited for again and again: %s", said(&o));
    }
  }
}
TEST(a_slow_lookup, 30) {
  server = serve("after=close", NULL);
  moody_delay = 1000;
  nacos_auth *auth = open_at(at("moody.test"));
  for (int i = 0; i < 3; i++) {
    const struct outcome o = get(auth, 10000);
    if (o.http != 200) FAIL("a lookup that takes a second: %s", said(&o));
  }
}
static void failing_then_working(int failure) {
  server = serve("after=close", NULL);
  moody_failure = failure;
  nacos_auth *auth = open_at(at("moody.test"));
  struct outcome o = get(auth, 2000);
  if (o.status != NACOS_CONNECT || strstr(o.text, "moody.test") == NULL)
    FAIL("a name that cannot be looked up: %s", said(&o));
  moody_failure = 0;
  o = get(auth, 10000);
  if (o.http != 200) FAIL("the name can be looked up again: %s", said(&o));
  moody_failure = failure;
  for (int i = 0; i < 2; i++) {
    o = get(auth, 2000);
    if (o.status != NACOS_CONNECT) FAIL("a name that cannot be looked up any more: %s", said(&o));
  }
  moody_failure = 0;
  o = get(auth, 10000);
  if (o.http != 200) FAIL("the name can be looked up once more: %s", said(&o));
}
TEST(unknown_then_known, 30) { failing_then_working(EAI_NONAME); }
TEST(no_answer_then_known, 30) { failing_then_working(EAI_AGAIN); }

static void *close_soon(void *auth) {
  sleep_ms(300);
  nacos_auth_close((nacos_auth *)auth, 0, NULL);
  return NULL;
}
TEST(closed_while_a_lookup_hangs, 30) {
  server = serve("after=close", NULL);
  nacos_auth *auth = open_at(at("hung.test"));
  const pthread_t closer = start_thread(close_soon, auth);
  const struct outcome o = get(auth, 15000);
  if (o.status != NACOS_CLOSED || o.took > 3000) FAIL("closed while a lookup hangs: %s", said(&o));
  if (!ends_within(closer, 2000)) FAIL("nacos_auth_close waits for a lookup");
  const long start = now_ms();
  nacos_auth_free(auth);
  if (now_ms() - start > 2000) FAIL("nacos_auth_free waits for a lookup: %ld ms", now_ms() - start);
}
static void *cancel_soon(void *cancel) {
  sleep_ms(300);
  nacos_cancel_trigger((nacos_cancel *)cancel);
  return NULL;
}
TEST(cancelled_while_a_lookup_hangs, 30) {
  server = serve("after=close", NULL);
  nacos_auth *auth = open_at(at("hung.test"));
  nacos_call_options options = nacos_call_options_default();
  options.cancel = nacos_cancel_new();
  const pthread_t canceller = start_thread(cancel_soon, options.cancel);
  const struct outcome o = token_with(auth, &options);
  if (o.status != NACOS_CANCELLED || o.took > 3000) FAIL("cancelled while a lookup hangs: %s", said(&o));
  pthread_join(canceller, NULL);
}
/* The end of a program does not wait for it either. */
TEST(exit_while_a_lookup_hangs, 20) {
  server = serve("after=close", NULL);
  nacos_auth *auth = open_at(at("hung.test"));
  (void)token(auth, 300);
  nacos_auth_free(auth);
}
TEST(fork_while_a_lookup_hangs, 30) {
  server = serve("after=close", NULL);
  nacos_auth *hung = with_user(at("hung.test"), 1), *good = open_at(at("good.test"));
  (void)token(hung, 300);
  const pid_t child = fork();
  if (child == 0) {
    must_be_quick(good, "in a child");
    const struct outcome o = token(hung, 500);
    must_be_sensible(&o, "a hung name in a child");
    nacos_auth_free(hung);
    nacos_auth_free(good);
    _exit(0);
  }
  child_must_end(child, 15000, "a lookup of the parent hangs");
}
