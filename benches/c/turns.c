/* Rounds in turn: each engine gets a fraction of a second, then the next, in an order that shifts. What the machine
 * does besides then hits all alike, and a ratio within a round says more than two times apart. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>

#include "engine.h"
#include "measure.h"

enum { MOST_ROUNDS = 1000 };

typedef struct {
  const engine *engine;
  void *state;
  pthread_barrier_t *start;
  double seconds, began, ended;
  long done;
} caller;

typedef struct {
  double done, seconds, cpu;
  int threads;
} figures;

static void *call_on(void *argument) {
  caller *self = argument;
  const engine *engine = self->engine;
  if (engine->run == NULL) engine->call(self->state); /* a thread's own connection is made before the clock runs */
  pthread_barrier_wait(self->start);
  pthread_barrier_wait(self->start);
  self->began = self->ended = seconds_now();
  const double until = self->began + self->seconds;
  if (engine->run != NULL) {
    self->done = engine->run(self->state, until);
    self->ended = seconds_now();
    return NULL;
  }
  for (; self->ended < until; self->ended = seconds_now()) {
    engine->call(self->state);
    self->done++;
  }
  return NULL;
}

/* From the first thread's begin to the last one's end, by their own clocks: this thread may wake late on a busy
 * machine. */
static figures turn(const engine *engine, void **states, int count, double seconds) {
  pthread_t threads[MOST_THREADS];
  caller callers[MOST_THREADS];
  pthread_barrier_t start;
  long done = 0;
  pthread_barrier_init(&start, NULL, (unsigned)count + 1);
  for (int i = 0; i < count; i++) {
    callers[i] = (caller){engine, states[i], &start, seconds, 0, 0, 0};
    if (pthread_create(&threads[i], NULL, call_on, &callers[i]) != 0) abort();
  }
  pthread_barrier_wait(&start); /* all are ready */
  const double cpu = cpu_seconds();
  pthread_barrier_wait(&start);
  double began = 0, ended = 0;
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    done += callers[i].done;
    if (i == 0 || callers[i].began < began) began = callers[i].began;
    if (callers[i].ended > ended) ended = callers[i].ended;
  }
  pthread_barrier_destroy(&start);
  return (figures){(double)done, ended - began, cpu_seconds() - cpu, count};
}

/* How much more memory than before one call takes at its peak, in MiB. */
static double memory_held(const engine *engine, void *state) {
  engine->call(state);
  malloc_trim(0);
  FILE *refs = fopen("/proc/self/clear_refs", "w");
  if (refs == NULL || fputs("5", refs) < 0 || fclose(refs) != 0) abort(); /* the peak is counted from here */
  const double before = status_number("VmRSS");
  engine->call(state);
  return (status_number("VmHWM") - before) / 1024;
}

static double requests_per_second(figures f) { return f.done / f.seconds; }
static double cpu_us(figures f) { return f.cpu * 1e6 / f.done; }
static double mib_per_second(figures f) { return f.done / f.seconds * (BODY_BYTES >> 20); }
static double cpu_ms(figures f) { return f.cpu * 1e3 / f.done; }
/* Of processor time: a get does not wait, and other programs do not count. */
static double ns_per_get(figures f) { return f.cpu * 1e9 / f.done / GETS_PER_CALL; }

/* By the clock, for one thread: what others keep it waiting shows here. */
static double ns_elapsed(figures f) { return f.seconds * 1e9 * f.threads / f.done / GETS_PER_CALL; }

static const struct {
  const char *name;
  double (*of)(figures);
} measures[][2] = {
    [GET] = {{"requests/s", requests_per_second}, {"CPU µs", cpu_us}},
    [DOWNLOAD] = {{"MiB/s", mib_per_second}, {"CPU ms", cpu_ms}},
    [UPLOAD] = {{"MiB/s", mib_per_second}, {"CPU ms", cpu_ms}},
    [CACHED] = {{"ns", ns_per_get}, {"ns elapsed", ns_elapsed}},
};

void take_turns(const char *part, const char *name, const engine *engines, size_t count, int threads,
                const target *to) {
  static figures seen[MOST_ENGINES][MOST_ROUNDS + 1];
  void *states[MOST_ENGINES][MOST_THREADS];
  double held[MOST_ENGINES];
  const long wanted = setting("ROUNDS", 15), rounds = wanted < MOST_ROUNDS ? wanted : MOST_ROUNDS;
  const double seconds = (double)setting("ROUND_MS", 350) / 1e3;
  if (count > MOST_ENGINES || threads < 1 || threads > MOST_THREADS) abort();
  for (size_t e = 0; e < count; e++)
    for (int i = 0; i < threads; i++) states[e][i] = engines[e].open(&engines[e], to);
  const int has_bodies = to->job == DOWNLOAD || to->job == UPLOAD;
  for (size_t e = 0; has_bodies && e < count; e++) held[e] = memory_held(&engines[e], states[e][0]);
  for (long round = 0; round <= rounds; round++) /* round 0 warms up */
    for (size_t step = 0; step < count; step++) {
      const size_t e = ((size_t)round + step) % count;
      seen[e][round] = turn(&engines[e], states[e], threads, seconds);
    }
  for (size_t e = 0; e < count; e++) {
    print_head(part, name, engines[e].name);
    for (size_t m = 0; m < 2; m++) {
      printf("%s\"%s\": [", m > 0 ? ", " : "", measures[to->job][m].name);
      for (long i = 1; i <= rounds; i++) printf("%s%.2f", i > 1 ? ", " : "", measures[to->job][m].of(seen[e][i]));
      printf("]");
    }
    if (has_bodies) printf(", \"MiB held\": [%.1f]", held[e]);
    print_end();
    for (int i = 0; i < threads; i++) engines[e].close(states[e][i]);
  }
}
