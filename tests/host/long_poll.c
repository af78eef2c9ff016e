/* Kind: a listener whose answer the server holds back for longer than calls usually take. */
#include "host.h"

static nacos_auth *auth;

static struct outcome poll_for(const char *header, uint32_t timeout_ms) {
  const nacos_pair pair = NACOS_PAIR("long-pulling-TIMEOUT", header);
  nacos_request_options options = nacos_request_options_default();
  options.method = "POST";
  options.path = "/v1/cs/configs/listener";
  options.headers = &pair;
  options.header_count = header != NULL ? 1 : 0;
  options.timeout_ms = timeout_ms;
  return request_with(auth, &options);
}
/* The usual time is a second, and an answer takes three. */
static void begin(void) {
  static struct server server;
  server = serve("login=ok", "post=delay:3", NULL);
  nacos_auth_options options = options_for(server.address);
  options.request_timeout_ms = 1000;
  auth = open_with(&options);
  must_serve(auth);
}

TEST(has_the_time_it_asks_for, 60) {
  begin();
  const struct outcome o = poll_for("20000", 0);
  if (o.http != 200) FAIL("%s", said(&o));
  nacos_auth_free(auth);
}
TEST(years_do_no_harm, 60) {
  begin();
  const struct outcome o = poll_for("99999999999999999999", 0);
  if (o.http != 200) FAIL("%s", said(&o));
  nacos_auth_free(auth);
}
TEST(nonsense_changes_nothing, 60) {
  const char *const nonsense[] = {NULL, "", "-30000", "soon", "0"};
  begin();
  for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
    const struct outcome o = poll_for(nonsense[i], 0);
    if (o.status != NACOS_TIMEOUT || o.took < 900 || o.took > 2900) FAIL("number %zu: %s", i, said(&o));
  }
  nacos_auth_free(auth);
}
TEST(the_callers_own_time_out_counts, 60) {
  begin();
  const struct outcome o = poll_for("20000", 500);
  if (o.status != NACOS_TIMEOUT || o.took > 2900) FAIL("%s", said(&o));
  nacos_auth_free(auth);
}
