/* Preloaded before the library: a function that does not look at its argument. tests/c/hostile.c has to notice. */
#include <nacos_auth.h>

nacos_status nacos_auth_retry(nacos_auth *auth, nacos_error **error) {
  (void)auth;
  if (error != NULL) *error = NULL;
  return NACOS_OK;
}
