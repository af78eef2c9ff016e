/* Kind: a gateway compresses every answer, although nobody has asked for it. */
#include "host.h"

static struct server server;

static void compressed(const char *coding) {
  char setting[32];
  snprintf(setting, sizeof(setting), "coding=%s", coding);
  server = serve(setting, "request=token", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  tell(&server, "forget=1");
  const struct outcome o = post(auth, 5000);
  if (o.http != 200 || strcmp(o.text, "hello") != 0) FAIL("after a refusal of the old token: %s", said(&o));
  if (ask(&server, "login") != 2) FAIL("%ld logins", (long)ask(&server, "login"));
  tell(&server, "login=status:403:unknown user!");
  tell(&server, "forget=1");
  const struct outcome refused = get(auth, 5000);
  if (refused.status != NACOS_BAD_CREDENTIALS || strstr(refused.text, "unknown user!") == NULL)
    FAIL("a login that is refused: %s", said(&refused));
  nacos_auth_free(auth);
}
TEST(gzip, 30) { compressed("gzip"); }
TEST(deflate, 30) { compressed("deflate"); }

TEST(damaged_answer, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  tell(&server, "coding=damaged");
  const struct outcome o = get(auth, 5000);
  if (o.status != NACOS_IO || strstr(o.text, "gzip") == NULL || strstr(o.text, "ends too early") == NULL)
    FAIL("%s", said(&o));
  tell(&server, "coding=");
  must_answer(auth, "after it");
  nacos_auth_free(auth);
}

TEST(damaged_login, 30) {
  server = serve("coding=damaged", NULL);
  nacos_auth *auth = open_at(server.address);
  const struct outcome o = token(auth, 5000);
  if (o.status != NACOS_IO || strstr(o.text, "ends too early") == NULL) FAIL("%s", said(&o));
  nacos_auth_free(auth);
}
