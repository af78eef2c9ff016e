/* Kind: new credentials while calls wait, and after refusals. Calls that wait go over to the new ones at once; setting
   the same ones again, or a new handle, forgives a refusal; a token from elsewhere ends when it is said to and logs
   nothing in. */
#include <arpa/inet.h>

#include "host.h"

static nacos_auth *auth;
static struct server server;
enum { MOST = 6 };
static struct outcome outcomes[MOST];
static int ended;

static void *ask_token(void *index) {
  outcomes[(size_t)index] = token(auth, 25000); /* NOLINT */
  ADD_ONE(ended);
  return NULL;
}
static void *ask_request(void *index) {
  outcomes[(size_t)index] = get(auth, 25000); /* NOLINT */
  ADD_ONE(ended);
  return NULL;
}
/* Tokens and requests in turn. */
static void start_waiters(void) {
  for (size_t i = 0; i < MOST; i++) (void)start_thread(i % 2 ? ask_token : ask_request, (void *)i); /* NOLINT */
  if (!UNTIL(5000, statistics_of(auth).waiting >= MOST || GET_FLAG(ended) > 0)) FAIL("set-up: nobody waits");
  sleep_ms(200);
  if (GET_FLAG(ended) > 0)
    FAIL("set-up: a call did not wait: %s", said(&outcomes[0].took ? &outcomes[0] : &outcomes[1]));
}
static void all_are_served(const char *what) {
  const long start = now_ms();
  if (!UNTIL(6000, GET_FLAG(ended) == MOST))
    FAIL("%s: 6 s later only %d of %d calls that waited have ended", what, GET_FLAG(ended), MOST);
  for (int i = 0; i < MOST; i++)
    if (outcomes[i].status != NACOS_OK) FAIL("%s: after %ld ms: %s", what, now_ms() - start, said(&outcomes[i]));
}

/* Nobody listens there, until a server does. */
static void free_address(char *text, size_t size) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(here);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(fd, (struct sockaddr *)&here, length) != 0 || getsockname(fd, (struct sockaddr *)&here, &length) != 0)
    FAIL("set-up: no port");
  close(fd);
  snprintf(text, size, "127.0.0.1:%d", ntohs(here.sin_port));
}

