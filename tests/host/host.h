/* What the programs here share. A program holds several tests, of which a run does one: the driver names it. A test
   that returns has passed; one that fails says what was seen and ends. Nothing else may be printed, by nobody: the
   driver takes any other output for a failure. */
#ifndef HOST_H
#define HOST_H
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nacos_auth.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAYBE_UNUSED __attribute__((unused))

/* Also in a child and in a callback: no exit handlers, nothing of the library. */
#define FAIL(...)                               \
  do {                                          \
    char text_[1500];                           \
    said_of(text_, sizeof(text_), __VA_ARGS__); \
  } while (0)

__attribute__((noreturn, format(printf, 3, 4))) MAYBE_UNUSED static void said_of(char *text, size_t size,
                                                                                 const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(text, size, format, list);
  va_end(list);
  for (char *c = text; *c; c++)
    if (*c == '\n') *c = ' ';
  dprintf(STDOUT_FILENO, "FAIL: %s\n", text);
  _exit(1);
}

/* What cannot be tried here: the reason. */
#define SKIP(reason)                              \
  do {                                            \
    dprintf(STDOUT_FILENO, "SKIP: %s\n", reason); \
    _exit(0);                                     \
  } while (0)

/* TEST(name, seconds) { ... }: the driver finds these by the first word of their line, and the time they may take. */
enum { MOST_TESTS = 64 };
static struct {
  const char *name;
  void (*run)(void);
} tests[MOST_TESTS];
static int test_count;
#define TEST(test, seconds)                                   \
  static void test(void);                                     \
  __attribute__((constructor)) static void add_##test(void) { \
    tests[test_count].name = #test;                           \
    tests[test_count++].run = test;                           \
  }                                                           \
  static void test(void)

int main(int count, char **words) {
#ifdef SIGPIPE_KILLS
  signal(SIGPIPE, SIG_DFL);
#else
  /* So that each test is about its own kind. */
  signal(SIGPIPE, SIG_IGN);
#endif
  for (int i = 0; count == 2 && i < test_count; i++)
    if (strcmp(tests[i].name, words[1]) == 0) {
      tests[i].run();
      return 0;
    }
  printf("FAIL: no test of that name\n");
  return 2;
}

/* Time */

MAYBE_UNUSED static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

MAYBE_UNUSED static void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) continue;
}

/* Waits at most so many milliseconds until the condition holds; whether it does. */
#define UNTIL(ms, condition)                                                       \
  __extension__({                                                                  \
    const long end_ = now_ms() + (ms);                                             \
    int holds_ = (condition) ? 1 : 0;                                              \
    for (; !holds_ && now_ms() < end_; holds_ = (condition) ? 1 : 0) sleep_ms(10); \
    holds_;                                                                        \
  })

#define GET_FLAG(flag) __atomic_load_n(&(flag), __ATOMIC_SEQ_CST)
#define SET_FLAG(flag) __atomic_store_n(&(flag), 1, __ATOMIC_SEQ_CST)
#define ADD_ONE(number) __atomic_add_fetch(&(number), 1, __ATOMIC_SEQ_CST)

/* Servers: see server.py */

struct server {
  pid_t pid;
  int channel;
  char address[48]; /* 127.0.0.1:PORT */
  char name[48];    /* localhost:PORT */
  char url[64];     /* https://localhost:PORT */
  char port[16];
};

MAYBE_UNUSED static void read_line(int fd, char *line, size_t size) {
  size_t length = 0;
  char c;
  while (length + 1 < size && read(fd, &c, 1) == 1 && c != '\n') line[length++] = c;
  line[length] = '\0';
}

