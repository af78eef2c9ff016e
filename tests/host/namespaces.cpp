/* Kind: namespaces. A child may have the number that its parent has, as where the first process of a container starts
 * another container; and threads of one program may be in different networks. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <nacos_auth.hpp>
#include <optional>

#include "host.h"

/* What runs in a process whose number is 1. */
static void as_first_process(void (*run)(void)) {
  if (unshare(CLONE_NEWPID) != 0) SKIP("no namespace for this user");
  const pid_t first = fork();
  if (first == 0) {
    if (getpid() != 1) FAIL("set-up: the number is %d", getpid());
    run();
    _exit(0);
  }
  child_must_end(first, 20000, "the first process");
}
/* A fork into another namespace: the child is 1 as well. */
static pid_t fork_with_the_same_number(void) {
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD | CLONE_NEWPID, 0, 0, 0, 0));
  if (child == 0 && getpid() != 1) FAIL("set-up: the number of the child is %d", getpid());
  return child;
}

static void handle_and_operations() {
  const struct server server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  const struct outcome before = operate(auth, 5000);
  if (before.status != NACOS_OK) FAIL("set-up: %s", said(&before));
  const pid_t child = fork_with_the_same_number();
  if (child == 0) {
    must_answer(auth, "in the child");
    const struct outcome o = operate(auth, 5000);
    if (o.status != NACOS_OK) FAIL("an operation in the child: %s", said(&o));
    nacos_auth_free(auth);
    _exit(0);
  }
  child_must_end(child, 10000, "the child");
  must_answer(auth, "in the parent");
  nacos_auth_free(auth);
}
TEST(a_handle_and_operations, 30) { as_first_process(handle_and_operations); }

static nacosauth::options settings_for(const struct server &server) {
  nacosauth::options settings;
  settings.server_addr = server.address;
  settings.username = "nacos";
  settings.password = "nacos";
  return settings;
}

/* Whom the queue tells of the parent's call. */
static int told;

static void queue_in_a_child() {
  const struct server server = serve("login=ok", "get=hang", NULL);
  const nacosauth::client client(settings_for(server));
  std::optional<nacosauth::queue> queue(std::in_place);
  nacosauth::request hangs;
  hangs.path = "/v1/cs/configs";
  if (!client.try_async_send(hangs, *queue).try_start([](auto) { ADD_ONE(told); })) FAIL("set-up: no operation");
  sleep_ms(300); /* until the library's thread waits */
  const pid_t child = fork_with_the_same_number();
  if (child == 0) {
    queue.reset();
    if (GET_FLAG(told)) FAIL("a call of the parent's has ended in the child");
    _exit(0);
  }
  child_must_end(child, 10000, "the child");
  queue.reset();
  if (!GET_FLAG(told)) FAIL("the parent is not told");
}
TEST(a_queue_of_the_parent, 30) { as_first_process(queue_in_a_child); }

static void own_calls_in_a_child() {
  const struct server server = serve("login=ok", NULL);
  const nacosauth::client client(settings_for(server));
  std::optional<nacosauth::queue> queue(std::in_place);
  const pid_t child = fork_with_the_same_number();
  if (child == 0) {
    if (!client.try_async_token({}, *queue).try_start([](auto token) {
          if (!token) FAIL("no token in the child");
          ADD_ONE(told);
        }))
      FAIL("no operation in the child");
    if (!UNTIL(5000, queue->drain() != 0)) FAIL("the child is not told");
    if (!client.try_async_token({}, *queue).try_start([](auto) { ADD_ONE(told); })) FAIL("no second one");
    queue.reset();
    if (told != 2) FAIL("of two calls %d have ended", told);
    _exit(0);
  }
  child_must_end(child, 10000, "the child");
}
TEST(calls_of_the_child, 30) { as_first_process(own_calls_in_a_child); }

