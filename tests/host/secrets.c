/* Kind: secrets. Of a freed handle neither password nor token stands in memory; no password stands in an error, a line
   of the log or an event, whatever a server says, and no asterisks betray one. */
#include <sys/mman.h>

#include "host.h"

static struct server server;

/* Memory */

/* Kept as its bytes xor 0x55, so that the search does not find what it searches for. */
struct hidden {
  unsigned char bytes[64];
  size_t length;
};
static struct hidden hide(const char *text) {
  struct hidden h;
  h.length = strlen(text);
  for (size_t i = 0; i < h.length; i++) h.bytes[i] = (unsigned char)(text[i] ^ 0x55);
  return h;
}
/* A copy on the heap, for the call alone: wiped by forget(). */
static char *reveal(const struct hidden *h) {
  char *text = (char *)malloc(h->length + 1);
  for (size_t i = 0; i < h->length; i++) text[i] = (char)(h->bytes[i] ^ 0x55);
  text[h->length] = '\0';
  return text;
}
static void forget(char *text) {
  explicit_bzero(text, strlen(text));
  free(text);
}
static int found_in(const unsigned char *bytes, size_t size, const struct hidden *h) {
  int count = 0;
  for (size_t i = 0; i + h->length <= size; i++) {
    size_t k = 0;
    while (k < h->length && (bytes[i + k] ^ 0x55) == h->bytes[k]) k++;
    count += k == h->length;
  }
  return count;
}
/* How often it stands in memory that can be written to; what the main thread's stack has is the test's own. */
static int in_memory(const struct hidden *h) {
  char line[600];
  int count = 0;
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  FILE *maps = fopen("/proc/self/maps", "r");
  if (memory < 0 || maps == NULL) SKIP("/proc/self/mem cannot be read");
  while (fgets(line, sizeof(line), maps) != NULL) {
    unsigned long from = 0, to = 0;
    char rights[8] = "";
    if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' || rights[1] != 'w') continue;
    const size_t size = to - from;
    if (size > (256u << 20) || strstr(line, "[stack]") != NULL) continue;
    unsigned char *copy = (unsigned char *)mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) FAIL("set-up: mmap");
    const ssize_t got = pread(memory, copy, size, (off_t)from);
    if (got > 0) count += found_in(copy, (size_t)got, h);
    munmap(copy, size);
  }
  fclose(maps);
  close(memory);
  return count;
}
static void must_be_gone(const struct hidden *h, const char *what) {
  if (!UNTIL(5000, in_memory(h) == 0)) FAIL("%s stands in memory %d times 5 s later", what, in_memory(h));
}
/* Tokens of server.py begin like that. */
static struct hidden any_token(void) {
  struct hidden h = {{'t' ^ 0x55, 'o' ^ 0x55, 'k' ^ 0x55, 'e' ^ 0x55, 'n' ^ 0x55, '-' ^ 0x55}, 6};
  return h;
}
/* The first number of a token: "token-1-". */
static struct hidden first_token(void) {
  struct hidden h = any_token();
  h.bytes[h.length++] = '1' ^ 0x55;
  h.bytes[h.length++] = '-' ^ 0x55;
  return h;
}