/* serve("login=hang", "tls=server", NULL): the server ends with this program. */
__attribute__((sentinel)) MAYBE_UNUSED static struct server serve(const char *first, ...) {
  struct server s;
  char python[] = "python3", script[512];
  char *words[24] = {python, script};
  int ends[2], count = 2;
  va_list list;
  memset(&s, 0, sizeof(s));
  snprintf(script, sizeof(script), "%s/server.py", getenv("HOST_TESTS"));
  va_start(list, first);
  for (const char *word = first; word != NULL && count < 23; word = va_arg(list, const char *))
    words[count++] = strdup(word);
  va_end(list);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) FAIL("set-up: %s", strerror(errno));
  s.pid = fork();
  if (s.pid == 0) {
    dup2(ends[1], STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    execvp(python, words);
    _exit(127);
  }
  close(ends[1]);
  s.channel = ends[0];
  read_line(s.channel, s.port, sizeof(s.port));
  if (atoi(s.port) == 0) FAIL("set-up: the server does not start");
  snprintf(s.address, sizeof(s.address), "127.0.0.1:%s", s.port);
  snprintf(s.name, sizeof(s.name), "localhost:%s", s.port);
  snprintf(s.url, sizeof(s.url), "https://%s", s.name);
  for (int i = 2; i < count; i++) free(words[i]);
  return s;
}

/* One line to the server and one back. */
MAYBE_UNUSED static const char *say(const struct server *s, const char *what) {
  static __thread char line[4096];
  const int length = snprintf(line, sizeof(line), "%s\n", what);
  if (send(s->channel, line, (size_t)length, MSG_NOSIGNAL) != length) FAIL("set-up: the server is gone");
  read_line(s->channel, line, sizeof(line));
  return line;
}
MAYBE_UNUSED static void tell(const struct server *s, const char *setting) {
  const char *answer = say(s, setting);
  if (strcmp(answer, "ok") != 0) FAIL("set-up: %s: %s", setting, answer);
}
/* What it has counted, or the like: see Server.ask. */
MAYBE_UNUSED static const char *ask_text(const struct server *s, const char *what) {
  char line[64];
  snprintf(line, sizeof(line), "?%s", what);
  return say(s, line);
}
MAYBE_UNUSED static long ask(const struct server *s, const char *what) { return atol(ask_text(s, what)); }

MAYBE_UNUSED static void stop(const struct server *s) {
  kill(s->pid, SIGKILL);
  waitpid(s->pid, NULL, 0);
  close(s->channel);
}

/* A port where nobody listens. */
MAYBE_UNUSED static const char *closed_port(void) { return "127.0.0.1:1"; }

/* A file of those that the driver makes for all: ca.pem, other-ca.pem, ... */
MAYBE_UNUSED static const char *certificate(const char *name) {
  static __thread char paths[4][512];
  static __thread int next;
  next = (next + 1) % 4;
  snprintf(paths[next], sizeof(paths[next]), "%s/%s", getenv("CERTS"), name);
  return paths[next];
}

/* Calls and what they come to */

struct outcome {
  nacos_status status;
  int http; /* of the answer or of the error */
  long took;
  uint64_t generation;
  int64_t remaining;
  int expired;
  char text[600]; /* the token, the body or the message */
};

MAYBE_UNUSED static const char *said(const struct outcome *o) {
  static __thread char text[800];
  snprintf(text, sizeof(text), "%s, HTTP %d, after %ld ms: %s", nacos_status_name(o->status), o->http, o->took,
           o->text);
  return text;
}

MAYBE_UNUSED static nacos_auth_options options_for(const char *address) {
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = address;
  options.username = "nacos";
  options.password = "nacos";
  return options;
}

MAYBE_UNUSED static nacos_auth *open_with(const nacos_auth_options *options) {
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  if (nacos_auth_init(options, &auth, &error) != NACOS_OK) FAIL("nacos_auth_init: %s", nacos_error_message(error));
  return auth;
}

MAYBE_UNUSED static nacos_auth *open_at(const char *address) {
  const nacos_auth_options options = options_for(address);
  return open_with(&options);
}

/* Of a server with TLS whose certificate the common authority has signed. */
MAYBE_UNUSED static nacos_auth *open_tls(const struct server *s) {
  nacos_auth_options options = options_for(s->url);
  options.ca_file = certificate("ca.pem");
  return open_with(&options);
}

