/* Kind: nothing but MSG_NOSIGNAL keeps a broken pipe from killing the host; and what a request asks of the system. The
   driver runs these under strace and looks at what the caller's thread has asked for: see traced.py. */
#define SIGPIPE_KILLS
#include "host.h"

/* Whose calls they are. */
static void begin(void) {
  char number[16];
  snprintf(number, sizeof(number), "%d", (int)getpid());
  write_file("caller", number);
}

TEST(plain, 60) {
  begin();
  const struct server s = serve("login=ok", NULL);
  nacos_auth *auth = open_at(s.address);
  must_serve(auth);
  for (int i = 0; i < 5; i++) (void)(i % 2 ? post(auth, 5000) : send_body(auth, "PUT", 300000, 5000));
  nacos_auth_free(auth);
}
TEST(tls, 60) {
  begin();
  const struct server s = serve("tls=server", NULL);
  nacos_auth *auth = open_tls(&s);
  must_serve(auth);
  for (int i = 0; i < 5; i++) (void)(i % 2 ? post(auth, 5000) : send_body(auth, "PUT", 300000, 5000));
  nacos_auth_free(auth);
}
TEST(proxy, 60) {
  begin();
  const struct server proxy = serve("proxy=yes", NULL), s = serve("tls=server", NULL);
  char url[64];
  snprintf(url, sizeof(url), "http://%s", proxy.address);
  nacos_auth_options options = options_for(s.url);
  options.ca_file = certificate("ca.pem");
  options.proxy = url;
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  (void)post(auth, 5000);
  nacos_auth_free(auth);
}
TEST(child_of_a_fork, 60) {
  begin();
  const struct server s = serve("login=ok", NULL);
  nacos_auth *auth = open_at(s.address);
  must_serve(auth);
  const pid_t child = fork();
  if (child == 0) {
    must_serve(auth);
    nacos_auth_free(auth);
    _exit(0);
  }
  child_must_end(child, 20000, "a child");
  (void)post(auth, 5000);
}

/* Each request between two marks. */
TEST(one_request_after_another, 60) {
  begin();
  const struct server s = serve("login=ok", NULL);
  nacos_auth *auth = open_at(s.address);
  must_serve(auth);
  for (int i = 0; i < 30; i++) {
    (void)getppid();
    must_serve(auth);
  }
  (void)getppid();
  nacos_auth_free(auth);
}
