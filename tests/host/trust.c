/* Kind: whom TLS trusts. A certificate that signs itself is trusted when it is the ca_file; what is out of date or
   somebody else's is refused in words that say so; proxies by https are trusted in the same way. */
#include "host.h"

static nacos_auth *of(const char *address, const char *authority) {
  nacos_auth_options options = options_for(address);
  options.ca_file = certificate(authority);
  return open_with(&options);
}
static void works(const char *name, const char *authority) {
  char setting[64];
  snprintf(setting, sizeof(setting), "tls=%s", name);
  const struct server s = serve(setting, "after=close", NULL);
  nacos_auth *auth = of(s.url, authority);
  for (int i = 0; i < 3; i++) must_answer(auth, name);
  /* The address is among its names too. */
  char url[64];
  snprintf(url, sizeof(url), "https://%s", s.address);
  must_answer(of(url, authority), name);
}
static void refused(const char *name, const char *authority, const char *word, const char *or_word) {
  char setting[64];
  snprintf(setting, sizeof(setting), "tls=%s", name);
  const struct server s = serve(setting, NULL);
  nacos_auth *auth = of(s.url, authority);
  struct outcome o = get(auth, 4000);
  if (o.status != NACOS_TLS) FAIL("%s is not refused: %s", name, said(&o));
  if (strcasestr(o.text, word) == NULL && strcasestr(o.text, or_word) == NULL)
    FAIL("%s: the error says neither \"%s\" nor \"%s\": %s", name, word, or_word, said(&o));
  if (ask(&s, "login") != 0) FAIL("%s: a password was sent", name);
}

TEST(self_signed, 30) { works("self-ca", "self-ca.pem"); }
TEST(self_signed_that_is_no_authority, 30) { works("self-leaf", "self-leaf.pem"); }
TEST(self_signed_of_the_same_name_is_not_trusted, 30) { refused("self-other", "self-ca.pem", "certificate", "issuer"); }
TEST(self_signed_is_not_trusted_by_an_authority, 30) { refused("self-ca", "ca.pem", "certificate", "issuer"); }
TEST(self_signed_leaf_of_the_same_name_is_not_trusted, 30) {
  refused("self-other", "self-leaf.pem", "certificate", "issuer");
}
TEST(self_signed_and_expired, 30) { refused("self-expired", "self-expired.pem", "expired", "out of date"); }
TEST(self_signed_for_elsewhere, 30) { refused("self-elsewhere", "self-elsewhere.pem", "name", "elsewhere"); }
TEST(signed_for_elsewhere, 30) { refused("wrong-name", "ca.pem", "name", "elsewhere"); }
TEST(signed_by_another_authority, 30) { refused("other-server", "ca.pem", "trust", "issuer"); }

/* An authority and a certificate that signs itself, side by side in one file. */
TEST(a_file_of_both_kinds, 30) {
  char text[65536];
  FILE *one = fopen(certificate("ca.pem"), "r"), *other = fopen(certificate("self-leaf.pem"), "r");
  if (one == NULL || other == NULL) FAIL("set-up: no certificates");
  size_t length = fread(text, 1, sizeof(text) / 2, one);
  length += fread(text + length, 1, sizeof(text) / 2 - 1, other);
  text[length] = '\0';
  write_file("both.pem", text);
  const struct server a = serve("tls=server", NULL), b = serve("tls=self-leaf", NULL);
  nacos_auth_options options = options_for(a.url);
  options.ca_file = "both.pem";
  must_answer(open_with(&options), "signed by the authority");
  options.server_addr = b.url;
  must_answer(open_with(&options), "signed by itself");
}

/* Proxies */

static void through(const char *address, const struct server *proxy, const char *proxy_url) {
  nacos_auth_options options = options_for(address);
  options.ca_file = certificate("ca.pem");
  options.proxy = proxy_url;
  nacos_auth *auth = open_with(&options);
  must_answer(auth, proxy_url);
  if (ask(proxy, "proxied") == 0) FAIL("%s: nothing went through the proxy", proxy_url);
}
TEST(https_proxy_and_http_servers, 30) {
  const struct server proxy = serve("tls=server", "proxy=yes", NULL), s = serve("login=ok", NULL);
  through(s.address, &proxy, proxy.url);
}
TEST(https_proxy_and_https_servers, 30) {
  const struct server proxy = serve("tls=server", "proxy=yes", NULL), s = serve("tls=server", NULL);
  through(s.url, &proxy, proxy.url);
}
TEST(http_proxy_and_https_servers, 30) {
  const struct server proxy = serve("proxy=yes", NULL), s = serve("tls=server", NULL);
  char url[64];
  snprintf(url, sizeof(url), "http://%s", proxy.address);
  through(s.url, &proxy, url);
}
TEST(https_proxy_that_is_not_trusted, 30) {
  const struct server proxy = serve("tls=other-server", "proxy=yes", NULL), s = serve("login=ok", NULL);
  nacos_auth_options options = options_for(s.address);
  options.ca_file = certificate("ca.pem");
  options.proxy = proxy.url;
  const struct outcome o = get(open_with(&options), 4000);
  if (o.status == NACOS_OK) FAIL("a proxy of another authority is trusted");
  must_be_sensible(&o, "a proxy of another authority");
  if (ask(&proxy, "proxied") != 0) FAIL("a request was sent to a proxy of another authority");
}
