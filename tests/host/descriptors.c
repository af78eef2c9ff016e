/* Kind: descriptors. Calls take few, give them back, close what the server has closed, hand none to other programs; and
   when there are none left, the error says so and blames no server. */
#include "host.h"

static nacos_auth *auth;
static struct server server;
static pthread_barrier_t barrier;
static struct outcome outcomes[300];

static void *one_request(void *index) {
  pthread_barrier_wait(&barrier);
  outcomes[(size_t)index] = get(auth, 40000); /* NOLINT */
  return NULL;
}
static void at_once(unsigned count) {
  pthread_t all[300];
  pthread_barrier_init(&barrier, NULL, count);
  for (size_t i = 0; i < count; i++) all[i] = thread_with_stack(one_request, (void *)i, 256 * 1024); /* NOLINT */
  for (size_t i = 0; i < count; i++) pthread_join(all[i], NULL);
  for (size_t i = 0; i < count; i++)
    if (outcomes[i].http != 200) FAIL("one of %u calls at once: %s", count, said(&outcomes[i]));
}
static void limit(rlim_t most) {
  struct rlimit limits;
  if (getrlimit(RLIMIT_NOFILE, &limits) != 0) FAIL("set-up: getrlimit");
  limits.rlim_cur = most;
  if (most > limits.rlim_max) SKIP("the system allows too few descriptors");
  if (setrlimit(RLIMIT_NOFILE, &limits) != 0) FAIL("set-up: setrlimit");
}

/* A connection each is what they need, and a few more there are. */
TEST(many_calls_under_a_limit, 60) {
  server = serve("get=delay:1", NULL);
  limit(400);
  auth = open_at(server.address);
  at_once(300);
  if (open("/dev/null", O_RDONLY) < 0) FAIL("afterwards the program itself can open nothing");
}
TEST(many_calls_by_name_under_a_limit, 60) {
  server = serve("get=delay:1", NULL);
  limit(300);
  auth = open_at(server.name);
  must_serve(auth);
  at_once(150);
}
TEST(many_tls_calls_under_a_limit, 60) {
  server = serve("tls=server", "get=delay:1", NULL);
  limit(200);
  auth = open_tls(&server);
  must_serve(auth);
  at_once(100);
}

/* Operations: their connections, and what the library needs for all of them. */
TEST(operations_at_once, 60) {
  enum { COUNT = 100 };
  static struct ending endings[COUNT];
  server = serve("get=delay:1", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  const int before = descriptors();
  nacos_queue *queue = open_queue();
  for (int i = 0; i < COUNT; i++) nacos_operation_free(start_read(auth, queue, &endings[i], 40000));
  if (!UNTIL(20000, ask(&server, "get") >= COUNT)) FAIL("set-up: they are not all under way");
  if (descriptors() > before + COUNT + 8) FAIL("%d operations need %d descriptors", COUNT, descriptors() - before);
  for (int got = 0; got < COUNT && is_readable(queue, 20000);) got += take_endings(queue);
  for (int i = 0; i < COUNT; i++)
    if (endings[i].times != 1 || endings[i].outcome.http != 200) FAIL("one of many: %s", said(&endings[i].outcome));
  nacos_queue_free(queue);
  nacos_auth_free(auth);
  if (!UNTIL(5000, descriptors() <= before)) FAIL("%d descriptors are left over", descriptors() - before);
}
TEST(queues_come_and_go, 60) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  if (operate(auth, 5000).http != 200) FAIL("set-up: no operation");
  const int before = descriptors();
  for (int i = 0; i < 2000; i++) nacos_queue_free(open_queue());
  for (int i = 0; i < 200; i++)
    if (operate(auth, 5000).http != 200) FAIL("operation %d", i);
  if (descriptors() > before) FAIL("%d descriptors are left over", descriptors() - before);
  nacos_auth_free(auth);
}

