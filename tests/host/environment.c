/* Kind: the library reads no environment variable: getenv is not safe while another thread is in setenv. */
#include <dlfcn.h>

#include "host.h"

extern char **environ;
static int calls;
static char first[100];

/* All libraries find the program's functions first. Which of them calls? */
static void note(const char *name, void *caller) {
  Dl_info info;
  if (dladdr(caller, &info) == 0 || info.dli_fname == NULL || strstr(info.dli_fname, "nacos_auth") == NULL) return;
  if (ADD_ONE(calls) == 1) snprintf(first, sizeof(first), "%s", name);
}

static char *look_up(const char *name) {
  const size_t length = strlen(name);
  for (char **one = environ; one != NULL && *one != NULL; one++)
    if (strncmp(*one, name, length) == 0 && (*one)[length] == '=') return *one + length + 1;
  return NULL;
}

char *getenv(const char *name) {
  note(name, __builtin_return_address(0));
  return look_up(name);
}
char *secure_getenv(const char *name) {
  note(name, __builtin_return_address(0));
  return look_up(name);
}

static void must_be_unread(const char *where) {
  if (GET_FLAG(calls) > 0) FAIL("%s: getenv is called %d times, first for %s", where, GET_FLAG(calls), first);
}

TEST(not_read_by_init_and_free, 20) {
  const struct server plain = serve("login=ok", NULL);
  nacos_auth *auth = open_at(plain.address);
  must_be_unread("nacos_auth_init");
  (void)statistics_of(auth);
  nacos_auth_free(auth);
  must_be_unread("nacos_auth_free");
  nacos_auth_options options = options_for("https://localhost:1");
  nacos_auth_free(open_with(&options));
  options.ca_file = certificate("ca.pem");
  nacos_auth_free(open_with(&options));
  must_be_unread("nacos_auth_init with https");
}

TEST(not_read_over_http, 20) {
  const struct server s = serve("get=token", NULL);
  nacos_auth *auth = open_at(s.name);
  (void)token(auth, 5000);
  must_be_unread("nacos_get_token");
  must_serve(auth);
  must_be_unread("nacos_request");
  tell(&s, "forget=1");
  must_serve(auth);
  must_be_unread("the login after a refused token");
  tell(&s, "request=close");
  (void)get(auth, 2000);
  tell(&s, "request=ok");
  (void)post(auth, 2000);
  nacos_auth_free(auth);
  must_be_unread("broken connections");
}

TEST(not_read_over_https_with_ca_file, 20) {
  const struct server s = serve("tls=server", "after=close", NULL);
  nacos_auth *auth = open_tls(&s);
  must_serve(auth);
  must_serve(auth);
  nacos_auth_free(auth);
  must_be_unread("https with ca_file");
}

TEST(not_read_over_https_with_the_systems_authorities, 20) {
  const struct server s = serve("tls=server", NULL);
  nacos_auth *auth = open_at(s.url);
  const struct outcome o = token(auth, 5000);
  if (o.status == NACOS_OK) FAIL("set-up: the system trusts the authority of the test");
  nacos_auth_free(auth);
  must_be_unread("https without ca_file");
}

TEST(not_read_with_a_client_certificate, 20) {
  const struct server s = serve("tls=server", "clients=ca", NULL);
  nacos_auth_options options = options_for(s.url);
  options.ca_file = certificate("ca.pem");
  options.client_cert_file = certificate("client-one.pem");
  options.client_key_file = certificate("client-one.key");
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  nacos_auth_free(auth);
  must_be_unread("https with a client certificate");
}

TEST(not_read_with_a_proxy, 20) {
  const struct server proxy = serve("proxy=yes", NULL), s = serve("after=close", NULL);
  char url[64];
  snprintf(url, sizeof(url), "http://%s", proxy.name);
  nacos_auth_options options = options_for(s.address);
  options.proxy = url;
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  nacos_auth_free(auth);
  must_be_unread("a proxy");
}

static void supply(void *data, nacos_credentials *credentials) {
  (void)data;
  if (nacos_credentials_set_password(credentials, "nacos", "nacos", NULL) != NACOS_OK) FAIL("set-up: credentials");
}
static void on_event(void *data, const nacos_event *event) { (void)data, (void)event; }
static void on_log(void *data, const nacos_log_record *record) { (void)data, (void)record; }

TEST(not_read_with_callbacks_and_files, 20) {
  const struct server s = serve("after=close", NULL);
  nacos_auth_options options = options_for(s.name);
  options.username = options.password = NULL;
  options.credentials = supply;
  options.event = on_event;
  options.log = on_log;
  options.log_level = NACOS_LOG_DEBUG;
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  nacos_auth_free(auth);
  options = options_for(s.address);
  write_file("password", "nacos\n");
  options.password = NULL;
  options.password_file = "password";
  auth = open_with(&options);
  must_serve(auth);
  nacos_auth_free(auth);
  must_be_unread("callbacks and a password file");
}

static struct server shared;
static const char *shared_address;
static void *handle_of_a_thread(void *index) {
  nacos_auth_options options = options_for(shared_address);
  options.connect_timeout_ms = 1000 + (uint32_t)(size_t)index;
  for (int i = 0; i < 3; i++) {
    nacos_auth *auth = open_with(&options);
    (void)get(auth, 10000);
    nacos_auth_free(auth);
  }
  return NULL;
}

TEST(not_read_by_many_threads, 40) {
  shared = serve("after=close", NULL);
  shared_address = shared.name;
  pthread_t all[16];
  for (size_t i = 0; i < 16; i++) all[i] = start_thread(handle_of_a_thread, (void *)i); /* NOLINT */
  for (int i = 0; i < 16; i++) pthread_join(all[i], NULL);
  must_be_unread("many threads");
}