MAYBE_UNUSED static void keep_error(struct outcome *o, nacos_error *error) {
  if (o->status == NACOS_OK) return;
  o->http = nacos_error_http_status(error);
  snprintf(o->text, sizeof(o->text), "%s", nacos_error_message(error));
  nacos_error_free(error);
}

MAYBE_UNUSED static struct outcome token_with(nacos_auth *auth, const nacos_call_options *options) {
  struct outcome o;
  char token[4096] = "";
  nacos_token_info info = nacos_token_info_default();
  nacos_error *error = NULL;
  const long start = now_ms();
  memset(&o, 0, sizeof(o));
  o.status = nacos_get_token(auth, options, token, sizeof(token), &info, &error);
  o.took = now_ms() - start;
  if (o.status == NACOS_OK) snprintf(o.text, sizeof(o.text), "%.500s", token);
  o.generation = info.generation;
  o.remaining = info.remaining_ms;
  o.expired = (int)info.expired;
  keep_error(&o, error);
  return o;
}

MAYBE_UNUSED static struct outcome token(nacos_auth *auth, uint32_t timeout_ms) {
  nacos_call_options options = nacos_call_options_default();
  options.timeout_ms = timeout_ms;
  return token_with(auth, &options);
}

MAYBE_UNUSED static struct outcome request_with(nacos_auth *auth, const nacos_request_options *options) {
  struct outcome o;
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  const long start = now_ms();
  memset(&o, 0, sizeof(o));
  o.status = nacos_request(auth, options, &response, &error);
  o.took = now_ms() - start;
  if (o.status == NACOS_OK) {
    size_t length = 0;
    const uint8_t *body = nacos_response_body(response, &length);
    o.http = nacos_response_status(response);
    o.generation = nacos_response_generation(response);
    snprintf(o.text, sizeof(o.text), "%.*s", (int)(length < 500 ? length : 500), (const char *)body);
    nacos_response_free(response);
  }
  keep_error(&o, error);
  return o;
}

MAYBE_UNUSED static struct outcome send_body(nacos_auth *auth, const char *method, size_t size, uint32_t timeout_ms) {
  nacos_request_options options = nacos_request_options_default();
  uint8_t *body = size > 0 ? (uint8_t *)malloc(size) : NULL;
  if (body != NULL) memset(body, 'x', size);
  options.method = method;
  options.path = "/v1/cs/configs";
  options.body = body;
  options.body_len = size;
  options.timeout_ms = timeout_ms;
  const struct outcome o = request_with(auth, &options);
  free(body);
  return o;
}
MAYBE_UNUSED static struct outcome get(nacos_auth *auth, uint32_t timeout_ms) {
  return send_body(auth, "GET", 0, timeout_ms);
}
MAYBE_UNUSED static struct outcome post(nacos_auth *auth, uint32_t timeout_ms) {
  return send_body(auth, "POST", 10, timeout_ms);
}

/* Operations: what one came to, and how often it was told of */

struct ending {
  int times;
  struct outcome outcome;
};

MAYBE_UNUSED static void note_ending(const nacos_completion *completion) {
  struct ending *ending = (struct ending *)completion->data;
  struct outcome *o = &ending->outcome;
  o->status = completion->status;
  if (completion->response != NULL) {
    o->http = nacos_response_status(completion->response);
    o->generation = nacos_response_generation(completion->response);
  }
  if (completion->token != NULL) snprintf(o->text, sizeof(o->text), "%.500s", nacos_token_text(completion->token));
  nacos_response_free(completion->response);
  nacos_token_free(completion->token);
  keep_error(o, completion->error);
  ADD_ONE(ending->times);
}
MAYBE_UNUSED static void ending_callback(void *data, const nacos_completion *completion) {
  (void)data;
  note_ending(completion);
}

