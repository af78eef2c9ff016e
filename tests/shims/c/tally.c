/* parallel and loop: one line many times, and what that gave in numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shim.h"

double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void add_sample(samples *taken, double start_ms, outcome done) {
  if (taken->count == taken->room) {
    taken->room = taken->room * 2 + 16;
    taken->all = realloc(taken->all, taken->room * sizeof(sample));
    if (taken->all == NULL) abort();
  }
  taken->all[taken->count++] = (sample){now_ms() - start_ms, done.failure, done.http_status, done.generation};
  cJSON_Delete(done.answer);
}

void once(const cJSON *line, samples *taken) {
  const double start = now_ms();
  const outcome done = perform(line);
  add_sample(taken, start, done);
}

static samples in_a_row(const cJSON *line, double duration_ms, double interval_ms) {
  samples taken = {NULL, 0, 0};
  const double start = now_ms();
  for (double due = start + interval_ms; now_ms() - start < duration_ms; due += interval_ms) {
    once(line, &taken);
    const double left = due - now_ms();
    const time_t seconds = (time_t)(left / 1e3);
    if (left > 0) nanosleep(&(struct timespec){seconds, (long)((left - (double)seconds * 1e3) * 1e6)}, NULL);
  }
  return taken;
}

static void count_one(cJSON *counts, const char *name) {
  cJSON *count = cJSON_GetObjectItemCaseSensitive(counts, name);
  if (count == NULL)
    cJSON_AddNumberToObject(counts, name, 1);
  else
    cJSON_SetNumberValue(count, count->valuedouble + 1);
}

static int by_time(const void *a, const void *b) {
  const double left = ((const sample *)a)->milliseconds, right = ((const sample *)b)->milliseconds;
  return (left > right) - (left < right);
}

static int by_generation(const void *a, const void *b) {
  const uint64_t left = ((const sample *)a)->generation, right = ((const sample *)b)->generation;
  return (left > right) - (left < right);
}

/* The nearest rank of what is sorted by time, in microseconds' precision. */
static double percentile(samples taken, size_t percent) {
  if (taken.count == 0) return 0;
  const double value = taken.all[(taken.count * percent + 99) / 100 - 1].milliseconds;
  return (double)(int64_t)(value * 1e3 + 0.5) / 1e3;
}

static outcome summary(samples taken) {
  outcome done = {cJSON_CreateObject(), NULL, 0, 0};
  cJSON *ok = cJSON_AddNumberToObject(done.answer, "ok", 0); /* here a count */
  cJSON *errors = cJSON_AddObjectToObject(done.answer, "errors"), *http = cJSON_AddObjectToObject(done.answer, "http");
  size_t good = 0, generations = 0;
  if (taken.count > 0) qsort(taken.all, taken.count, sizeof(sample), by_generation);
  for (size_t i = 0; i < taken.count; i++) {
    const sample *one = &taken.all[i];
    generations += one->generation != 0 && (i == 0 || one->generation != taken.all[i - 1].generation);
    good += one->failure == NULL;
    if (one->failure != NULL) count_one(errors, one->failure);
    if (one->http_status != 0) {
      char number[16];
      snprintf(number, sizeof(number), "%d", one->http_status);
      count_one(http, number);
    }
  }
  cJSON_SetNumberValue(ok, (double)good);
  cJSON_AddNumberToObject(done.answer, "generations", (double)generations);
  if (taken.count > 0) qsort(taken.all, taken.count, sizeof(sample), by_time);
  cJSON_AddNumberToObject(done.answer, "max_ms", percentile(taken, 100));
  cJSON_AddNumberToObject(done.answer, "p50_ms", percentile(taken, 50));
  cJSON_AddNumberToObject(done.answer, "p99_ms", percentile(taken, 99));
  free(taken.all);
  return done;
}

outcome perform_many(const cJSON *line) {
  const cJSON *inner = cJSON_GetObjectItemCaseSensitive(line, "do");
  const char *complaint = complaint_about(inner);
  if (complaint != NULL) return shim_failure("%s", complaint);
  const char *op = text_of(inner, "op");
  /* The table of handles belongs to one thread, and once is enough for one level of repetition. */
  static const char *const single[] = {"init", "free", "parallel", "loop"};
  for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
    if (strcmp(op, single[i]) == 0) return shim_failure("%s inside %s", op, text_of(line, "op"));
  const char *unknown = unknown_handle(inner);
  if (unknown != NULL) return shim_failure("%s \"%.100s\"", unknown, text_of(inner, "auth"));
  if (strcmp(text_of(line, "op"), "loop") == 0)
    return summary(in_a_row(inner, (double)number_of(line, "duration_ms"), (double)number_of(line, "interval_ms")));
  return summary(in_parallel(inner, number_of(line, "threads"), number_of(line, "each")));
}