/* Whatever operations still have of it: a program may count on its number. */
static int is_event(int descriptor) {
  char path[64], target[64] = "";
  snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
  return readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "eventfd") != NULL;
}
TEST(a_freed_queue_has_closed_its_descriptor, 60) {
  static struct ending ending;
  server = serve("get=hang", NULL);
  auth = open_at(server.address);
  for (int i = 0; i < 200; i++) {
    nacos_queue *queue = open_queue();
    const int descriptor = nacos_queue_fd(queue);
    if (!is_event(descriptor)) FAIL("set-up: the descriptor of a queue is something else");
    nacos_operation_free(start_read(auth, queue, &ending, 60000));
    nacos_queue_free(queue);
    if (is_event(descriptor)) FAIL("round %d: the descriptor of a freed queue is open", i);
  }
  if (ending.times != 0) FAIL("an operation is told of, whose queue is freed");
  nacos_auth_free(auth);
}

/* None left */

static int taken[4096], taken_count, server_downs;
static void take_more(void) {
  for (; taken_count < 4096; taken_count++)
    if ((taken[taken_count] = dup(STDIN_FILENO)) < 0) break;
}
static void take_all(void) {
  limit(120);
  take_more();
}
static void give_back(void) {
  while (taken_count > 0) close(taken[--taken_count]);
}
static void on_event(void *data, const nacos_event *event) {
  (void)data;
  if (event->kind == NACOS_EVENT_SERVER_DOWN) ADD_ONE(server_downs);
}
static void must_name_descriptors(const struct outcome *o, const char *what) {
  if (o->status != NACOS_INTERNAL || strcasestr(o->text, "descriptors") == NULL) FAIL("%s: %s", what, said(o));
}
/* Neither what needs a queue, nor what needs none. */
static void must_name_descriptors_of_operations(const char *what) {
  nacos_queue *queue = NULL;
  nacos_error *error = NULL;
  struct outcome o;
  static struct ending ending; /* longer than the test, whatever happens */
  memset(&o, 0, sizeof(o));
  o.status = nacos_queue_new(&queue, &error);
  if (o.status != NACOS_OK && strcmp(nacos_error_cause(error), NACOS_CAUSE_NO_DESCRIPTORS) != 0)
    FAIL("%s: nacos_queue_new: the cause is %s", what, nacos_error_cause(error));
  keep_error(&o, error);
  must_name_descriptors(&o, what);
  if (queue != NULL) FAIL("%s: a queue all the same", what);
  o = try_start(auth, "GET", NULL, &ending, 3000, NULL);
  if (o.status == NACOS_OK) {
    if (!UNTIL(20000, GET_FLAG(ending.times))) FAIL("%s: an operation is not told of", what);
    o = ending.outcome;
  }
  must_name_descriptors(&o, what);
}
static void must_work_again(const char *what) {
  give_back();
  struct outcome o;
  if (!UNTIL(5000, (o = operate(auth, 3000)).http == 200)) FAIL("%s: descriptors are back: %s", what, said(&o));
  if (!UNTIL(5000, (o = get(auth, 3000)).http == 200)) FAIL("%s: descriptors are back: %s", what, said(&o));
  if (server_downs > 0) FAIL("%s: a server was blamed", what);
  nacos_auth_free(auth);
}
static void none_from_the_start(const char *address, const char *what) {
  nacos_auth_options options = options_for(address);
  options.event = on_event;
  options.ca_file = strncmp(address, "https", 5) == 0 ? certificate("ca.pem") : NULL;
  auth = open_with(&options);
  take_all();
  struct outcome o = token(auth, 3000);
  must_name_descriptors(&o, what);
  o = post(auth, 3000);
  must_name_descriptors(&o, what);
  must_name_descriptors_of_operations(what);
  must_work_again(what);
}
TEST(none_from_the_start_by_address, 30) {
  server = serve("login=ok", NULL);
  none_from_the_start(server.address, "by address");
}
TEST(none_from_the_start_by_name, 30) {
  server = serve("login=ok", NULL);
  none_from_the_start(server.name, "by name");
}
TEST(none_from_the_start_over_tls, 30) {
  server = serve("tls=server", NULL);
  none_from_the_start(server.url, "over TLS");
}
static void none_in_the_middle(const char *address, const char *what) {
  nacos_auth_options options = options_for(address);
  options.event = on_event;
  auth = open_with(&options);
  must_serve(auth);
  sleep_ms(300); /* the closed connection has been noticed */
  take_all();
  /* What the library still had, it may use. */
  for (int i = 0; i < 5; i++) {
    const struct outcome o = get(auth, 2000);
    if (o.status != NACOS_OK) must_name_descriptors(&o, what);
    take_more();
  }
  must_work_again(what);
}
TEST(none_in_the_middle_by_address, 30) {
  server = serve("after=close", NULL);
  none_in_the_middle(server.address, "by address");
}
TEST(none_in_the_middle_by_name, 30) {
  server = serve("after=close", NULL);
  none_in_the_middle(server.name, "by name");
}
/* A login that is due just then is not the server's fault either. */
TEST(none_for_a_login, 30) {
  server = serve("get=token", "after=close", NULL);
  nacos_auth_options options = options_for(server.address);
  options.event = on_event;
  auth = open_with(&options);
  must_serve(auth);
  tell(&server, "forget=1");
  if (nacos_auth_set_credentials(auth, "another", "nacos", NULL) != NACOS_OK) FAIL("set-up: set_credentials");
  take_all();
  const struct outcome o = get(auth, 2000);
  if (o.status != NACOS_OK) must_name_descriptors(&o, "a login");
  must_work_again("a login");
}
TEST(none_for_a_password_file, 30) {
  server = serve("login=ok", NULL);
  write_file("password", "nacos\n");
  nacos_auth_options options = options_for(server.address);
  options.password = NULL;
  options.password_file = "password";
  options.event = on_event;
  auth = open_with(&options);
  take_all();
  const struct outcome o = token(auth, 2000);
  must_be_sensible(&o, "a password file");
  if (o.status == NACOS_OK) FAIL("set-up: a token");
  if (strcasestr(o.text, "descriptors") == NULL && strcasestr(o.text, "open files") == NULL)
    FAIL("a password file: %s", said(&o));
  give_back();
  must_work_again("a password file");
}
TEST(none_for_init, 30) {
  nacos_auth *none = NULL;
  nacos_error *error = NULL;
  server = serve("tls=server", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  take_all();
  const nacos_status status = nacos_auth_init(&options, &none, &error);
  if (status == NACOS_PANIC) FAIL("nacos_auth_init: %s", nacos_error_message(error));
  if (status != NACOS_OK && strcasestr(nacos_error_message(error), "descriptors") == NULL &&
      strcasestr(nacos_error_message(error), "open files") == NULL)
    FAIL("nacos_auth_init: %s", nacos_error_message(error));
  nacos_error_free(error);
  nacos_auth_free(none);
  auth = NULL;
  give_back();
  auth = open_tls(&server);
  must_serve(auth);
}

/* Given back */

static void given_back(unsigned count) {
  const int before = descriptors(), threads_before = threads();
  must_serve(auth);
  at_once(count);
  const int used = descriptors();
  nacos_auth_free(auth);
  if (!UNTIL(6000, descriptors() <= before + 4))
    FAIL("%d descriptors before, %d after %u requests at once, %d after nacos_auth_free", before, used, count,
         descriptors());
  if (!UNTIL(6000, threads() <= threads_before))
    FAIL("%d threads before, %d after nacos_auth_free", threads_before, threads());
}
TEST(given_back_by_free, 40) {
  server = serve("get=delay:0.3", NULL);
  auth = open_at(server.address);
  given_back(60);
}
TEST(given_back_by_free_by_name, 40) {
  server = serve("get=delay:0.3", NULL);
  auth = open_at(server.name);
  given_back(30);
}
TEST(given_back_by_free_over_tls, 40) {
  server = serve("tls=server", "get=delay:0.3", NULL);
  auth = open_tls(&server);
  given_back(60);
}
/* Another handle lives on, with its thread and its connection. */
TEST(given_back_though_another_handle_lives, 40) {
  server = serve("get=delay:0.3", NULL);
  nacos_auth_options options = options_for(server.address);
  options.connect_timeout_ms = 1234;
  nacos_auth *another = open_with(&options);
  must_serve(another);
  const int before = descriptors();
  auth = open_at(server.address);
  must_serve(auth);
  at_once(50);
  nacos_auth_free(auth);
  /* Of the same cluster, so that the idle connections are the other one's as well: 16 at the most. */
  if (!UNTIL(6000, descriptors() <= before + 16)) FAIL("%d descriptors before, %d after", before, descriptors());
  must_serve(another);
}

/* Connections of this network in CLOSE_WAIT towards the server: closed there, but not here. */
static int half_closed(const char *port) {
  int count = 0;
  char line[512];
  FILE *file = fopen("/proc/self/net/tcp", "r");
  while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
    unsigned remote = 0, state = 0;
    if (sscanf(line, "%*s %*x:%*x %*x:%x %x", &remote, &state) == 2)
      count += remote == (unsigned)atoi(port) && state == 8;
  }
  if (file != NULL) fclose(file);
  return count;
}
static void closed_when_idle(unsigned count) {
  const int before = descriptors();
  must_serve(auth);
  at_once(count);
  if (!UNTIL(10000, half_closed(server.port) == 0 && descriptors() <= before + 8))
    FAIL("the server has closed its idle connections: %d stay half closed, %d descriptors (%d before)",
         half_closed(server.port), descriptors(), before);
  must_serve(auth);
}
TEST(idle_connections_are_closed, 40) {
  server = serve("idle=1", "get=delay:0.2", NULL);
  auth = open_at(server.address);
  closed_when_idle(30);
}
TEST(idle_tls_connections_are_closed, 40) {
  server = serve("idle=1", "get=delay:0.2", "tls=server", NULL);
  auth = open_tls(&server);
  closed_when_idle(30);
}
TEST(connections_closed_at_once_do_not_stay, 40) {
  server = serve("after=close", NULL);
  auth = open_at(server.address);
  closed_when_idle(30);
}

