/* Kind: a file that does not come, as on a network disk that hangs; a FIFO plays it. It costs the init or the login
   that reads it, and no other handle. */
#include "host.h"

static struct server server;
static nacos_auth_options slow_options;
static int returned;

static void *init_slowly(void *unused) {
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  if (nacos_auth_init(&slow_options, &auth, &error) == NACOS_PANIC)
    FAIL("nacos_auth_init: %s", nacos_error_message(error));
  nacos_error_free(error);
  SET_FLAG(returned);
  nacos_auth_free(auth);
  return unused;
}
static void *use_another(void *unused) {
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  options.password = "of another";
  nacos_auth *another = open_with(&options);
  must_answer(another, "a new handle, while a file of another does not come");
  (void)statistics_of(another);
  nacos_auth_free(another);
  return unused;
}
static void *use_old(void *auth) {
  tell(&server, "forget=1");
  must_answer((nacos_auth *)auth, "a handle that was there before a file of another did not come");
  if (set_password((nacos_auth *)auth, "new") != NACOS_OK) FAIL("nacos_auth_set_credentials");
  must_answer((nacos_auth *)auth, "a handle that was there before a file of another did not come");
  (void)statistics_of((nacos_auth *)auth);
  return NULL;
}
static void *end_old(void *auth) {
  nacos_auth_close((nacos_auth *)auth, 0, NULL);
  nacos_auth_free((nacos_auth *)auth);
  return NULL;
}
static void others_go_on(nacos_auth *old, const char *what) {
  if (!ends_within(start_thread(use_old, old), 10000)) FAIL("%s: a handle that was there before hangs", what);
  if (!ends_within(start_thread(use_another, NULL), 10000)) FAIL("%s: a new handle hangs", what);
  if (!ends_within(start_thread(end_old, old), 10000)) FAIL("%s: the end of another handle hangs", what);
}
static nacos_auth *begin(void) {
  server = serve("tls=server", "get=token", NULL);
  if (mkfifo("fifo", 0600) != 0) FAIL("set-up: mkfifo: %s", strerror(errno));
  nacos_auth *old = open_tls(&server);
  must_serve(old);
  slow_options = options_for(server.url);
  slow_options.ca_file = certificate("ca.pem");
  slow_options.connect_timeout_ms = 1234;
  return old;
}
/* Somebody who waits for the file gets it in the end. */
static void comes_at_last(const char *file, const char *what) {
  char text[16384];
  FILE *source = fopen(file, "r");
  const int fd = open("fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return; /* nobody waits: it has been given up */
  const size_t length = source != NULL ? fread(text, 1, sizeof(text), source) : 0;
  if (length == 0 || write(fd, text, length) != (ssize_t)length) FAIL("set-up: %s", file);
  fclose(source);
  close(fd);
  if (!UNTIL(10000, GET_FLAG(returned))) FAIL("%s: the file has come, and nacos_auth_init has not returned", what);
}
static void slow_init(nacos_auth *old, const char *what) {
  (void)start_thread(init_slowly, NULL);
  sleep_ms(300);
  others_go_on(old, what);
}

TEST(ca_file_of_an_init, 40) {
  nacos_auth *old = begin();
  slow_options.ca_file = "fifo";
  slow_init(old, "a ca_file");
}
TEST(client_certificate_of_an_init, 40) {
  nacos_auth *old = begin();
  slow_options.client_cert_file = "fifo";
  slow_options.client_key_file = certificate("client-one.key");
  slow_init(old, "a client_cert_file");
}
TEST(client_key_of_an_init, 40) {
  nacos_auth *old = begin();
  slow_options.client_cert_file = certificate("client-one.pem");
  slow_options.client_key_file = "fifo";
  slow_init(old, "a client_key_file");
}
TEST(many_slow_inits, 40) {
  nacos_auth *old = begin();
  slow_options.ca_file = "fifo";
  for (int i = 0; i < 30; i++) (void)start_thread(init_slowly, NULL);
  slow_init(old, "thirty times a ca_file");
}
TEST(a_file_that_comes_late, 40) {
  nacos_auth *old = begin();
  slow_options.ca_file = "fifo";
  (void)start_thread(init_slowly, NULL);
  sleep_ms(500);
  comes_at_last(certificate("ca.pem"), "a ca_file");
  others_go_on(old, "a file that came late");
}

/* Password files are read by each login. */
static void *ask_token(void *auth) {
  const struct outcome o = token((nacos_auth *)auth, 1500);
  must_be_sensible(&o, "a password file that does not come");
  if (o.status == NACOS_OK || o.took > 5000) FAIL("a password file that does not come, deadline 1.5 s: %s", said(&o));
  return NULL;
}
/* The file is there when the handle is made, and hangs from then on. */
static nacos_auth *with_slow_password(int number) {
  char name[32];
  snprintf(name, sizeof(name), "password-%d", number);
  write_file(name, "nacos\n");
  slow_options.username = name;
  slow_options.password = NULL;
  slow_options.password_file = name;
  nacos_auth *slow = open_with(&slow_options);
  if (unlink(name) != 0 || mkfifo(name, 0600) != 0) FAIL("set-up: mkfifo: %s", strerror(errno));
  return slow;
}
TEST(password_file_of_a_login, 40) {
  nacos_auth *old = begin(), *slow = with_slow_password(1);
  const pthread_t waiter = start_thread(ask_token, slow);
  sleep_ms(300);
  others_go_on(old, "a password file");
  if (!ends_within(waiter, 8000)) FAIL("the call that waits for the password file does not end");
  if (!ends_within(start_thread(end_old, slow), 8000)) FAIL("the end of the handle waits for the password file");
}
TEST(password_files_of_many_logins, 40) {
  nacos_auth *old = begin();
  pthread_t all[40];
  for (int i = 0; i < 40; i++) all[i] = start_thread(ask_token, with_slow_password(i));
  sleep_ms(300);
  others_go_on(old, "forty password files");
  for (int i = 0; i < 40; i++)
    if (!ends_within(all[i], 8000)) FAIL("a call that waits for a password file does not end");
}
TEST(password_file_that_hangs_later, 80) {
  nacos_auth *old = begin();
  write_file("password", "nacos\n");
  slow_options.password = NULL;
  slow_options.password_file = "password";
  nacos_auth *later = open_with(&slow_options);
  must_serve(later);
  if (link("fifo", "held") != 0 || rename("fifo", "password") != 0) FAIL("set-up: rename");
  tell(&server, "forget=1");
  const struct outcome o = get(later, 1500);
  must_be_sensible(&o, "a password file that hangs later");
  if (o.took > 5000) FAIL("a request with a deadline of 1.5 s: %s", said(&o));
  others_go_on(old, "a password file that hangs later");
  /* It is a file again, and the disk lets go of whoever waits for the old one. */
  write_file("password.new", "nacos\n");
  if (rename("password.new", "password") != 0) FAIL("set-up: rename");
  close(open("held", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  struct outcome then;
  if (!UNTIL(45000, (then = get(later, 3000)).http == 200)) FAIL("the password file is there again: %s", said(&then));
}

/* A ca_file in use becomes one that does not come: what is known serves on. */
TEST(ca_file_that_hangs_later, 40) {
  nacos_auth *old = begin();
  tell(&server, "after=close");
  copy_file(certificate("ca.pem"), "ca.pem");
  slow_options.ca_file = "ca.pem";
  nacos_auth *later = open_with(&slow_options);
  must_serve(later);
  if (rename("fifo", "ca.pem") != 0) FAIL("set-up: rename");
  for (int i = 0; i < 14; i++) {
    const struct outcome o = get(later, 5000);
    if (o.http != 200 || o.took > 3000) FAIL("a ca_file in use hangs: %s", said(&o));
    sleep_ms(500);
  }
  others_go_on(old, "a ca_file that hangs later");
  if (!ends_within(start_thread(end_old, later), 8000)) FAIL("the end of the handle waits for its ca_file");
}