static nacos_auth *open_hidden(nacos_auth_options options, const struct hidden *password) {
  char *text = reveal(password);
  options.password = text;
  nacos_auth *auth = open_with(&options);
  forget(text);
  return auth;
}
static struct hidden password_number(int number) {
  char text[64];
  snprintf(text, sizeof(text), "%s%d%s", "Geheim-", number, "-of-the-test");
  const struct hidden h = hide(text);
  explicit_bzero(text, sizeof(text));
  return h;
}
static void lives_and_is_freed(nacos_auth_options options, const char *what) {
  const struct hidden password = password_number(7), token_of_it = first_token();
  nacos_auth *auth = open_hidden(options, &password);
  (void)get(auth, 4000);
  (void)post(auth, 4000);
  nacos_auth_free(auth);
  char text[100];
  snprintf(text, sizeof(text), "%s: the password", what);
  must_be_gone(&password, text);
  snprintf(text, sizeof(text), "%s: the token", what);
  must_be_gone(&token_of_it, text);
}
/* That the search finds anything at all. */
TEST(the_search_finds, 20) {
  server = serve("login=ok", NULL);
  const struct hidden password = password_number(3), token_of_it = first_token();
  char *copy = reveal(&password);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  if (in_memory(&password) == 0) FAIL("set-up: a copy on the heap is not found");
  if (in_memory(&token_of_it) == 0) FAIL("set-up: the token of a handle is not found");
  free(copy);
}
TEST(gone_after_a_good_life, 30) {
  server = serve("login=ok", NULL);
  lives_and_is_freed(options_for(server.address), "a good life");
}
TEST(gone_after_an_examination, 30) {
  server = serve("login=ok", NULL);
  const struct hidden password = password_number(9), token_of_it = first_token(), given = password_number(10);
  char *text = reveal(&password), *refused = reveal(&given);
  nacos_auth_options options = options_for(server.address);
  nacos_diagnose_options diagnose = nacos_diagnose_options_default();
  nacos_diagnosis *diagnosis = NULL;
  options.password = text;
  diagnose.token = refused;
  if (nacos_auth_diagnose(&options, &diagnose, &diagnosis, NULL) != NACOS_OK) FAIL("nacos_auth_diagnose");
  forget(text);
  forget(refused);
  must_be_gone(&password, "the password"); /* with the findings still there */
  must_be_gone(&token_of_it, "the token");
  must_be_gone(&given, "the token that was given");
  nacos_diagnosis_free(diagnosis);
}
TEST(gone_after_a_life_over_tls, 30) {
  server = serve("tls=server", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  lives_and_is_freed(options, "TLS");
}
TEST(gone_after_connections_that_broke, 30) {
  server = serve("after=close", NULL);
  lives_and_is_freed(options_for(server.name), "connections that broke");
}
TEST(gone_after_logins_that_failed, 30) {
  static const char *const manners[] = {"login=status:403:unknown user!", "login=close", "login=nonsense"};
  server = serve("login=ok", NULL);
  for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++) {
    tell(&server, manners[i]);
    lives_and_is_freed(options_for(server.address), manners[i]);
  }
}
TEST(gone_though_a_login_hung, 30) {
  server = serve("login=hang", NULL);
  lives_and_is_freed(options_for(server.address), "a login that hung");
}
TEST(gone_though_nobody_was_there, 30) { lives_and_is_freed(options_for(closed_port()), "nobody there"); }
TEST(gone_without_a_call, 20) {
  const struct hidden password = password_number(9);
  nacos_auth_free(open_hidden(options_for(closed_port()), &password));
  must_be_gone(&password, "the password");
}
TEST(gone_after_others_were_set, 30) {
  server = serve("login=ok", NULL);
  const struct hidden old = password_number(1), new = password_number(2), tokens = first_token();
  nacos_auth *auth = open_hidden(options_for(server.address), &old);
  must_serve(auth);
  char *text = reveal(&new);
  if (set_password(auth, text) != NACOS_OK) FAIL("nacos_auth_set_credentials");
  forget(text);
  must_serve(auth);
  must_be_gone(&old, "the old password of a handle that has another one");
  nacos_auth_free(auth);
  must_be_gone(&new, "the new password");
  must_be_gone(&tokens, "the token");
}
TEST(gone_when_read_from_a_file, 30) {
  server = serve("login=ok", NULL);
  const struct hidden password = password_number(4), tokens = first_token();
  char *text = reveal(&password);
  const int fd = open("password", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (write(fd, text, strlen(text)) < 0) FAIL("set-up: write");
  close(fd);
  forget(text);
  nacos_auth_options options = options_for(server.address);
  options.password = NULL;
  options.password_file = "password";
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  nacos_auth_free(auth);
  must_be_gone(&password, "the password from a file");
  must_be_gone(&tokens, "the token");
}
static void supply(void *data, nacos_credentials *credentials) {
  char *text = reveal((const struct hidden *)data);
  if (nacos_credentials_set_password(credentials, "nacos", text, NULL) != NACOS_OK) FAIL("set-up: credentials");
  forget(text);
}
TEST(gone_when_supplied_by_a_callback, 30) {
  server = serve("login=ok", NULL);
  struct hidden password = password_number(5);
  const struct hidden tokens = first_token();
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.credentials = supply;
  options.callback_data = &password;
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  nacos_auth_free(auth);
  must_be_gone(&password, "the password from a callback");
  must_be_gone(&tokens, "the token");
}
TEST(a_token_from_elsewhere_is_gone, 30) {
  server = serve("login=ok", NULL);
  const struct hidden one = password_number(11), other = password_number(12);
  char *text = reveal(&one);
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = server.address;
  options.token = text;
  nacos_auth *auth = open_with(&options);
  forget(text);
  must_serve(auth);
  text = reveal(&other);
  if (nacos_auth_set_token(auth, text, 60000, NULL) != NACOS_OK) FAIL("nacos_auth_set_token");
  forget(text);
  must_serve(auth);
  nacos_auth_free(auth);
  must_be_gone(&one, "the first token");
  must_be_gone(&other, "the second token");
}

TEST(gone_after_tokens_were_refused, 40) {
  server = serve("request=token", NULL);
  const struct hidden password = password_number(6), tokens = any_token();
  nacos_auth *auth = open_hidden(options_for(server.address), &password);
  for (int i = 0; i < 3; i++) {
    must_serve(auth);
    tell(&server, "forget=1");
    (void)post(auth, 4000);
  }
  nacos_auth_free(auth);
  must_be_gone(&password, "refused tokens: the password");
  must_be_gone(&tokens, "refused tokens: a token");
}
TEST(gone_after_renewals, 40) {
  server = serve("request=token", "ttl=3", NULL);
  const struct hidden password = password_number(6), tokens = any_token();
  nacos_auth *auth = open_hidden(options_for(server.address), &password);
  for (int i = 0; i < 12; i++) {
    must_serve(auth);
    sleep_ms(500);
  }
  if (ask(&server, "login") < 3) FAIL("set-up: not renewed");
  nacos_auth_free(auth);
  must_be_gone(&password, "renewals: the password");
  must_be_gone(&tokens, "renewals: a token");
}
/* Wherever the token goes. */
TEST(gone_from_every_place, 40) {
  server = serve("request=token", NULL);
  for (int32_t place = 0; place < 4; place++) {
    nacos_auth_options options = options_for(server.address);
    options.token_in = place;
    lives_and_is_freed(options, "a token in another place");
  }
}
static void *trigger_soon(void *cancel) {
  sleep_ms(300);
  nacos_cancel_trigger((struct nacos_cancel *)cancel);
  return NULL;
}
/* The answer comes when nobody waits any more, or when the handle is gone. */
TEST(gone_after_cancelled_logins, 40) {
  static const char *const manners[] = {"login=delay:1", "login=delay:4", "login=hang"};
  server = serve("login=hang", NULL);
  for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++) {
    tell(&server, manners[i]);
    const struct hidden password = password_number(20 + (int)i), tokens = any_token();
    nacos_auth *auth = open_hidden(options_for(server.address), &password);
    struct nacos_cancel *cancel = nacos_cancel_new();
    const pthread_t thread = start_thread(trigger_soon, cancel);
    nacos_call_options call = nacos_call_options_default();
    call.cancel = cancel;
    const struct outcome o = token_with(auth, &call);
    if (o.status != NACOS_CANCELLED) FAIL("set-up: %s", said(&o));
    pthread_join(thread, NULL);
    sleep_ms(1200);
    nacos_auth_free(auth);
    nacos_cancel_free(cancel);
    must_be_gone(&password, manners[i]);
    must_be_gone(&tokens, manners[i]);
  }
}
TEST(gone_after_a_fault_of_tls, 40) {
  static const char *const manners[] = {"login=close", "login=half", "login=garbage", "login=nonsense", "login=reset"};
  server = serve("tls=server", NULL);
  for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++) {
    tell(&server, manners[i]);
    nacos_auth_options options = options_for(server.url);
    options.ca_file = certificate("ca.pem");
    lives_and_is_freed(options, manners[i]);
  }
}
static void of_a_proxy(const struct server *proxy, const struct server *target, int tls, const char *what) {
  const struct hidden secret = password_number(31);
  char *text = reveal(&secret), *url = (char *)malloc(200);
  snprintf(url, 200, "http://operator:%s@%s", text, proxy->address);
  nacos_auth_options options = options_for(tls ? target->url : target->address);
  if (tls) options.ca_file = certificate("ca.pem");
  options.proxy = url;
  nacos_auth *auth = open_with(&options);
  forget(text);
  forget(url);
  (void)get(auth, 3000);
  (void)post(auth, 3000);
  nacos_auth_free(auth);
  must_be_gone(&secret, what);
}
TEST(the_password_of_a_proxy_is_gone, 40) {
  const struct server proxy = serve("proxy=yes", NULL), plain = serve("login=ok", NULL),
                      tls = serve("tls=server", NULL);
  of_a_proxy(&proxy, &plain, 0, "the password of a proxy that forwards");
  of_a_proxy(&proxy, &tls, 1, "the password of a proxy that makes tunnels");
  tell(&proxy, "proxy=no");
  of_a_proxy(&proxy, &plain, 0, "the password of a proxy that refuses");
  /* In base64, as it is sent. */
  const struct hidden sent = hide("b3BlcmF0b3I6R2VoZWltLTMx");
  must_be_gone(&sent, "the header with the password of a proxy");
}
/* A line of the file, and the key itself, which stands at this place in the file of a key for P-256. */
TEST(the_key_of_a_client_certificate_is_gone, 40) {
  static const unsigned char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char line[200];
  unsigned char der[48];
  struct hidden text, key;
  FILE *file = fopen(certificate("client-one.key"), "r");
  if (file == NULL || setvbuf(file, NULL, _IONBF, 0) != 0 || fgets(line, sizeof(line), file) == NULL ||
      fgets(line, sizeof(line), file) == NULL)
    FAIL("set-up: no key");
  fclose(file);
  line[64] = '\0';
  text = hide(line + 8);
  for (size_t i = 0; i < 16; i++) {
    unsigned long four = 0;
    for (size_t k = 0; k < 4; k++) {
      const void *at = memchr(digits, line[4 * i + k], 64);
      if (at == NULL) FAIL("set-up: no base64");
      four = four << 6 | (unsigned long)((const unsigned char *)at - digits);
    }
    for (size_t k = 0; k < 3; k++) der[3 * i + k] = (unsigned char)(four >> (16 - 8 * k));
  }
  for (key.length = 0; key.length < 10; key.length++) key.bytes[key.length] = der[37 + key.length] ^ 0x55;
  explicit_bzero(line, sizeof(line));
  explicit_bzero(der, sizeof(der));
  server = serve("tls=server", "clients=ca", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  options.client_cert_file = certificate("client-one.pem");
  options.client_key_file = certificate("client-one.key");
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  if (in_memory(&key) == 0) FAIL("set-up: the key of a handle is not found");
  nacos_auth_free(auth);
  must_be_gone(&text, "a line of the key's file");
  must_be_gone(&key, "the key");
}
/* The child inherits the parent's memory, and leaves alone what lies in it: its locks may be those of threads that are
   not there. So what was in it at the fork stays until the child ends or becomes another program; the child's own goes.
 */
TEST(of_a_child_of_a_fork_nothing_is_added, 60) {
  server = serve("login=ok", NULL);
  const struct hidden password = password_number(41), tokens = any_token();
  nacos_auth *auth = open_hidden(options_for(server.address), &password);
  must_serve(auth);
  for (int uses = 0; uses < 2; uses++) {
    const pid_t child = fork();
    if (child == 0) {
      const int passwords = in_memory(&password), inherited = in_memory(&tokens);
      if (uses) {
        must_answer(auth, "the child");
        tell(&server, "forget=1");
        (void)post(auth, 4000);
      }
      nacos_auth_free(auth);
      if (!UNTIL(5000, in_memory(&password) <= passwords && in_memory(&tokens) <= inherited))
        FAIL("%d passwords and %d tokens were inherited, and %d and %d are there when the handle is freed", passwords,
             inherited, in_memory(&password), in_memory(&tokens));
      _exit(0);
    }
    child_must_end(child, 20000, "a child");
  }
  must_answer(auth, "the parent");
  nacos_auth_free(auth);
  must_be_gone(&password, "in the parent: the password");
  must_be_gone(&tokens, "in the parent: the token");
}

/* Core dumps */

static int in_file(const char *path, const struct hidden *h) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat about;
  if (fd < 0 || fstat(fd, &about) != 0) FAIL("set-up: %s: %s", path, strerror(errno));
  const size_t size = (size_t)about.st_size;
  unsigned char *bytes = (unsigned char *)mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) FAIL("set-up: mmap");
  const int count = found_in(bytes, size, h);
  munmap(bytes, size);
  close(fd);
  return count;
}
/* The core of a child that dies, or NULL. */
static const char *core_of(void (*run)(const struct hidden *password, int dies_early), const struct hidden *password,
                           int dies_early) {
  static char path[64];
  const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  const pid_t child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &unlimited);
    run(password, dies_early);
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status)); /* it has said why */
  snprintf(path, sizeof(path), "core.%d", (int)child);
  if (access(path, R_OK) != 0) snprintf(path, sizeof(path), "core");
  return WCOREDUMP(status) && access(path, R_OK) == 0 ? path : NULL;
}
static void life(const struct hidden *password, int dies_early) {
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  nacos_auth *auth = open_hidden(options, password);
  must_serve(auth);
  (void)post(auth, 4000);
  if (dies_early) return;
  nacos_auth_free(auth);
  /* The thread of the library ends a moment later. */
  if (!UNTIL(5000, threads() == 1)) FAIL("set-up: a thread is left");
}
TEST(a_core_holds_nothing_of_a_freed_handle, 60) {
  server = serve("tls=server", NULL);
  const struct hidden password = password_number(51), tokens = any_token();
  const char *core = core_of(life, &password, 1);
  if (core == NULL) SKIP("this system writes no core here");
  if (in_file(core, &password) == 0 || in_file(core, &tokens) == 0)
    FAIL("set-up: not even the core of a handle in use holds its secrets");
  unlink(core);
  core = core_of(life, &password, 0);
  if (core == NULL) FAIL("set-up: no core");
  if (in_file(core, &password) != 0)
    FAIL("a core after nacos_auth_free holds the password %d times", in_file(core, &password));
  if (in_file(core, &tokens) != 0) FAIL("a core after nacos_auth_free holds a token %d times", in_file(core, &tokens));
  unlink(core);
}

