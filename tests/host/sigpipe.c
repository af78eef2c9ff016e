/* Kind: SIGPIPE never ends a host, whoever closes a connection at whichever moment. */
#define SIGPIPE_KILLS
#include "host.h"

/* An answer, or an error of the connection. */
static void must_live(const struct outcome *o, const char *what) {
  if (o->status != NACOS_OK && o->status != NACOS_IO && o->status != NACOS_CONNECT) FAIL("%s: %s", what, said(o));
}

static void requests(nacos_auth *auth, int count, const char *what) {
  int answered = 0;
  for (int i = 0; i < count; i++) {
    const struct outcome o = i % 4 == 3 ? post(auth, 5000) : get(auth, 5000);
    must_live(&o, what);
    answered += o.http == 200;
    if (i % 3 == 0) sleep_ms(i % 7);
  }
  if (answered == 0) FAIL("%s: none of %d requests was answered", what, count);
}

TEST(plain_closed_after_each_answer, 60) {
  const struct server s = serve("after=close", NULL);
  requests(open_at(s.address), 150, "close");
}

TEST(plain_reset_after_each_answer, 60) {
  const struct server s = serve("after=reset", NULL);
  requests(open_at(s.name), 100, "reset");
}

TEST(tls_closed_after_each_answer, 60) {
  const struct server s = serve("tls=server", "after=close", NULL);
  requests(open_tls(&s), 120, "close");
}

TEST(tls_reset_after_each_answer, 60) {
  const struct server s = serve("tls=server", "after=reset", NULL);
  requests(open_tls(&s), 100, "reset");
}

/* The body is larger than what the system's buffers take. */
static void uploads(nacos_auth *auth, const char *what) {
  for (int i = 0; i < 12; i++) {
    const struct outcome o = send_body(auth, i % 2 ? "PUT" : "POST", (size_t)(4 + i) << 20, 10000);
    if (o.status == NACOS_OK ? o.http != 413 : o.status != NACOS_IO) FAIL("%s, upload %d: %s", what, i, said(&o));
  }
}

TEST(plain_upload_refused_early, 60) {
  const struct server s = serve("post=early", NULL);
  uploads(open_at(s.address), "plain");
}

TEST(tls_upload_refused_early, 60) {
  const struct server s = serve("post=early", "tls=server", NULL);
  uploads(open_tls(&s), "TLS");
}

/* Each token is forgotten at once, so that each call logs in, over a connection that the server has closed since. */
static void logins(const struct server *s, nacos_auth *auth) {
  for (int i = 0; i < 10; i++) {
    tell(s, "forget=1");
    const struct outcome o = get(auth, 5000);
    must_live(&o, "login and request");
    sleep_ms(i % 5);
  }
  if (ask(s, "login") < 5) FAIL("set-up: only %ld logins", ask(s, "login"));
}

TEST(login_connection_closed, 60) {
  const struct server s = serve("get=token", "after=close", NULL);
  logins(&s, open_at(s.address));
}

TEST(login_connection_reset_under_tls, 60) {
  const struct server s = serve("get=token", "after=reset", "tls=server", NULL);
  logins(&s, open_tls(&s));
}

static void failing_logins(const struct server *s, int tls) {
  for (int i = 0; i < 12; i++) {
    char name[16];
    nacos_auth_options options = options_for(tls ? s->url : s->address);
    options.ca_file = tls ? certificate("ca.pem") : NULL;
    snprintf(name, sizeof(name), "user-%d", i); /* another user, another login */
    options.username = name;
    nacos_auth *auth = open_with(&options);
    const struct outcome o = token(auth, 400);
    if (o.status == NACOS_OK || o.status == NACOS_PANIC) FAIL("login %d: %s", i, said(&o));
    nacos_auth_free(auth);
  }
}

TEST(login_breaks_the_connection, 60) {
  const struct server s = serve("login=close", NULL);
  failing_logins(&s, 0);
  tell(&s, "login=reset");
  failing_logins(&s, 0);
}

TEST(login_breaks_the_connection_under_tls, 60) {
  const struct server s = serve("login=reset", "tls=server", NULL);
  failing_logins(&s, 1);
  tell(&s, "accept=close");
  failing_logins(&s, 1);
}

TEST(proxy_closes, 60) {
  static const char *const manners[] = {"proxy=close", "proxy=half"};
  const struct server proxy = serve("proxy=yes", NULL), plain = serve("after=close", NULL),
                      tls = serve("tls=server", "after=close", NULL);
  char url[64];
  snprintf(url, sizeof(url), "http://%s", proxy.address);
  nacos_auth_options options = options_for(plain.address);
  options.proxy = url;
  nacos_auth *by_http = open_with(&options);
  options.server_addr = tls.url;
  options.ca_file = certificate("ca.pem");
  nacos_auth *by_tls = open_with(&options);
  must_serve(by_http);
  must_serve(by_tls);
  for (int k = 0; k < 2; k++) {
    tell(&proxy, manners[k]);
    for (int i = 0; i < 15; i++) {
      const struct outcome one = post(by_http, 1500), other = post(by_tls, 1500);
      if (one.status == NACOS_PANIC || other.status == NACOS_PANIC) FAIL("%s; %s", one.text, other.text);
    }
  }
}

/* What is freed says goodbye over connections that are gone. */
TEST(freed_when_the_server_has_gone, 40) {
  for (int i = 0; i < 5; i++) {
    const struct server s = serve("tls=server", i % 2 ? "idle=0.2" : "idle=", NULL);
    nacos_auth *auth = open_tls(&s);
    must_serve(auth);
    if (i % 2)
      sleep_ms(500);
    else
      stop(&s);
    if (i == 4) must_live(&(struct outcome){.status = get(auth, 500).status}, "request");
    nacos_auth_free(auth);
  }
  sleep_ms(200);
}

/* Threads with connections of their own, if connections belong to threads, end when these are broken. */
static void *one_request(void *auth) {
  const struct outcome o = get(auth, 5000);
  must_live(&o, "request of a thread");
  return NULL;
}

TEST(threads_that_come_and_go, 40) {
  const struct server s = serve("tls=server", "after=reset", NULL);
  nacos_auth *auth = open_tls(&s);
  for (int round = 0; round < 12; round++) {
    pthread_t all[6];
    for (int i = 0; i < 6; i++) all[i] = start_thread(one_request, auth);
    for (int i = 0; i < 6; i++) pthread_join(all[i], NULL);
  }
  nacos_auth_free(auth);
}
