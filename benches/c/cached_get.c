/* What a cached nacos_get_token costs, next to the least it could cost (a call that copies as many bytes) and to the
 * usual way (a copy under a mutex), in turns; and what it allocates.
 *   cached_get          lines of JSON for benches/table.py; ROUNDS as in requests.c
 *   cached_get marks N  N gets between two getppid(), for strace to count what is between them */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

enum { MOST_ROUNDS = 1000, GETS = 1000000, MOST_THREADS = 2, ROOM = 1024 };

/* The library takes its memory through these, as it does with any program that brings its own. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static atomic_ulong allocations;

void *malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  allocations++;
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  allocations++;
  return __libc_realloc(old, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) {
  allocations++;
  *memory = __libc_memalign(alignment, size);
  return *memory != NULL ? 0 : 12; /* ENOMEM */
}
void *aligned_alloc(size_t alignment, size_t size) {
  allocations++;
  return __libc_memalign(alignment, size);
}

static nacos_auth *auth;
static char kept[ROOM];
static size_t kept_length;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void by_library(char *buffer) {
  if (nacos_get_token(auth, NULL, buffer, ROOM, NULL, NULL) != NACOS_OK) abort();
}

/* The remaining time takes a look at the clock. */
static void by_library_with_info(char *buffer) {
  nacos_token_info info = nacos_token_info_default();
  if (nacos_get_token(auth, NULL, buffer, ROOM, &info, NULL) != NACOS_OK) abort();
}

__attribute__((noinline)) static void by_copy(char *buffer) {
  memcpy(buffer, kept, kept_length + 1);
  __asm__ volatile("" : : "r"(buffer) : "memory"); /* it is needed, for all the compiler knows */
}

__attribute__((noinline)) static void by_mutex(char *buffer) {
  pthread_mutex_lock(&mutex);
  memcpy(buffer, kept, kept_length + 1);
  pthread_mutex_unlock(&mutex);
  __asm__ volatile("" : : "r"(buffer) : "memory");
}

static const struct {
  const char *name;
  void (*get)(char *);
} ways[] = {{"call and memcpy", by_copy},
            {"mutex and memcpy", by_mutex},
            {"nacos_get_token", by_library},
            {"the same with info", by_library_with_info}};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

typedef struct {
  void (*get)(char *);
  pthread_barrier_t *start;
  double ns;
} task;

static void *run(void *argument) {
  task *self = argument;
  char buffer[ROOM];
  pthread_barrier_wait(self->start);
  const double begin = seconds_now();
  for (int i = 0; i < GETS; i++) self->get(buffer);
  self->ns = (seconds_now() - begin) * 1e9 / GETS;
  return NULL;
}

/* Nanoseconds per get, the mean of the threads. */
static double round_of(void (*get)(char *), int count) {
  pthread_t threads[MOST_THREADS];
  task tasks[MOST_THREADS];
  pthread_barrier_t start;
  double sum = 0;
  pthread_barrier_init(&start, NULL, (unsigned)count);
  for (int i = 0; i < count; i++) {
    tasks[i] = (task){get, &start, 0};
    if (i > 0) pthread_create(&threads[i], NULL, run, &tasks[i]);
  }
  run(&tasks[0]);
  for (int i = 0; i < count; i++) {
    if (i > 0) pthread_join(threads[i], NULL);
    sum += tasks[i].ns;
  }
  pthread_barrier_destroy(&start);
  return sum / count;
}

static void table(void) {
  static double ns[WAYS][MOST_ROUNDS];
  const long wanted = setting("ROUNDS", 15), rounds = wanted < MOST_ROUNDS ? wanted : MOST_ROUNDS;
  for (int threads = 1; threads <= MOST_THREADS; threads++) {
    for (long round = 0; round < rounds; round++)
      for (int way = 0; way < WAYS; way++) ns[way][round] = round_of(ways[way].get, threads);
    for (int way = 0; way < WAYS; way++) {
      printf("{\"part\": \"cached\", \"job\": \"get\", \"row\": \"%s\", \"threads\": %d, \"ns\": [", ways[way].name,
             threads);
      for (long round = 0; round < rounds; round++) printf("%s%.2f", round > 0 ? ", " : "", ns[way][round]);
      printf("]}\n");
    }
  }
  char buffer[ROOM];
  const unsigned long before = allocations;
  for (int i = 0; i < GETS; i++) by_library_with_info(buffer);
  const unsigned long during = allocations - before;
  if (before == 0) abort(); /* then nothing is counted at all */
  printf("{\"part\": \"cached\", \"fact\": \"allocations in 1,000,000 gets\", \"value\": %lu}\n", during);
}

int main(int argc, char **argv) {
  auth = client_with_token(kept, sizeof(kept), &kept_length);
  if (argc == 3 && strcmp(argv[1], "marks") == 0) {
    char buffer[ROOM];
    getppid();
    for (long i = atol(argv[2]); i > 0; i--) by_library_with_info(buffer);
    getppid();
  } else {
    table();
  }
  nacos_auth_free(auth);
  return 0;
}