/* Errors, lines, events */

static char told[1 << 16];
static size_t told_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void add(const char *text) {
  pthread_mutex_lock(&lock);
  const size_t length = strlen(text);
  if (told_length + length + 2 < sizeof(told)) {
    memcpy(told + told_length, text, length);
    told_length += length;
    told[told_length++] = '\n';
    told[told_length] = '\0';
  }
  pthread_mutex_unlock(&lock);
}
static void on_log(void *data, const nacos_log_record *record) {
  (void)data;
  add(record->message);
  add(record->server);
  add(record->cause);
}
static void on_event(void *data, const nacos_event *event) {
  (void)data;
  add(event->message);
  add(event->server);
  add(event->cause);
}
/* All that is told of one login that fails with this password, in the given way. */
static const char *told_of(const char *password, const char *manner) {
  tell(&server, manner);
  told_length = 0;
  told[0] = '\0';
  nacos_auth_options options = options_for(server.address);
  options.username = "operator";
  options.password = password;
  options.log = on_log;
  options.event = on_event;
  options.log_level = NACOS_LOG_DEBUG;
  nacos_auth *auth = open_with(&options);
  struct outcome o = token(auth, 600);
  if (o.status == NACOS_OK) FAIL("set-up: %s: %s", manner, said(&o));
  add(o.text);
  o = get(auth, 600);
  if (o.status != NACOS_OK) add(o.text);
  nacos_auth_free(auth);
  return told;
}