/* The library's thread is where it was started, which the last handle undoes. */
static void *log_in_elsewhere(void *auth) {
  if (unshare(CLONE_NEWNET) != 0) SKIP("no namespace for this user");
  const struct outcome o = token(static_cast<nacos_auth *>(auth), 2000);
  if (o.status != NACOS_CONNECT) FAIL("without a network: %s", said(&o));
  return nullptr;
}
TEST(a_thread_in_another_network, 30) {
  const struct server server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  pthread_join(start_thread(log_in_elsewhere, auth), nullptr);
  struct outcome o = token(auth, 1500);
  if (o.status != NACOS_CONNECT) FAIL("a login is made in the network of another thread: %s", said(&o));
  nacos_auth_free(auth);
  auth = open_at(server.address);
  o = token(auth, 5000);
  if (o.status != NACOS_OK) FAIL("a new thread is in the network of the former: %s", said(&o));
  nacos_auth_free(auth);
}

/* A daemon that shuts itself in: what the system trusts is no longer to be seen. */
static nacos_auth *open_with_authorities_of_the_system(const struct server *server) {
  const char *const trusted = "/etc/ssl/certs/ca-certificates.crt";
  if (access(trusted, R_OK) != 0) SKIP("no authorities of the system where they usually are");
  if (unshare(CLONE_NEWNS) != 0) SKIP("no namespace for this user");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount(certificate("ca.pem"), trusted, nullptr, MS_BIND, nullptr) != 0)
    SKIP("no mounts for this user");
  static char url[128];
  snprintf(url, sizeof(url), "https://127.0.0.1:%s", server->port); /* there are no names inside */
  nacos_auth_options options = options_for(url);
  options.tls_server_name = "localhost";
  return open_with(&options);
}
static void shut_in(void) {
  if (mkdir("empty", 0700) != 0 || chroot("empty") != 0 || chdir("/") != 0) SKIP("no chroot for this user");
}
TEST(authorities_of_a_daemon_that_shuts_itself_in, 30) {
  const struct server server = serve("login=ok", "tls=server", NULL);
  nacos_auth *auth = open_with_authorities_of_the_system(&server);
  shut_in();
  must_answer(auth, "without the file of authorities");
  nacos_auth_free(auth);
}
TEST(authorities_of_a_child_that_shuts_itself_in, 30) {
  const struct server server = serve("login=ok", "tls=server", NULL);
  nacos_auth *auth = open_with_authorities_of_the_system(&server);
  must_serve(auth);
  const pid_t child = fork();
  if (child == 0) {
    shut_in();
    must_answer(auth, "a child without the file of authorities");
    _exit(0);
  }
  child_must_end(child, 15000, "a child that shuts itself in");
  nacos_auth_free(auth);
}

/* A child with a clock that is set back: by that of its parent, a pause of seconds would last for hours. */
static void in_a_child_with_another_clock(void (*run)(void)) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  if (now.tv_sec < 600) SKIP("the machine has just started");
  if (unshare(CLONE_NEWTIME) != 0) SKIP("no namespace for this user");
  FILE *const offsets = fopen("/proc/self/timens_offsets", "w");
  if (offsets == nullptr || fprintf(offsets, "boottime %ld 0\n", 60 - static_cast<long>(now.tv_sec)) < 0 ||
      fclose(offsets) != 0)
    SKIP("no other clock for this user");
  const pid_t child = fork();
  if (child == 0) {
    clock_gettime(CLOCK_BOOTTIME, &now);
    if (now.tv_sec > 120) FAIL("set-up: it is %ld in the child", static_cast<long>(now.tv_sec));
    run();
    _exit(0);
  }
  child_must_end(child, 25000, "the child");
}
static struct server busy;
static nacos_auth *pausing;
static void open_to_a_busy_server(void) {
  busy = serve("login=status:503:busy", NULL);
  pausing = open_at(busy.address);
  const struct outcome o = token(pausing, 2000);
  if (o.status == NACOS_OK) FAIL("set-up: a token from a server that has none");
  tell(&busy, "login=ok");
}
static void must_answer_soon(void) {
  if (!UNTIL(20000, token(pausing, 1000).status == NACOS_OK)) FAIL("the pause does not end by another clock");
}
static void new_one_must_answer_soon(void) {
  pausing = open_at(busy.address);
  must_answer_soon();
}
TEST(a_pause_in_a_child_with_another_clock, 40) {
  open_to_a_busy_server();
  in_a_child_with_another_clock(must_answer_soon);
}
TEST(a_remembered_pause_in_a_child_with_another_clock, 40) {
  open_to_a_busy_server();
  nacos_auth_free(pausing);
  in_a_child_with_another_clock(new_one_must_answer_soon);
}
