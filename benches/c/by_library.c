/* nacos_request. The functions of the library come from a table, so that two builds of it can
 * be compared in one run. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "engine.h"
#include "measure.h"

typedef struct {
  __typeof__(&nacos_auth_init) auth_init;
  __typeof__(&nacos_auth_free) auth_free;
  __typeof__(&nacos_request) request;
  __typeof__(&nacos_response_status) response_status;
  __typeof__(&nacos_response_body) response_body;
  __typeof__(&nacos_response_free) response_free;
} functions;

/* One handle for all threads, as a program would have it. */
typedef struct {
  functions library;
  nacos_auth *auth;
  int threads;
} shared;

typedef struct {
  shared *shared;
  job job;
} client;

static void call(void *state) {
  static const nacos_pair query[] = {NACOS_PAIR("dataId", "demo"), NACOS_PAIR("group", "DEFAULT_GROUP")};
  const client *self = state;
  const functions *library = &self->shared->library;
  nacos_request_options request = nacos_request_options_default();
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  size_t length = 0;
  request.path = path_of(self->job);
  request.query = query;
  request.query_count = 2;
  if (self->job == UPLOAD) {
    request.method = "POST";
    request.body = (const uint8_t *)upload_bytes();
    request.body_len = BODY_BYTES;
  }
  must(library->request(self->shared->auth, &request, &response, &error), &error);
  if (library->response_status(response) != 200) abort();
  if (library->response_body(response, &length) == NULL || length == 0) abort();
  if (self->job == DOWNLOAD && length != BODY_BYTES) abort();
  library->response_free(response);
}

static nacos_auth *handle_of(const functions *library, const target *to) {
  nacos_auth_options options = nacos_auth_options_default();
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  char server[128];
  snprintf(server, sizeof(server), "%s://%s", to->scheme, to->address);
  options.server_addr = server;
  options.username = "nacos";
  options.password = "nacos";
  options.ca_file = to->ca_file;
  must(library->auth_init(&options, &auth, &error), &error);
  return auth;
}

static void *open_client(const engine *engine, const target *to) {
  client *self = malloc(sizeof(*self));
  shared *shared = engine->extra;
  if (self == NULL) abort();
  if (shared->threads++ == 0) shared->auth = handle_of(&shared->library, to);
  *self = (client){shared, to->job};
  return self;
}

static void close_client(void *state) {
  client *self = state;
  if (--self->shared->threads == 0) self->shared->library.auth_free(self->shared->auth);
  free(self);
}

static shared linked = {
    {nacos_auth_init, nacos_auth_free, nacos_request, nacos_response_status, nacos_response_body, nacos_response_free},
    NULL,
    0};
const engine nacos_library = {"nacos_request", open_client, call, close_client, &linked, NULL};

engine nacos_library_of(const char *file, const char *name) {
  static shared other;
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
#define FIND(field, symbol) *(void **)&other.library.field = dlsym(library, symbol)
  FIND(auth_init, "nacos_auth_init");
  FIND(auth_free, "nacos_auth_free");
  FIND(request, "nacos_request");
  FIND(response_status, "nacos_response_status");
  FIND(response_body, "nacos_response_body");
  FIND(response_free, "nacos_response_free");
#undef FIND
  return (engine){name, open_client, call, close_client, &other, NULL};
}