/* Flat */

static long resident_kib(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) FAIL("set-up: statm");
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
static void round_of(uint32_t number, int tls) {
  nacos_auth_options options = options_for(tls ? server.url : server.address);
  options.ca_file = tls ? certificate("ca.pem") : NULL;
  options.connect_timeout_ms = 1000 + number; /* a client of its own */
  options.request_timeout_ms = 10000 + number;
  nacos_auth *one = open_with(&options);
  must_serve(one);
  nacos_auth_free(one);
}
static void flat(uint32_t count, int tls) {
  uint32_t number = 0;
  for (; number < count; number++) round_of(number, tls);
  sleep_ms(200);
  const int descriptors_before = descriptors(), threads_before = threads();
  const long resident = resident_kib();
  for (; number < 3 * count; number++) round_of(number, tls);
  if (!UNTIL(5000, descriptors() <= descriptors_before + 3))
    FAIL("descriptors: %d, then %d", descriptors_before, descriptors());
  if (!UNTIL(5000, threads() <= threads_before + 1)) FAIL("threads: %d, then %d", threads_before, threads());
  if (resident_kib() > resident + 4096)
    FAIL("%ld KiB resident after %u handles, %ld after %u", resident, count, resident_kib(), 3 * count);
}
TEST(rounds_stay_flat, 60) {
  server = serve("login=ok", NULL);
  flat((uint32_t)rounds(150, 1500), 0);
}
TEST(rounds_over_tls_stay_flat, 60) {
  server = serve("tls=server", NULL);
  flat((uint32_t)rounds(60, 600), 1);
}
TEST(many_handles_share_what_they_can, 40) {
  server = serve("login=ok", NULL);
  const int descriptors_before = descriptors(), threads_before = threads();
  for (uint32_t i = 0; i < 60; i++) {
    nacos_auth_options options = options_for(server.address);
    options.request_timeout_ms = 5000 + i;
    options.connect_timeout_ms = 1000 + i;
    must_serve(open_with(&options));
  }
  /* A connection each for logins and for requests, at most. */
  if (descriptors() - descriptors_before > 130)
    FAIL("%d descriptors for 60 handles", descriptors() - descriptors_before);
  if (!UNTIL(5000, threads() - threads_before <= 8)) FAIL("%d threads for 60 handles", threads() - threads_before);
}
TEST(threads_that_end_leave_nothing, 40) {
  pthread_barrier_init(&barrier, NULL, 1);
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  const int before = descriptors();
  for (int i = 0; i < 200; i++) pthread_join(start_thread(one_request, NULL), NULL);
  if (!UNTIL(5000, descriptors() <= before + 8))
    FAIL("%d descriptors before, %d after 200 threads that have ended", before, descriptors());
}