TEST(not_read_in_a_child, 30) {
  const struct server s = serve("after=close", NULL);
  nacos_auth *auth = open_at(s.name);
  must_serve(auth);
  const pid_t child = fork();
  if (child == 0) {
    must_serve(auth);
    nacos_auth_free(auth);
    must_be_unread("the child of a fork");
    _exit(0);
  }
  child_must_end(child, 15000, "fork");
}

TEST(not_read_by_an_examination, 20) {
  const struct server plain = serve("login=ok", NULL), tls = serve("tls=server", NULL);
  nacos_auth_options options = options_for(plain.name);
  nacos_diagnosis *diagnosis = NULL;
  for (int i = 0; i < 3; i++) {
    if (nacos_auth_diagnose(&options, NULL, &diagnosis, NULL) != NACOS_OK) FAIL("nacos_auth_diagnose");
    nacos_diagnosis_free(diagnosis);
    options.server_addr = tls.url; /* with the system's authorities, then with one of its own */
    options.ca_file = i == 1 ? certificate("ca.pem") : NULL;
  }
  must_be_unread("nacos_auth_diagnose");
}

/* What it would come to, were it read. */

TEST(ssl_cert_file_decides_nothing, 20) {
  setenv("SSL_CERT_FILE", certificate("ca.pem"), 1);
  const struct server s = serve("tls=server", NULL);
  const struct outcome o = token(open_at(s.url), 5000);
  if (o.status != NACOS_TLS) FAIL("SSL_CERT_FILE is trusted, or read: %s", said(&o));
}

TEST(ssl_cert_dir_decides_nothing, 20) {
  /* Under the name that such a folder has it by, and under its own. */
  char command[1200];
  snprintf(command, sizeof(command),
           "mkdir -p trust && cp %s trust/ && ln -sf ca.pem trust/$(openssl x509 -hash -noout -in %s).0",
           certificate("ca.pem"), certificate("ca.pem"));
  if (system(command) != 0) FAIL("set-up: no folder of certificates");
  setenv("SSL_CERT_DIR", "trust", 1);
  const struct server s = serve("tls=server", NULL);
  const struct outcome o = token(open_at(s.url), 5000);
  if (o.status != NACOS_TLS) FAIL("SSL_CERT_DIR is trusted, or read: %s", said(&o));
}

TEST(ssl_cert_file_that_is_not_there_does_no_harm, 20) {
  setenv("SSL_CERT_FILE", "/nonexistent", 1);
  setenv("SSL_CERT_DIR", "/nonexistent", 1);
  const struct server s = serve("tls=server", NULL);
  nacos_auth_free(open_at(s.url));
  must_serve(open_tls(&s));
}

TEST(proxy_variables_decide_nothing, 20) {
  static const char *const names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                      "HTTPS_PROXY", "all_proxy",  "ALL_PROXY"};
  const struct server s = serve("login=ok", NULL), tls = serve("tls=server", NULL);
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) setenv(names[i], "http://127.0.0.1:1", 1);
  must_serve(open_at(s.name));
  must_serve(open_tls(&tls));
  /* And none takes an address from a proxy that was asked for. */
  const struct server proxy = serve("proxy=yes", NULL);
  char url[64];
  snprintf(url, sizeof(url), "http://%s", proxy.address);
  setenv("no_proxy", "*", 1);
  setenv("NO_PROXY", "*", 1);
  nacos_auth_options options = options_for(s.name);
  options.proxy = url;
  options.connect_timeout_ms = 1234;
  must_serve(open_with(&options));
  if (ask(&proxy, "proxied") == 0) FAIL("NO_PROXY is read: nothing went through the proxy");
}

TEST(variables_of_rust_decide_nothing, 20) {
  const struct server s = serve("login=ok", NULL);
  setenv("RUST_LOG", "trace", 1);
  setenv("RUST_BACKTRACE", "full", 1);
  setenv("RUST_MIN_STACK", "1000000000000000", 1); /* no thread could be had */
  setenv("SSLKEYLOGFILE", "keys", 1);
  setenv("TOKIO_WORKER_THREADS", "none", 1);
  must_serve(open_at(s.name));
  const struct server tls = serve("tls=server", NULL);
  must_serve(open_tls(&tls));
  if (access("keys", F_OK) == 0) FAIL("SSLKEYLOGFILE is read: the keys of the connections are written down");
}

TEST(works_without_an_environment, 20) {
  const struct server s = serve("login=ok", NULL), tls = serve("tls=server", NULL);
  const nacos_auth_options plain = options_for(s.name);
  nacos_auth_options options = options_for(tls.url);
  options.ca_file = certificate("ca.pem");
  clearenv();
  must_serve(open_with(&plain));
  must_serve(open_with(&options));
}

/* The real thing: variables come and go while connections are made. */
static int over;
static void *change_variables(void *unused) {
  char name[32];
  for (unsigned long i = 0; !GET_FLAG(over); i++) {
    snprintf(name, sizeof(name), "VARIABLE_%lu", i % 5000);
    setenv(name, "some value of some length", 1);
    if (i % 3 == 0) unsetenv(name);
  }
  return unused;
}

TEST(survives_a_host_that_changes_variables, 40) {
  shared = serve("after=close", NULL);
  shared_address = shared.address; /* for a name the C library reads variables itself */
  const pthread_t changer = start_thread(change_variables, NULL);
  pthread_t all[4];
  for (size_t i = 0; i < 4; i++) all[i] = start_thread(handle_of_a_thread, (void *)i); /* NOLINT */
  for (int i = 0; i < 4; i++) pthread_join(all[i], NULL);
  SET_FLAG(over);
  pthread_join(changer, NULL);
  must_be_unread("setenv in another thread");
}