/* What it would come to in other spellings: see server.py. */
static const char *const echoes[] = {
    "login=status:200:{\"message\": \"no token for operator with %j\"}",
    "login=status:403:{\"message\": \"unknown user! wrong password %j\"}",
    "login=status:500:caused by: password=%p is wrong",
    "login=status:200:<html>%h</html>",
    "login=status:403:username=operator&password=%u",
    "login=status:401:bad %e",
    "login=status:400:%p",
    "login=status:500:%U or %L",
    "login=status:502:x%px",
    "login=status:403:Basic %b",
    "login=status:429:%p%p%p",
    "login=status:200:{\"accessToken\": \"\", \"message\": \"%j\"}",
};
static int holds(const char *text, const char *password) { return strcasestr(text, password) != NULL; }

static void never_told(const char *const *passwords, const char *const *spellings) {
  server = serve("request=token", NULL);
  for (; *passwords != NULL; passwords++)
    for (size_t i = 0; i < sizeof(echoes) / sizeof(*echoes); i++) {
      const char *text = told_of(*passwords, echoes[i]);
      if (holds(text, *passwords))
        FAIL("the password %s is told when the server answers %s: %s", *passwords, echoes[i], text);
      for (const char *const *other = spellings; *other != NULL; other++)
        if (holds(text, *other))
          FAIL("the password %s is told as %s when the server answers %s: %s", *passwords, *other, echoes[i], text);
    }
}
TEST(a_usual_password_is_not_told, 60) {
  static const char *const passwords[] = {"hunter2-secret", "S3cret.Pass", NULL};
  static const char *const spellings[] = {"aHVudGVyMi1zZWNyZXQ", "UzNjcmV0LlBhc3M", NULL};
  never_told(passwords, spellings);
}
TEST(a_short_password_is_not_told, 60) {
  static const char *const passwords[] = {"abc", "xyz", "q7", NULL};
  static const char *const spellings[] = {NULL};
  never_told(passwords, spellings);
}
TEST(a_password_that_is_escaped_is_not_told, 60) {
  static const char *const passwords[] = {"q\"uo\\te<7>&'x", NULL};
  static const char *const spellings[] = {
      "q\\\"uo\\\\te", "q%22uo%5Cte", "q&quot;uo\\te", "q\"uo\\te&lt;7", "q&#34;uo\\te", "q\\u0022uo", NULL};
  never_told(passwords, spellings);
}
TEST(a_password_with_spaces_and_signs_is_not_told, 60) {
  static const char *const passwords[] = {"my dog + 50% & cat", NULL};
  static const char *const spellings[] = {"my+dog+%2B", "my%20dog%20", "dog + 50", "50% &amp; cat", NULL};
  never_told(passwords, spellings);
}
TEST(a_password_beyond_ascii_is_not_told, 60) {
  static const char *const passwords[] = {
      "Stra\xc3\x9f"
      "e-\xc3\x84rger",
      NULL};
  static const char *const spellings[] = {"stra\\u00df",  "Stra%C3%9F",    "STRASSE-",
                                          "stra\xc3\x9f", "-\xc3\xa4rger", NULL};
  never_told(passwords, spellings);
}

