/* No server is needed: settings are checked, nothing is asked. */
#include <nacos_auth.h>
#include <stdio.h>

int main(void) {
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = "127.0.0.1:8848";
  options.username = "nacos";
  options.password = "nacos";
  if (nacos_auth_init(&options, &auth, &error) != NACOS_OK) return puts(nacos_error_message(error)), 1;
  nacos_auth_free(auth);
  printf("nacos-auth %s in C\n", nacos_auth_version());
  return 0;
}