TEST(while_the_server_is_away, 60) {
  char address[32], port[32];
  free_address(address, sizeof(address));
  auth = open_at(address);
  (void)token(auth, 300);
  start_waiters();
  if (set_password(auth, "new") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  snprintf(port, sizeof(port), "port=%s", strchr(address, ':') + 1);
  server = serve(port, "password=new", NULL);
  all_are_served("the server came, new credentials before");
}
static void during_a_hung_login(const char *manner) {
  server = serve(manner, NULL);
  auth = open_at(server.address);
  start_waiters();
  tell(&server, "login=ok");
  tell(&server, "accept=yes");
  tell(&server, "password=new");
  if (set_password(auth, "new") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  all_are_served("the login with the old credentials hangs");
}
TEST(during_a_login_that_hangs, 60) { during_a_hung_login("login=hang"); }
TEST(during_a_connection_that_hangs, 60) { during_a_hung_login("accept=hang"); }
TEST(set_several_times, 60) {
  server = serve("login=hang", NULL);
  auth = open_at(server.address);
  start_waiters();
  for (int i = 0; i < 20; i++)
    if (set_password(auth, i % 2 ? "wrong" : "wrong too") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  sleep_ms(100); /* the login with the last of them hangs by now: answered, it would be what those who wait are told */
  tell(&server, "login=ok");
  tell(&server, "password=new");
  if (set_password(auth, "new") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  all_are_served("credentials set several times");
}
TEST(of_another_user, 60) {
  server = serve("login=hang", NULL);
  auth = open_at(server.address);
  start_waiters();
  tell(&server, "login=ok");
  if (nacos_auth_set_credentials(auth, "another", "one", NULL) != NACOS_OK) FAIL("nacos_auth_set_credentials");
  all_are_served("another user");
}
TEST(a_token_while_calls_wait, 60) {
  server = serve("login=hang", NULL);
  auth = open_at(server.address);
  start_waiters();
  if (nacos_auth_set_token(auth, "from-elsewhere", 0, NULL) != NACOS_OK) FAIL("nacos_auth_set_token");
  all_are_served("a token from elsewhere");
  for (int i = 1; i < MOST; i += 2)
    if (strcmp(outcomes[i].text, "from-elsewhere") != 0) FAIL("not the token that was set: %s", said(&outcomes[i]));
}
TEST(during_a_pause_after_failures, 60) {
  server = serve("login=status:503:busy", NULL);
  auth = open_at(server.address);
  for (int i = 0; i < 4; i++) (void)token(auth, 1500);
  tell(&server, "login=ok");
  tell(&server, "password=new");
  const long start = now_ms();
  if (set_password(auth, "new") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  const struct outcome o = token(auth, 10000);
  if (o.status != NACOS_OK || now_ms() - start > 3000) FAIL("new credentials end the pause: %s", said(&o));
}
static int inside;
static void hang(void *data, nacos_credentials *credentials) {
  (void)data, (void)credentials;
  SET_FLAG(inside);
  for (;;) pause();
}
TEST(during_a_credentials_callback_that_hangs, 60) {
  server = serve("password=new", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.credentials = hang;
  auth = open_with(&options);
  start_waiters();
  if (!UNTIL(5000, GET_FLAG(inside))) FAIL("set-up: no callback");
  if (set_password(auth, "new") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  all_are_served("the credentials callback hangs");
}
TEST(during_a_password_file_that_hangs, 60) {
  server = serve("password=new", NULL);
  write_file("password", "old");
  nacos_auth_options options = options_for(server.address);
  options.password = NULL;
  options.password_file = "password";
  auth = open_with(&options);
  if (unlink("password") != 0 || mkfifo("password", 0600) != 0) FAIL("set-up: mkfifo");
  start_waiters();
  if (set_password(auth, "new") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  all_are_served("the password file hangs");
}

/* Refusals are forgiven */

static void must_be_refused(nacos_auth *of, const char *what) {
  const struct outcome o = token(of, 2000);
  if (o.status != NACOS_BAD_CREDENTIALS) FAIL("%s: %s", what, said(&o));
}
static void must_have_token(nacos_auth *of, const char *what) {
  const struct outcome o = token(of, 8000);
  if (o.status != NACOS_OK || o.took > 4000) FAIL("%s: %s", what, said(&o));
}
TEST(the_same_set_again_after_a_refusal, 40) {
  server = serve("password=other", NULL);
  auth = open_at(server.address);
  must_be_refused(auth, "set-up");
  tell(&server, "password=nacos");
  if (set_password(auth, "nacos") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  must_have_token(auth, "the same credentials set again");
}
TEST(a_new_handle_after_a_refusal, 40) {
  server = serve("password=other", NULL);
  auth = open_at(server.address);
  must_be_refused(auth, "set-up");
  tell(&server, "password=nacos");
  nacos_auth *another = open_at(server.address);
  must_have_token(another, "a new handle, while the old one lives");
  must_have_token(auth, "the old handle, after the new one");
}
TEST(a_new_handle_after_the_refused_one_is_gone, 40) {
  server = serve("password=other", NULL);
  auth = open_at(server.address);
  must_be_refused(auth, "set-up");
  nacos_auth_free(auth);
  tell(&server, "password=nacos");
  auth = open_at(server.address);
  must_have_token(auth, "a new handle, when the old one is gone");
}
/* Two refusals: logins are minutes apart, and with that everything else is the same. The second comes after some 20 s.
 */
static int rejected;
static void on_event(void *data, const nacos_event *event) {
  (void)data;
  if (event->kind == NACOS_EVENT_CREDENTIALS_REJECTED) SET_FLAG(rejected);
}
static void until_rejected(void) {
  server = serve("password=other", NULL);
  nacos_auth_options options = options_for(server.address);
  options.event = on_event;
  auth = open_with(&options);
  must_be_refused(auth, "set-up");
  if (!UNTIL(40000, GET_FLAG(rejected) || (token(auth, 500), sleep_ms(200), 0))) FAIL("set-up: refused once only");
  must_be_refused(auth, "set-up");
  tell(&server, "password=nacos");
}
TEST(the_same_set_again_after_two_refusals, 80) {
  until_rejected();
  if (set_password(auth, "nacos") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  must_have_token(auth, "the same credentials set again");
}
TEST(a_new_handle_after_two_refusals, 80) {
  until_rejected();
  must_have_token(open_at(server.address), "a new handle");
}

/* Tokens from elsewhere */

TEST(a_token_with_a_life_ends, 40) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.token = "one";
  auth = open_with(&options);
  if (nacos_auth_set_token(auth, "two", 2000, NULL) != NACOS_OK) FAIL("nacos_auth_set_token");
  const long start = now_ms();
  struct outcome o = token(auth, 1000);
  if (o.status != NACOS_OK || strcmp(o.text, "two") != 0 || o.remaining > 2000 || o.remaining < 500)
    FAIL("right after nacos_auth_set_token with 2 s: %s, another %ld ms", said(&o), (long)o.remaining);
  while (now_ms() - start < 6000) {
    o = token(auth, 500);
    const long age = now_ms() - start;
    if (o.status == NACOS_OK && !o.expired && o.remaining + age > 2600)
      FAIL("%ld ms after nacos_auth_set_token with 2 s: good for another %ld ms", age, (long)o.remaining);
    if (age > 2600 && o.status == NACOS_OK && !o.expired) FAIL("%ld ms after 2 s were given: good, not expired", age);
    sleep_ms(100);
  }
  if (ask(&server, "login") != 0) FAIL("%ld logins, with a token from elsewhere", ask(&server, "login"));
  if (statistics_of(auth).logins > 2) FAIL("%ld logins counted", (long)statistics_of(auth).logins);
  if (nacos_auth_set_token(auth, "three", 0, NULL) != NACOS_OK) FAIL("nacos_auth_set_token");
  o = token(auth, 1000);
  if (o.status != NACOS_OK || strcmp(o.text, "three") != 0) FAIL("another token: %s", said(&o));
}
TEST(a_token_in_place_of_credentials, 40) {
  server = serve("get=token", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  const long before = ask(&server, "login");
  if (nacos_auth_set_token(auth, "unknown-there", 60000, NULL) != NACOS_OK) FAIL("nacos_auth_set_token");
  struct outcome o = get(auth, 3000);
  if (o.status != NACOS_BAD_CREDENTIALS && o.http != 403) FAIL("a token that the server refuses: %s", said(&o));
  if (ask(&server, "login") != before) FAIL("a login with credentials that a token has replaced");
  if (set_password(auth, "nacos") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  o = get(auth, 5000);
  if (o.http != 200) FAIL("credentials in place of a token: %s", said(&o));
}
static int asked;
static void supply_token(void *data, nacos_credentials *credentials) {
  char text[32];
  (void)data;
  snprintf(text, sizeof(text), "supplied-%d", ADD_ONE(asked));
  if (nacos_credentials_set_token(credentials, text, 2000, NULL) != NACOS_OK) FAIL("nacos_credentials_set_token");
}
TEST(a_supplied_token_with_a_life_is_asked_for_again, 40) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.credentials = supply_token;
  auth = open_with(&options);
  const long start = now_ms();
  for (; now_ms() - start < 7000; sleep_ms(100)) {
    const struct outcome o = token(auth, 3000);
    if (o.status != NACOS_OK || strncmp(o.text, "supplied-", 9) != 0 || o.remaining > 2100) FAIL("%s", said(&o));
  }
  if (GET_FLAG(asked) < 3 || GET_FLAG(asked) > 60) FAIL("asked %d times in 7 s for tokens of 2 s", GET_FLAG(asked));
  if (ask(&server, "login") != 0) FAIL("a login, though tokens are supplied");
}