/* Not handed to programs that the host starts */

static char known[65536];
static void remember(void) {
  for (int fd = 0; fd < (int)sizeof(known); fd++) known[fd] = fcntl(fd, F_GETFD) >= 0;
}
static int must_be_closed_on_exec(const char *what) {
  int found = 0;
  for (int fd = 0; fd < (int)sizeof(known); fd++) {
    if (known[fd]) continue;
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    found++;
    if ((flags & FD_CLOEXEC) == 0) {
      char path[64], target[256] = "";
      snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
      if (readlink(path, target, sizeof(target) - 1) < 0) continue; /* closed meanwhile */
      FAIL("%s: %s would be inherited", what, target);
    }
  }
  return found;
}
static void *hold_requests(void *unused) {
  for (int i = 0; i < 10; i++) (void)get(auth, 5000);
  return unused;
}
static void closed_on_exec(const char *what) {
  pthread_t all[4];
  int found = 0;
  for (int i = 0; i < 4; i++) all[i] = start_thread(hold_requests, NULL);
  for (int i = 0; i < 60; i++) {
    const int now = must_be_closed_on_exec(what);
    found = now > found ? now : found;
    sleep_ms(5);
  }
  for (int i = 0; i < 4; i++) pthread_join(all[i], NULL);
  found += must_be_closed_on_exec(what);
  if (found == 0) FAIL("set-up: %s: no descriptors seen", what);
}
TEST(not_inherited, 40) {
  server = serve("get=delay:0.02", NULL);
  remember();
  auth = open_at(server.name);
  closed_on_exec("plain");
}
TEST(not_inherited_over_tls, 40) {
  server = serve("get=delay:0.02", "tls=server", "after=close", NULL);
  remember();
  auth = open_tls(&server);
  closed_on_exec("TLS");
}