/* Who knows what a server says could read a password from where the asterisks are: nothing of such an answer is told.
 */
TEST(asterisks_betray_nothing, 60) {
  static const char *const passwords[] = {"unknown", "user", "e", "password", "wrong", NULL};
  server = serve("request=token", NULL);
  for (int i = 0; passwords[i] != NULL; i++) {
    const char *text = told_of(passwords[i], "login=status:403:{\"message\": \"Unknown USER! the wrong pAssword?\"}");
    if (strstr(text, "*") != NULL) FAIL("asterisks in the place of \"%s\": %s", passwords[i], text);
  }
}
/* A password that is a word of the library's own is not hidden there: that would show which word it is. */
TEST(a_password_that_is_a_usual_word_changes_nothing, 60) {
  static const char *const passwords[] = {"login", "HTTP", "at", "refused", "127", "operator", "token", NULL};
  server = serve("request=token", NULL);
  for (int i = 0; passwords[i] != NULL; i++) {
    const char *text = told_of(passwords[i], "login=status:403:no");
    if (strstr(text, "*") != NULL) FAIL("asterisks in the place of \"%s\": %s", passwords[i], text);
    if (strstr(text, "login at 127.0.0.1") == NULL)
      FAIL("the password is \"%s\", and words are missing: %s", passwords[i], text);
  }
}

