/* Kind: system calls that the kernel, a sandbox or the host refuses: an error that says what, and no harm that stays.
 */
#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "host.h"

static int no_eventfd, no_epoll, no_options, no_wiping, says_it_wipes;

int eventfd(unsigned int count, int flags) {
  if (GET_FLAG(no_eventfd)) return errno = EPERM, -1;
  int (*real)(unsigned int, int);
  *(void **)&real = dlsym(RTLD_NEXT, "eventfd");
  return real(count, flags);
}
int setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
  if (GET_FLAG(no_options)) return errno = EPERM, -1;
  int (*real)(int, int, int, const void *, socklen_t);
  *(void **)&real = dlsym(RTLD_NEXT, "setsockopt");
  return real(fd, level, name, value, size);
}
int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
  if (GET_FLAG(no_epoll)) return errno = EINVAL, -1;
  int (*real)(int, struct epoll_event *, int, int);
  *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
  return real(epoll, events, most, timeout);
}

int madvise(void *address, size_t length, int advice) {
  if (advice == MADV_WIPEONFORK && GET_FLAG(says_it_wipes)) return 0;
  if (advice == MADV_WIPEONFORK && GET_FLAG(no_wiping)) return errno = EINVAL, -1;
  int (*real)(void *, size_t, int);
  *(void **)&real = dlsym(RTLD_NEXT, "madvise");
  return real(address, length, advice);
}

TEST(no_queue_and_the_reason, 20) {
  nacos_queue *queue = NULL;
  nacos_error *error = NULL;
  SET_FLAG(no_eventfd);
  if (nacos_queue_new(&queue, &error) != NACOS_INTERNAL) FAIL("a queue without a descriptor");
  if (strstr(nacos_error_message(error), strerror(EPERM)) == NULL) FAIL("%s", nacos_error_message(error));
  nacos_error_free(error);
}

TEST(no_options_of_sockets, 20) {
  const struct server server = serve("login=ok", NULL);
  SET_FLAG(no_options);
  nacos_auth *auth = open_at(server.address);
  must_answer(auth, "without options of sockets");
  const struct outcome o = operate(auth, 5000);
  if (o.status != NACOS_OK) FAIL("an operation without options of sockets: %s", said(&o));
  nacos_auth_free(auth);
}

/* As where a host has closed descriptors that are not its own. */
TEST(what_drives_operations_breaks, 40) {
  const struct server server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  /* Of a panic the standard library tells: the one thing that is printed. */
  if (dup2(open("stderr of the panic", O_CREAT | O_WRONLY, 0600), STDERR_FILENO) < 0) FAIL("set-up: no file");
  struct outcome o = operate(auth, 5000);
  if (o.status != NACOS_OK) FAIL("set-up: %s", said(&o));
  SET_FLAG(no_epoll);
  for (int i = 0; i < 3; i++) {
    o = operate(auth, 2000);
    must_be_sensible(&o, "an operation that nothing drives");
    if (set_password(auth, i % 2 ? "nacos" : "another") != NACOS_OK) FAIL("set-up: no credentials");
    o = token(auth, 1000);
    must_be_sensible(&o, "a login that nothing drives");
  }
  __atomic_store_n(&no_epoll, 0, __ATOMIC_SEQ_CST);
  if (!UNTIL(12000, token(auth, 3000).status == NACOS_OK)) FAIL("there is no login any more");
  o = operate(auth, 5000);
  if (o.status != NACOS_OK) FAIL("operations do not work any more: %s", said(&o));
  const long start = now_ms();
  nacos_auth_free(auth);
  if (now_ms() - start > 2000) FAIL("nacos_auth_free takes %ld ms", now_ms() - start);
}

/* An old kernel, or an emulator that knows the word only. */
static void children_without_wiping(void) {
  const struct server server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  const long before = ask(&server, "accepted");
  for (int i = 0; i < 3; i++) {
    const pid_t child = fork();
    if (child == 0) {
      must_serve(auth);
      nacos_auth_free(auth);
      _exit(0);
    }
    child_must_end(child, 10000, "a child");
    const struct outcome o = post(auth, 5000); /* is never sent twice */
    if (o.http != 200) FAIL("after a child: %s", said(&o));
  }
  if (ask(&server, "accepted") - before < 3) FAIL("the children used connections of the parent");
  nacos_auth_free(auth);
}
TEST(memory_is_not_cleared_in_children, 30) {
  SET_FLAG(no_wiping);
  children_without_wiping();
}
TEST(memory_is_said_to_be_cleared_and_is_not, 30) {
  SET_FLAG(says_it_wipes);
  children_without_wiping();
}