/* Odd numbers */

TEST(standard_descriptors_are_closed, 30) {
  server = serve("after=close", NULL);
  close(STDIN_FILENO);
  close(STDERR_FILENO);
  /* Connections get the numbers 0 and 2: what is printed to standard error would go over one. */
  auth = open_at(server.name);
  for (int i = 0; i < 10; i++) must_serve(auth);
  tell(&server, "after=keep");
  must_serve(auth);
  const struct outcome o = post(auth, 5000);
  if (o.http != 200) FAIL("%s", said(&o));
  nacos_auth_free(auth);
}
TEST(more_than_select_can_take, 30) {
  server = serve("tls=server", NULL);
  limit(4096);
  for (int i = 0; i < 1500; i++)
    if (dup(STDIN_FILENO) < 0) FAIL("set-up: dup");
  auth = open_tls(&server);
  must_serve(auth);
  at_once(20);
}

/* As a sandbox does that takes all descriptors away: poll(2) refuses to wait then. */
static long processor_ms(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}
static void answered_without_descriptors(rlim_t left) {
  server = serve("get=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
  const struct rlimit few = {left, left};
  if (setrlimit(RLIMIT_NOFILE, &few) != 0) FAIL("set-up: setrlimit");
  tell(&server, "get=delay:1");
  sleep_ms(1500); /* then the connection is looked at before it is used */
  const long before = processor_ms();
  const struct outcome o = get(auth, 4000);
  if (o.status != NACOS_OK) FAIL("the answer over an open connection was not seen: %s", said(&o));
  if (processor_ms() - before > 500) FAIL("it cost %ld ms of a processor to wait", processor_ms() - before);
}
TEST(none_may_be_open_while_a_request_waits, 30) { answered_without_descriptors(0); }
TEST(one_may_be_open_while_a_request_waits, 30) { answered_without_descriptors(1); }
