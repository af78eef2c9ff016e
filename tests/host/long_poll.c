/* Kind: a listener whose answer the server holds back for longer than calls usually take. */
#include <netinet/in.h>
#include <sys/epoll.h>

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

/* Thousands of listeners, each an operation, beside calls that somebody waits for. */

enum { FEW = 500, MANY = 10000, CALLS = 1000, BETWEEN_CALLS = 10 /* ms */ };

/* A server for that many: it logs in, holds back listeners, and answers the rest. */
static void answer(int link, const char *body) {
  char text[300];
  const int length =
      snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               strlen(body), body);
  if (write(link, text, (size_t)length) != length) _exit(3);
}
static void serve_thousands(int listener) {
  const int all = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {EPOLLIN, {.fd = listener}}, events[64];
  static int held[MANY * 3];
  int holds = 0;
  epoll_ctl(all, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    const int count = epoll_wait(all, events, 64, -1);
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (event.data.fd >= 0) epoll_ctl(all, EPOLL_CTL_ADD, event.data.fd, &event);
        continue;
      }
      char request[4096];
      const ssize_t got = read(fd, request, sizeof(request) - 1);
      if (got <= 0) {
        close(fd);
        continue;
      }
      request[got] = '\0';
      if (strstr(request, "/release") != NULL) {
        for (; holds > 0; holds--) answer(held[holds - 1], "changed");
        answer(fd, "released");
      } else if (strstr(request, "/configs/listener") != NULL) {
        held[holds++] = fd;
      } else if (strstr(request, "login") != NULL) {
        answer(fd, "{\"accessToken\":\"token-of-thousands\",\"tokenTtl\":18000,\"globalAdmin\":true}");
      } else if (strstr(request, "/held") != NULL) {
        char number[16];
        snprintf(number, sizeof(number), "%d", holds);
        answer(fd, number);
      } else {
        answer(fd, "hello");
      }
    }
  }
}
static pid_t server_of_thousands(char *address, size_t size) {
  struct sockaddr_in here;
  socklen_t length = sizeof(here);
  memset(&here, 0, sizeof(here));
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&here, length) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, (struct sockaddr *)&here, &length) != 0)
    FAIL("set-up: %s", strerror(errno));
  snprintf(address, size, "127.0.0.1:%u", (unsigned)ntohs(here.sin_port));
  const pid_t child = fork();
  if (child == 0) serve_thousands(listener);
  close(listener);
  return child;
}
static struct outcome get_path(nacos_auth *of, const char *path) {
  nacos_request_options request = nacos_request_options_default();
  request.path = path;
  request.timeout_ms = 30000;
  return request_with(of, &request);
}

static int by_time(const void *one, const void *other) {
  const long a = *(const long *)one, b = *(const long *)other;
  return (a > b) - (a < b);
}
static long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
/* How long 99 of 100 ordinary calls take, a hundred of which come in a second: those of which a thread waits, or
 * operations. */
static long p99(nacos_queue *queue) {
  static long took[CALLS];
  const int count = rounds(200, CALLS);
  for (int i = 0; i < count; i++) {
    const long start = now_us();
    if (queue != NULL) {
      struct ending one;
      memset(&one, 0, sizeof(one));
      nacos_operation_free(start_read(auth, queue, &one, 30000));
      if (!is_readable(queue, 30000) || take_endings(queue) != 1 || one.outcome.http != 200)
        FAIL("an ordinary operation: %s", said(&one.outcome));
    } else {
      must_answer(auth, "an ordinary call");
    }
    took[i] = now_us() - start;
    const long rest = BETWEEN_CALLS - took[i] / 1000;
    if (rest > 0) sleep_ms(rest);
  }
  qsort(took, (size_t)count, sizeof(*took), by_time);
  return took[count * 99 / 100];
}

TEST(thousands_beside_ordinary_calls, 120) {
  const int count = rounds(FEW, MANY);
  static struct ending endings[MANY];
  char address[48];
  struct rlimit limits;
  if (getrlimit(RLIMIT_NOFILE, &limits) != 0) FAIL("set-up: getrlimit");
  if (limits.rlim_max < (rlim_t)count + 200) SKIP("the system allows too few descriptors");
  limits.rlim_cur = (rlim_t)count + 200;
  if (setrlimit(RLIMIT_NOFILE, &limits) != 0) FAIL("set-up: setrlimit");
  const pid_t child = server_of_thousands(address, sizeof(address));
  nacos_auth_options options = options_for(address);
  options.max_connections = (uint32_t)count + 10;
  auth = open_with(&options);
  nacos_queue *polls = open_queue(), *queue = open_queue();
  must_serve(auth);
  const long before = p99(NULL), before_operations = p99(queue);
  const int few_descriptors = descriptors(), few_threads = threads();
  const nacos_pair header = NACOS_PAIR("Long-Pulling-Timeout", "600000");
  nacos_request_options request = nacos_request_options_default();
  nacos_start_options start = nacos_start_options_default();
  request.method = "POST";
  request.path = "/v1/cs/configs/listener";
  request.headers = &header;
  request.header_count = 1;
  start.queue = polls;
  for (int i = 0; i < count; i++) {
    nacos_error *error = NULL;
    start.data = &endings[i];
    if (nacos_request_start(auth, &request, &start, NULL, &error) != NACOS_OK)
      FAIL("listener %d: %s", i, nacos_error_message(error));
  }
  if (!UNTIL(60000, atoi(get_path(auth, "/held").text) == count))
    FAIL("set-up: %s are held", get_path(auth, "/held").text);
  const long beside = p99(NULL), beside_operations = p99(queue);
  /* A connection each, and a few; no thread more. */
  if (descriptors() > few_descriptors + count + 8) FAIL("%d descriptors, %d before", descriptors(), few_descriptors);
  if (threads() > few_threads) FAIL("%d threads, %d before", threads(), few_threads);
  if (take_endings(polls) != 0) FAIL("one has ended early: %s", said(&endings[0].outcome));
  /* On a machine that is busy with other things a call takes what it takes; a list that is looked through for each
   * shows. */
  if (beside > before * 5 + 20000)
    FAIL("a call takes %ld us beside %d listeners, and %ld without", beside, count, before);
  if (beside_operations > before_operations * 5 + 20000)
    FAIL("an operation takes %ld us beside %d listeners, and %ld without", beside_operations, count, before_operations);
  /* All at once. */
  if (get_path(auth, "/release").http != 200) FAIL("set-up: not released");
  for (int got = 0; got < count && is_readable(polls, 30000);) got += take_endings(polls);
  for (int i = 0; i < count; i++)
    if (endings[i].times != 1 || endings[i].outcome.http != 200) FAIL("listener %d: %s", i, said(&endings[i].outcome));
  nacos_queue_free(polls);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
  if (!UNTIL(10000, descriptors() < few_descriptors)) FAIL("%d descriptors are left over", descriptors());
  kill(child, SIGKILL);
}