MAYBE_UNUSED static nacos_queue *open_queue(void) {
  nacos_queue *queue = NULL;
  nacos_error *error = NULL;
  if (nacos_queue_new(&queue, &error) != NACOS_OK) FAIL("nacos_queue_new: %s", nacos_error_message(error));
  return queue;
}
MAYBE_UNUSED static int is_readable(const nacos_queue *queue, int ms) {
  struct pollfd ready = {nacos_queue_fd(queue), POLLIN, 0};
  return poll(&ready, 1, ms) == 1;
}
/* All that wait. */
MAYBE_UNUSED static int take_endings(nacos_queue *queue) {
  int count = 0;
  nacos_completion completion = nacos_completion_default();
  for (; nacos_queue_next(queue, &completion, NULL) == NACOS_OK; count++) note_ending(&completion);
  return count;
}

/* Without a queue it is told of by `ending_callback`. What the start came to. */
MAYBE_UNUSED static struct outcome try_start(nacos_auth *auth, const char *method, nacos_queue *queue,
                                             struct ending *ending, uint32_t timeout_ms, nacos_operation **operation) {
  struct outcome o;
  nacos_error *error = NULL;
  nacos_request_options request = nacos_request_options_default();
  nacos_start_options start = nacos_start_options_default();
  memset(&o, 0, sizeof(o));
  request.method = method;
  request.path = "/v1/cs/configs";
  request.timeout_ms = timeout_ms;
  start.data = ending;
  start.queue = queue;
  if (queue == NULL) start.on_complete = ending_callback;
  o.status = nacos_request_start(auth, &request, &start, operation, &error);
  keep_error(&o, error);
  return o;
}
MAYBE_UNUSED static nacos_operation *start_read(nacos_auth *auth, nacos_queue *queue, struct ending *ending,
                                                uint32_t timeout_ms) {
  nacos_operation *operation = NULL;
  const struct outcome o = try_start(auth, "GET", queue, ending, timeout_ms, &operation);
  if (o.status != NACOS_OK) FAIL("nacos_request_start: %s", said(&o));
  return operation;
}
/* A post that no thread waits for, as one that somebody waits for. */
MAYBE_UNUSED static struct outcome operate(nacos_auth *auth, uint32_t timeout_ms) {
  struct ending ending;
  memset(&ending, 0, sizeof(ending));
  nacos_queue *queue = open_queue();
  const long start = now_ms();
  const struct outcome o = try_start(auth, "POST", queue, &ending, timeout_ms, NULL);
  if (o.status == NACOS_OK) {
    if (!is_readable(queue, 60000)) FAIL("an operation is not told of within a minute");
    (void)take_endings(queue);
    if (ending.times != 1) FAIL("an operation is told of %d times", ending.times);
  }
  nacos_queue_free(queue);
  ending.outcome.took = now_ms() - start;
  return o.status == NACOS_OK ? ending.outcome : o;
}

MAYBE_UNUSED static void must_answer(nacos_auth *auth, const char *what) {
  const struct outcome o = get(auth, 10000);
  if (o.status != NACOS_OK || o.http != 200) FAIL("%s: %s", what, said(&o));
}
/* For what has to work before the test can begin. */
MAYBE_UNUSED static void must_serve(nacos_auth *auth) { must_answer(auth, "set-up"); }

/* The health and the figures as text, which a handle has in every state. */
MAYBE_UNUSED static void must_tell_how_it_is(nacos_auth *auth) {
  nacos_health health = nacos_health_default();
  nacos_error *reason = NULL;
  nacos_metrics *metrics = NULL;
  if (nacos_auth_health(auth, &health, &reason, NULL) != NACOS_OK) FAIL("nacos_auth_health");
  if ((reason != NULL) != (health.cause[0] != '\0')) FAIL("a cause without a reason, or the other way round");
  if (nacos_auth_metrics(&auth, NULL, 1, &metrics, NULL) != NACOS_OK) FAIL("nacos_auth_metrics");
  if (strstr(nacos_metrics_text(metrics), "} 1\n") == NULL) FAIL("no figures: %s", nacos_metrics_text(metrics));
  nacos_error_free(reason);
  nacos_metrics_free(metrics);
}

