/* Kind: an examination. It is a guest like every call: on a small stack, in an exit handler, in the child of a fork; it
   leaves no descriptor, no thread and no secret, disturbs no handle, and ends at once when it is told to. */
#include "host.h"

static struct server server;

/* Logs in. */
static void examine(const char *address, const char *where) {
  nacos_auth_options options = options_for(address);
  nacos_diagnosis *diagnosis = NULL;
  nacos_error *error = NULL;
  if (strncmp(address, "https", 5) == 0) options.ca_file = certificate("ca.pem");
  if (nacos_auth_diagnose(&options, NULL, &diagnosis, &error) != NACOS_OK)
    FAIL("%s: %s", where, nacos_error_message(error));
  if (strstr(nacos_diagnosis_text(diagnosis), "a token for") == NULL)
    FAIL("%s: %s", where, nacos_diagnosis_text(diagnosis));
  nacos_diagnosis_free(diagnosis);
}

TEST(leaves_nothing, 30) {
  server = serve("login=ok", NULL);
  examine(server.name, "the first time");
  const int open = descriptors(), running = threads();
  for (int i = 0; i < 3; i++) examine(server.name, "again");
  if (!UNTIL(3000, threads() <= running)) FAIL("%d threads stay", threads() - running);
  if (descriptors() > open) FAIL("%d descriptors stay", descriptors() - open);
}

/* A token that others use stays what it is. */
TEST(disturbs_no_handle, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  const uint64_t generation = nacos_auth_generation(auth);
  examine(server.address, "beside a handle");
  if (generation == 0 || nacos_auth_generation(auth) != generation) FAIL("the handle's token is another");
  must_serve(auth);
  nacos_auth_free(auth);
}

static void *on_this_stack(void *address) {
  examine((const char *)address, "on a small stack");
  return NULL;
}
TEST(on_a_small_stack, 30) {
  server = serve("login=ok", NULL);
  pthread_join(thread_with_stack(on_this_stack, (void *)(uintptr_t)server.name, 64 * 1024), NULL);
}
TEST(on_a_small_stack_over_tls, 30) {
  server = serve("tls=server", NULL);
  pthread_join(thread_with_stack(on_this_stack, (void *)(uintptr_t)server.url, 128 * 1024), NULL);
}

static void last(void) {
  examine(server.name, "in an atexit handler");
  stop(&server);
}
TEST(in_an_exit_handler, 30) {
  server = serve("login=ok", NULL);
  if (atexit(last) != 0) FAIL("set-up: atexit");
}

TEST(in_the_child_of_a_fork, 40) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  const pid_t child = fork();
  if (child == 0) {
    examine(server.name, "in a child");
    _exit(0);
  }
  child_must_end(child, 15000, "fork");
  nacos_auth_free(auth);
}

static nacos_cancel *cancel;
static void *soon(void *unused) {
  sleep_ms(300);
  nacos_cancel_trigger(cancel);
  return unused;
}
TEST(ends_when_it_is_told_to, 30) {
  server = serve("login=hang", "request=hang", NULL);
  nacos_auth_options options = options_for(server.address);
  nacos_diagnose_options diagnose = nacos_diagnose_options_default();
  nacos_diagnosis *diagnosis = NULL;
  diagnose.cancel = cancel = nacos_cancel_new();
  const pthread_t other = start_thread(soon, NULL);
  const long began = now_ms();
  const nacos_status status = nacos_auth_diagnose(&options, &diagnose, &diagnosis, NULL);
  const long took = now_ms() - began;
  pthread_join(other, NULL);
  if (status == NACOS_CANCELLED && took > 1500) FAIL("cancelled after %ld ms", took);
  if (status != NACOS_CANCELLED && status != NACOS_OK) FAIL("%s", nacos_status_name(status));
  nacos_diagnosis_free(diagnosis);
  nacos_cancel_free(cancel);
}
