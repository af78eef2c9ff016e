/* Kind: a plugin. The C library runs the constructors and destructors of its static objects under the lock of its
   loader, and no thread can begin meanwhile that has thread-local state of its own to register. */
#include <dlfcn.h>

#include "host.h"

static void load_and_unload(void) {
  char path[600];
  snprintf(path, sizeof(path), "%s/registration.so", getenv("PLUGINS"));
  const long start = now_ms();
  void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (plugin == NULL) FAIL("dlopen: %s", dlerror());
  dlclose(plugin);
  /* Half a second for a thread that does not begin, and no wait for what it would have told: that is six. */
  if (now_ms() - start > 5000) FAIL("loading and unloading take %ld ms", now_ms() - start);
}

static void with(const char *variable, const char *value) {
  if (setenv(variable, value, 1) != 0) FAIL("set-up: no environment");
}

TEST(by_address, 30) {
  const struct server server = serve("login=ok", NULL);
  with("ADDRESS", server.address);
  load_and_unload();
}

TEST(by_name, 30) {
  const struct server server = serve("login=ok", NULL);
  with("ADDRESS", server.name);
  load_and_unload();
}

TEST(over_tls, 30) {
  const struct server server = serve("tls=server", NULL);
  with("ADDRESS", server.url);
  with("CA_FILE", certificate("ca.pem"));
  load_and_unload();
}

TEST(with_a_password_file, 30) {
  const struct server server = serve("login=ok", NULL);
  FILE *file = fopen("password", "w");
  if (file == NULL || fputs("nacos\n", file) < 0 || fclose(file) != 0) FAIL("set-up: no file");
  with("ADDRESS", server.address);
  with("PASSWORD_FILE", "password");
  load_and_unload();
}

/* The library's thread runs already, for somebody else. */
TEST(while_another_handle_is_in_use, 30) {
  const struct server server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  with("ADDRESS", server.address);
  load_and_unload();
  must_serve(auth);
  nacos_auth_free(auth);
}