/* With all else that is read of a handle, so that each test of this kind is one of those too. */
MAYBE_UNUSED static nacos_auth_statistics statistics_of(nacos_auth *auth) {
  must_tell_how_it_is(auth);
  nacos_auth_statistics statistics = nacos_auth_statistics_default();
  const nacos_status status = nacos_auth_stats(auth, &statistics, NULL);
  if (status != NACOS_OK) FAIL("nacos_auth_stats: %s", nacos_status_name(status));
  return statistics;
}

MAYBE_UNUSED static nacos_status set_password(nacos_auth *auth, const char *password) {
  return nacos_auth_set_credentials(auth, "nacos", password, NULL);
}

MAYBE_UNUSED static nacos_status report(nacos_auth *auth, int32_t http_status, const char *body) {
  nacos_rejection rejection = nacos_rejection_default();
  nacos_advice advice = nacos_advice_default();
  rejection.generation = 1;
  rejection.http_status = http_status;
  rejection.body = (const uint8_t *)body;
  rejection.body_len = strlen(body);
  return nacos_auth_report_rejected(auth, &rejection, &advice, NULL);
}

/* An error has to say something, and no fault of the library's own may be behind it. */
MAYBE_UNUSED static void must_be_sensible(const struct outcome *o, const char *where) {
  if (o->status == NACOS_PANIC || (o->status != NACOS_OK && strlen(o->text) < 15)) FAIL("%s: %s", where, said(o));
}

/* Threads and processes */

/* So many times, and more in a long run. */
MAYBE_UNUSED static int rounds(int usual, int in_a_long_run) {
  return getenv("HOST_LONG") != NULL ? in_a_long_run : usual;
}

MAYBE_UNUSED static pthread_t thread_with_stack(void *(*run)(void *), void *argument, size_t stack) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  const int failure = pthread_create(&thread, &attributes, run, argument);
  if (failure != 0) FAIL("set-up: no thread: %s", strerror(failure));
  pthread_attr_destroy(&attributes);
  return thread;
}
MAYBE_UNUSED static pthread_t start_thread(void *(*run)(void *), void *argument) {
  return thread_with_stack(run, argument, 256 * 1024);
}
MAYBE_UNUSED static int ends_within(pthread_t thread, long ms) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_sec += ms / 1000 + 1;
  return pthread_timedjoin_np(thread, NULL, &at) == 0;
}

/* Ends the test if the child does not end well in time. */
MAYBE_UNUSED static void child_must_end(pid_t child, long ms, const char *what) {
  int status = 0;
  if (child < 0) FAIL("set-up: no child");
  if (!UNTIL(ms, waitpid(child, &status, WNOHANG) == child)) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    FAIL("%s: the child hangs", what);
  }
  if (WIFSIGNALED(status)) FAIL("%s: the child died of signal %d", what, WTERMSIG(status));
  /* What went wrong the child has said itself. */
  if (WEXITSTATUS(status) == 1) _exit(1);
  if (WEXITSTATUS(status) != 0) FAIL("%s: the child ended with %d", what, WEXITSTATUS(status));
}

/* How many entries a folder has: /proc/self/fd, /proc/self/task. */
MAYBE_UNUSED static int entries(const char *folder) {
  int count = 0;
  DIR *open = opendir(folder);
  for (const struct dirent *entry = open != NULL ? readdir(open) : NULL; entry != NULL; entry = readdir(open))
    count += entry->d_name[0] != '.';
  if (open != NULL) closedir(open);
  return count;
}
/* Without the one that counts. */
MAYBE_UNUSED static int descriptors(void) { return entries("/proc/self/fd") - 1; }
MAYBE_UNUSED static int threads(void) { return entries("/proc/self/task"); }

MAYBE_UNUSED static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) FAIL("set-up: %s: %s", path, strerror(errno));
}
MAYBE_UNUSED static void copy_file(const char *from, const char *to) {
  static __thread char text[65536];
  FILE *file = fopen(from, "r");
  if (file == NULL) FAIL("set-up: %s: %s", from, strerror(errno));
  text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
  fclose(file);
  write_file(to, text);
}

#endif
