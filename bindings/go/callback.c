/* What the library calls: it hands over the handle of the Go value behind it. */
#include <nacos_auth.h>

#include "_cgo_export.h"

static void on_credentials(void *data, nacos_credentials *credentials) {
  nacosauthOnCredentials((uintptr_t)data, credentials);
}

static void on_event(void *data, const nacos_event *event) { nacosauthOnEvent((uintptr_t)data, (nacos_event *)event); }

static void on_drop(void *data) { nacosauthOnDrop((uintptr_t)data); }

void nacosauth_set_callbacks(nacos_auth_options *options, uintptr_t data, int credentials, int event) {
  options->callback_data = (void *)data;
  options->callback_drop = on_drop;
  if (credentials) options->credentials = on_credentials;
  if (event) options->event = on_event;
}
