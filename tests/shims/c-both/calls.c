/* The calls of the shim that makes both kinds at the same time, on one handle: of many, half are threads that wait, and
 * half are operations of one loop. */
#define shim_language language_of_threads
#define in_parallel in_threads
#include "../c/calls.c"
#undef shim_language
#undef in_parallel
#define shim_language language_of_loop
#define get_token get_token_in_loop
#define request request_in_loop
#define in_parallel in_loop
outcome get_token(nacos_auth *auth, const cJSON *line);
outcome request(nacos_auth *auth, const cJSON *line);
samples in_parallel(const cJSON *line, size_t count, uint64_t each);
#include "../c-async/calls.c"
#undef shim_language
#undef get_token
#undef request
#undef in_parallel

const char shim_language[] = "c-both";

typedef struct {
  const cJSON *line;
  size_t count;
  uint64_t each;
  samples taken;
} half;

static void *threads_of(void *argument) {
  half *self = argument;
  self->taken = in_threads(self->line, self->count, self->each);
  return NULL;
}

samples in_parallel(const cJSON *line, size_t count, uint64_t each) {
  half other = {line, count / 2, each, {NULL, 0, 0}};
  pthread_t thread;
  if (pthread_create(&thread, NULL, threads_of, &other) != 0) abort();
  samples taken = in_loop(line, count - count / 2, each);
  pthread_join(thread, NULL);
  append(&taken, other.taken);
  return taken;
}
