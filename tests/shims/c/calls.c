/* The calls of the shim that blocks: many at the same time are many threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

const char shim_language[] = "c";

typedef struct {
  const cJSON *line;
  uint64_t times;
  samples taken;
} worker;

outcome get_token(nacos_auth *auth, const cJSON *line) {
  nacos_call_options call = nacos_call_options_default();
  nacos_token_info info = nacos_token_info_default();
  nacos_error *error = NULL;
  call.timeout_ms = milliseconds(line, "timeout_ms");
  char usual[1024], *token = usual;
  nacos_status status = nacos_get_token(auth, &call, token, sizeof(usual), &info, &error);
  while (status == NACOS_BUFFER_TOO_SMALL) { /* again if a longer one came meanwhile */
    nacos_error_free(error);
    if (token != usual) free(token);
    const size_t capacity = info.length + 1;
    token = allocate(capacity);
    status = nacos_get_token(auth, &call, token, capacity, &info, &error);
  }
  const outcome done = token_outcome(line, status, token, &info, error);
  if (token != usual) free(token);
  return done;
}

outcome request(nacos_auth *auth, const cJSON *line) {
  prepared_request made;
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  if (!prepare_request(line, &made)) return shim_failure("body_base64 is not Base64");
  const nacos_status status = nacos_request(auth, &made.options, &response, &error);
  release_request(&made);
  return response_outcome(status, response, error);
}

static void *work(void *argument) {
  worker *self = argument;
  for (uint64_t i = 0; i < self->times; i++) once(self->line, &self->taken);
  return NULL;
}

/* Everything of `more` behind what `taken` has; frees `more`. */
static void append(samples *taken, samples more) {
  taken->all = realloc(taken->all, (taken->count + more.count + 1) * sizeof(sample));
  if (taken->all == NULL) abort();
  if (more.count > 0) memcpy(taken->all + taken->count, more.all, more.count * sizeof(sample));
  taken->count += more.count;
  free(more.all);
}

samples in_parallel(const cJSON *line, size_t count, uint64_t each) {
  samples taken = {NULL, 0, 0};
  worker *workers = calloc(count + 1, sizeof(worker));
  pthread_t *threads = calloc(count + 1, sizeof(pthread_t));
  if (workers == NULL || threads == NULL) abort();
  for (size_t i = 0; i < count; i++) {
    workers[i] = (worker){line, each, {NULL, 0, 0}};
    if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) abort();
  }
  for (size_t i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    append(&taken, workers[i].taken);
  }
  free(threads);
  free(workers);
  return taken;
}
