/* Kind: two servers, and the one in use falls ill in some way. One or two calls suffer, the next ones go to the other.
 */
#include "host.h"

static struct server servers[2];
static nacos_auth *auth;

static void begin(int tls, const char *setting) {
  char both[160];
  for (int i = 0; i < 2; i++) servers[i] = tls ? serve("tls=server", setting, NULL) : serve(setting, NULL);
  snprintf(both, sizeof(both), "%s,%s", tls ? servers[0].url : servers[0].address,
           tls ? servers[1].url : servers[1].address);
  nacos_auth_options options = options_for(both);
  options.ca_file = tls ? certificate("ca.pem") : NULL;
  auth = open_with(&options);
  for (int i = 0; i < 4; i++) must_serve(auth);
}
static const struct server *in_use(const char *what) {
  return &servers[ask(&servers[0], what) >= ask(&servers[1], what) ? 0 : 1];
}
/* Eight calls with a deadline of 2 s each. */
static void suffer(int at_most, int is_post, const char *what) {
  int failed = 0, slow = 0;
  struct outcome last;
  memset(&last, 0, sizeof(last));
  for (int i = 0; i < 8; i++) {
    const struct outcome o = is_post ? post(auth, 2000) : get(auth, 2000);
    if (o.http != 200)
      failed++, last = o;
    else if (o.took > 1500)
      slow++;
    sleep_ms(100);
  }
  if (failed > at_most) FAIL("%s: %d of 8 calls failed while the other server is well: %s", what, failed, said(&last));
  if (failed + slow > at_most + 1) FAIL("%s: %d of 8 calls failed, %d were slow", what, failed, slow);
}

TEST(hangs_for_reads, 60) {
  begin(0, "login=ok");
  tell(in_use("get"), "request=hang");
  suffer(1, 0, "the server in use answers nothing but logins");
}
TEST(hangs_for_writes, 60) {
  begin(0, "login=ok");
  tell(in_use("get"), "request=hang");
  suffer(2, 1, "the server in use answers nothing but logins");
}
TEST(hangs_over_tls, 60) {
  begin(1, "login=ok");
  tell(in_use("get"), "request=hang");
  suffer(1, 0, "the server in use answers nothing but logins");
}
TEST(breaks_reads, 60) {
  begin(0, "login=ok");
  tell(in_use("get"), "request=close");
  suffer(1, 0, "the server in use breaks connections");
}
TEST(breaks_writes, 60) {
  begin(0, "login=ok");
  tell(in_use("get"), "request=close");
  suffer(2, 1, "the server in use breaks connections");
}
TEST(resets_writes_over_tls, 60) {
  begin(1, "login=ok");
  tell(in_use("get"), "request=reset");
  suffer(2, 1, "the server in use resets connections");
}
TEST(garbage_for_writes_over_tls, 60) {
  begin(1, "login=ok");
  tell(in_use("get"), "request=garbage");
  suffer(2, 1, "the server in use sends garbage");
}
TEST(garbage_for_reads, 60) {
  begin(0, "login=ok");
  tell(in_use("get"), "request=nonsense");
  suffer(2, 0, "the server in use sends garbage");
}
TEST(half_answers_to_reads, 60) {
  begin(0, "login=ok");
  tell(in_use("get"), "request=half");
  suffer(2, 0, "the server in use sends half an answer");
}
TEST(accepts_and_never_shakes_hands, 60) {
  begin(1, "after=close");
  tell(in_use("get"), "accept=hang");
  suffer(2, 0, "the server in use accepts and says nothing");
}
TEST(accepts_and_says_nothing, 60) {
  begin(0, "after=close");
  tell(in_use("get"), "accept=hang");
  suffer(2, 1, "the server in use accepts and says nothing");
}
TEST(is_stopped, 60) {
  begin(0, "login=ok");
  kill(in_use("get")->pid, SIGSTOP);
  suffer(1, 0, "the server in use is stopped");
}
TEST(is_stopped_over_tls, 60) {
  begin(1, "after=close");
  kill(in_use("get")->pid, SIGSTOP);
  suffer(2, 0, "the server in use is stopped");
}
TEST(is_gone, 60) {
  begin(0, "login=ok");
  kill(in_use("get")->pid, SIGKILL);
  suffer(1, 0, "the server in use is gone");
}
TEST(hangs_for_logins, 60) {
  begin(0, "get=token");
  tell(in_use("login"), "login=hang");
  tell(&servers[0], "forget=1");
  tell(&servers[1], "forget=1");
  /* Each knows its own tokens only: with one login that hangs, the other's have to do. */
  for (int i = 0; i < 2; i++)
    if (&servers[i] == in_use("login")) tell(&servers[i], "request=close");
  const struct outcome o = get(auth, 15000);
  if (o.http != 200) FAIL("logins at one of two servers hang: %s", said(&o));
  suffer(1, 0, "logins at one of two servers hang");
}
/* A thousand calls at once would all suffer; ten that come one after the other are not to. */
static int failed;
static void *three_calls(void *unused) {
  for (int i = 0; i < 3; i++) {
    const struct outcome o = get(auth, 2500);
    if (o.http != 200) ADD_ONE(failed);
  }
  return unused;
}
TEST(hangs_for_several_threads, 60) {
  pthread_t all[8];
  begin(0, "login=ok");
  tell(in_use("get"), "request=hang");
  for (int i = 0; i < 8; i++) all[i] = start_thread(three_calls, NULL);
  for (int i = 0; i < 8; i++) pthread_join(all[i], NULL);
  if (GET_FLAG(failed) > 8) FAIL("%d of 24 calls of 8 threads failed: more than the first of each", GET_FLAG(failed));
}