/* Those of a proxy, and of an address that somebody has put a password into. */
TEST(passwords_in_addresses_are_not_told, 40) {
  const char *const secret = "hunter2";
  server = serve("proxy=no", NULL);
  const char *places[][2] = {{"127.0.0.1:1", "http://operator:hunter2@127.0.0.1:1"},
                             {"127.0.0.1:1", "http://operator:hunter2@"},
                             {"127.0.0.1:1", "ftp://operator:hunter2@127.0.0.1:1"},
                             {"127.0.0.1:1", "socks5://operator:hunter2@127.0.0.1:1"},
                             {"http://operator:hunter2@127.0.0.1:1", NULL},
                             {"operator:hunter2@127.0.0.1:1", NULL},
                             {"http://operator:hunter2@[", NULL}};
  for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
    nacos_auth *auth = NULL;
    nacos_error *error = NULL;
    nacos_auth_options options = options_for(places[i][0]);
    options.proxy = places[i][1];
    options.log = on_log;
    options.event = on_event;
    options.log_level = NACOS_LOG_DEBUG;
    told_length = 0;
    told[0] = '\0';
    if (nacos_auth_init(&options, &auth, &error) == NACOS_OK) {
      struct outcome o = token(auth, 700);
      add(o.text);
      o = get(auth, 700);
      add(o.text);
      nacos_auth_free(auth);
    } else {
      add(nacos_error_message(error));
      nacos_error_free(error);
    }
    if (holds(told, secret)) FAIL("%s, proxy %s: %s", places[i][0], places[i][1] != NULL ? places[i][1] : "none", told);
  }
}

/* Tokens and queries are no business of logs either. */
TEST(a_token_is_not_told, 60) {
  static const char *const manners[] = {"request=status:403:{\"message\": \"token %t expired!\"}",
                                        "request=status:500:%t", "request=close", "request=nonsense"};
  server = serve("login=ok", NULL);
  for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++)
    for (int32_t place = NACOS_TOKEN_IN_AUTO; place <= NACOS_TOKEN_IN_QUERY; place++) {
      told_length = 0;
      tell(&server, manners[i]);
      nacos_auth_options options = options_for(server.address);
      options.log = on_log;
      options.event = on_event;
      options.log_level = NACOS_LOG_DEBUG;
      options.token_in = place;
      nacos_auth *auth = open_with(&options);
      const struct outcome o = get(auth, 1500);
      if (o.status != NACOS_OK) add(o.text);
      nacos_auth_free(auth);
      /* As "token-1-…"; "token-expired" is a cause. */
      for (const char *at = told; (at = strstr(at, "token-")) != NULL; at++)
        if (at[6] >= '0' && at[6] <= '9') FAIL("%s: the token is told: %s", manners[i], told);
    }
}
