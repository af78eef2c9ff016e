/* Rounds in turn: each engine gets a fraction of a second, then the next, in an order that shifts. What the machine
 * does besides then hits all alike, and a ratio within a round says more than two times apart. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "engine.h"
#include "measure.h"

enum { MOST_THREADS = 64, MOST_ENGINES = 4, MOST_ROUNDS = 1000 };

typedef struct {
  const engine *engine;
  void *state;
  pthread_barrier_t *start;
  double seconds;
  long done;
} caller;

typedef struct {
  double per_second, cpu_us;
} figures;

static double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void *call_on(void *argument) {
  caller *self = argument;
  self->engine->call(self->state); /* connections that belong to a thread are made before the clock runs */
  pthread_barrier_wait(self->start);
  const double end = seconds_now() + self->seconds;
  do {
    self->engine->call(self->state);
    self->done++;
  } while (seconds_now() < end);
  return NULL;
}

static figures turn(const engine *engine, void **states, int count, double seconds) {
  pthread_t threads[MOST_THREADS];
  caller callers[MOST_THREADS];
  pthread_barrier_t start;
  long done = 0;
  pthread_barrier_init(&start, NULL, (unsigned)count + 1);
  for (int i = 0; i < count; i++) {
    callers[i] = (caller){engine, states[i], &start, seconds, 0};
    if (pthread_create(&threads[i], NULL, call_on, &callers[i]) != 0) abort();
  }
  pthread_barrier_wait(&start);
  const double begin = seconds_now(), cpu = cpu_seconds();
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    done += callers[i].done;
  }
  pthread_barrier_destroy(&start);
  return (figures){(double)done / (seconds_now() - begin), (cpu_seconds() - cpu) * 1e6 / (double)done};
}

static void print_row(const char *part, const char *name, job job, int threads, const figures *rounds, long count) {
  static const char *const jobs[] = {"get", "download", "upload"};
  printf("{\"part\": \"%s\", \"job\": \"%s\", \"row\": \"%s\", \"threads\": %d, \"per_second\": [", part, jobs[job],
         name, threads);
  for (long i = 0; i < count; i++) printf("%s%.1f", i > 0 ? ", " : "", rounds[i].per_second);
  printf("], \"cpu_us\": [");
  for (long i = 0; i < count; i++) printf("%s%.2f", i > 0 ? ", " : "", rounds[i].cpu_us);
  printf("]}\n");
  fflush(stdout);
}

void take_turns(const char *part, const engine *engines, size_t count, int threads, const target *to) {
  static figures seen[MOST_ENGINES][MOST_ROUNDS + 1];
  void *states[MOST_ENGINES][MOST_THREADS];
  const long wanted = setting("ROUNDS", 15), rounds = wanted < MOST_ROUNDS ? wanted : MOST_ROUNDS;
  const double seconds = (double)setting("ROUND_MS", 350) / 1e3;
  if (count > MOST_ENGINES || threads < 1 || threads > MOST_THREADS) abort();
  for (size_t e = 0; e < count; e++)
    for (int i = 0; i < threads; i++) states[e][i] = engines[e].open(&engines[e], to);
  for (long round = 0; round <= rounds; round++) /* round 0 warms up */
    for (size_t step = 0; step < count; step++) {
      const size_t e = ((size_t)round + step) % count;
      seen[e][round] = turn(&engines[e], states[e], threads, seconds);
    }
  for (size_t e = 0; e < count; e++) {
    print_row(part, engines[e].name, to->job, threads, seen[e] + 1, rounds);
    for (int i = 0; i < threads; i++) engines[e].close(states[e][i]);
  }
}
