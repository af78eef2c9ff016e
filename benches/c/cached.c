/* What a cached nacos_get_token costs, next to the least it could cost (a call that copies as many bytes) and to the
 * usual way (a copy under a mutex). */
#include <pthread.h>
#include <string.h>

#include "engine.h"
#include "measure.h"

enum { ROOM = 1024 };

typedef struct {
  _Alignas(64) char buffer[ROOM];
  nacos_auth *auth;
} getter;

static char kept[ROOM];
static size_t kept_length;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void by_library(void *state) {
  getter *self = state;
  for (int i = 0; i < GETS_PER_CALL; i++)
    if (nacos_get_token(self->auth, NULL, self->buffer, ROOM, NULL, NULL) != NACOS_OK) abort();
}

/* The remaining time takes a look at the clock. */
static void by_library_with_info(void *state) {
  getter *self = state;
  for (int i = 0; i < GETS_PER_CALL; i++) {
    nacos_token_info info = nacos_token_info_default();
    if (nacos_get_token(self->auth, NULL, self->buffer, ROOM, &info, NULL) != NACOS_OK) abort();
  }
}

__attribute__((noinline)) static void copy(char *buffer) {
  memcpy(buffer, kept, kept_length + 1);
  __asm__ volatile("" : : "r"(buffer) : "memory"); /* it is needed, for all the compiler knows */
}

__attribute__((noinline)) static void copy_locked(char *buffer) {
  pthread_mutex_lock(&mutex);
  copy(buffer);
  pthread_mutex_unlock(&mutex);
}

static void by_copy(void *state) {
  for (int i = 0; i < GETS_PER_CALL; i++) copy(((getter *)state)->buffer);
}

static void by_mutex(void *state) {
  for (int i = 0; i < GETS_PER_CALL; i++) copy_locked(((getter *)state)->buffer);
}

static void *open_getter(const engine *engine, const target *to) {
  (void)engine;
  getter *self = aligned_alloc(64, sizeof(*self));
  nacos_error *error = NULL;
  if (self == NULL) abort();
  self->auth = client_of(to->address, "nacos", NULL, 0);
  must(nacos_get_token(self->auth, NULL, kept, ROOM, NULL, &error), &error);
  kept_length = strlen(kept);
  return self;
}

static void close_getter(void *state) {
  nacos_auth_free(((getter *)state)->auth);
  free(state);
}

const engine cached[MOST_ENGINES] = {
    {"call and memcpy", open_getter, by_copy, close_getter, NULL, NULL},
    {"mutex and memcpy", open_getter, by_mutex, close_getter, NULL, NULL},
    {"nacos_get_token", open_getter, by_library, close_getter, NULL, NULL},
    {"the same with info", open_getter, by_library_with_info, close_getter, NULL, NULL}};
