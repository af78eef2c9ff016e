/* Kind: a POST is carried out once. When its answer is lost, the caller is told that the server may have acted, and no
   other server is asked; when nothing was sent, another one is. */
#include "host.h"

static struct server one, other;
static nacos_auth *auth;

static nacos_auth *with_user(const char *addresses, int number) {
  char name[16];
  snprintf(name, sizeof(name), "user-%d", number);
  nacos_auth_options options = options_for(addresses);
  options.username = name;
  options.ca_file = strncmp(addresses, "https", 5) == 0 ? certificate("ca.pem") : NULL;
  return open_with(&options);
}
static void two_servers(int tls) {
  char both[160];
  one = tls ? serve("tls=server", NULL) : serve("tls=", NULL);
  other = tls ? serve("tls=server", NULL) : serve("tls=", NULL);
  snprintf(both, sizeof(both), "%s,%s", tls ? one.url : one.address, tls ? other.url : other.address);
  auth = with_user(both, 0);
  must_serve(auth);
}
static long posts(void) { return ask(&one, "post") + ask(&other, "post"); }

static void lost_answers(int tls, const char *const *manners) {
  two_servers(tls);
  for (; *manners != NULL; manners++) {
    tell(&one, *manners);
    tell(&other, *manners);
    for (int i = 0; i < 3; i++) {
      (void)get(auth, 5000); /* there may be a connection, or none */
      const long before = posts();
      const struct outcome o = post(auth, 3000);
      if (posts() - before != 1) FAIL("%s: carried out %ld times; %s", *manners, posts() - before, said(&o));
      if (o.status == NACOS_OK) FAIL("%s: set-up: %s", *manners, said(&o));
      if (strstr(o.text, "may have") == NULL)
        FAIL("%s: not told that the server may have acted: %s", *manners, said(&o));
    }
  }
}
static const char *const in_all_ways[] = {"post=close",     "post=reset", "post=garbage", "post=nonsense", "post=half",
                                          "post=halfreset", NULL};
TEST(answers_lost, 40) { lost_answers(0, in_all_ways); }
TEST(answers_lost_over_tls, 40) { lost_answers(1, in_all_ways); }

static void large_and_lost(int tls) {
  static const char *const manners[] = {"post=close", "post=reset", "post=garbage", NULL};
  two_servers(tls);
  for (int i = 0; manners[i] != NULL; i++) {
    tell(&one, manners[i]);
    tell(&other, manners[i]);
    const long before = posts();
    const struct outcome o = send_body(auth, "POST", 3 << 20, 8000);
    if (posts() - before != 1) FAIL("%s: carried out %ld times; %s", manners[i], posts() - before, said(&o));
    if (strstr(o.text, "may have") == NULL) FAIL("%s: %s", manners[i], said(&o));
  }
}
TEST(large_ones, 40) { large_and_lost(0); }
TEST(large_ones_over_tls, 40) { large_and_lost(1); }

TEST(no_answer_in_time, 40) {
  two_servers(0);
  tell(&one, "post=hang");
  tell(&other, "post=hang");
  const struct outcome o = post(auth, 700);
  if (o.status != NACOS_TIMEOUT) FAIL("%s", said(&o));
  sleep_ms(300);
  if (posts() != 1) FAIL("carried out %ld times; %s", posts(), said(&o));
}
TEST(through_a_proxy, 40) {
  const struct server proxy = serve("proxy=yes", NULL);
  char url[64];
  one = serve("post=close", NULL);
  other = serve("post=close", NULL);
  snprintf(url, sizeof(url), "http://%s", proxy.address);
  char both[160];
  snprintf(both, sizeof(both), "%s,%s", one.address, other.address);
  nacos_auth_options options = options_for(both);
  options.proxy = url;
  auth = open_with(&options);
  must_serve(auth);
  /* The proxy closes the connection after each request, and one may be lost with it. */
  for (int i = 0; i < 8 && posts() == 0; i++) {
    const struct outcome o = post(auth, 3000);
    if (o.status == NACOS_OK || posts() > 1) FAIL("carried out %ld times; %s", posts(), said(&o));
    sleep_ms(100);
  }
  if (posts() != 1) FAIL("set-up: nothing gets through the proxy");
}
/* The server has closed the connection that was kept; whether the library knows or not, a POST is not lost twice. */
TEST(over_connections_that_are_closed_meanwhile, 60) {
  one = serve("after=close", NULL);
  auth = open_at(one.address);
  must_serve(auth);
  long sent = 0;
  for (int i = 0; i < 60; i++) {
    const struct outcome o = post(auth, 3000);
    if (o.status != NACOS_OK && strstr(o.text, "may have") == NULL && o.status != NACOS_CONNECT) FAIL("%s", said(&o));
    sent++;
    if (i % 2) sleep_ms(20);
  }
  if (ask(&one, "post") > sent) FAIL("%ld POSTs were carried out %ld times", sent, ask(&one, "post"));
}
/* The token is refused: that is an answer, and the POST is sent again with a new one. */
TEST(a_refused_token, 40) {
  one = serve("post=token", NULL);
  auth = open_at(one.address);
  must_serve(auth);
  tell(&one, "forget=1");
  const struct outcome o = post(auth, 8000);
  if (o.http != 200 || ask(&one, "post") != 2) FAIL("sent %ld times: %s", ask(&one, "post"), said(&o));
}

/* Nothing was sent */

static void goes_to_the_next(const char *first, const char *good, const char *what) {
  char both[160];
  for (int i = 0; i < 4; i++) {
    snprintf(both, sizeof(both), "%s,%s", i % 2 ? first : good, i % 2 ? good : first);
    nacos_auth *of = with_user(both, i);
    for (int k = 0; k < 3; k++) {
      const struct outcome o = post(of, 12000);
      if (o.http != 200) FAIL("%s: the other server is well: %s", what, said(&o));
    }
    nacos_auth_free(of);
  }
}
TEST(refused_connections, 40) {
  other = serve("login=ok", NULL);
  goes_to_the_next(closed_port(), other.address, "refused");
}
TEST(unknown_names, 40) {
  other = serve("login=ok", NULL);
  goes_to_the_next("no-such-host.invalid:8848", other.address, "unknown name");
}
TEST(handshakes_that_fail, 60) {
  one = serve("accept=garbage", NULL);
  other = serve("tls=server", NULL);
  goes_to_the_next(one.url, other.url, "garbage in the handshake");
  tell(&one, "accept=close");
  goes_to_the_next(one.url, other.url, "closed in the handshake");
}
TEST(certificates_that_are_not_trusted, 40) {
  one = serve("tls=other-server", NULL);
  other = serve("tls=server", NULL);
  goes_to_the_next(one.url, other.url, "another authority");
}
TEST(handshakes_that_hang, 60) {
  one = serve("accept=hang", NULL);
  other = serve("tls=server", NULL);
  goes_to_the_next(one.url, other.url, "no handshake");
}
