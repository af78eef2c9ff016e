/* nacos_request next to libcurl: GETs of one configuration, with a thread for each caller and, for libcurl, an easy
 * handle for each thread and the token put on by hand. The two take turns; each figure is a median. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "measure.h"

enum { ROUNDS = 7, MOST_THREADS = 64 };
static const double round_seconds = 1.0;
static const int thread_counts[] = {1, 8, 64};

static nacos_auth *auth;
static char bearer[2048] = "Authorization: Bearer ", url[256];

typedef struct {
  CURL *curl; /* NULL: nacos_request */
  pthread_barrier_t *start;
  long done;
} caller;

static void by_library(void) {
  static const nacos_pair query[] = {{"dataId", "demo"}, {"group", "DEFAULT_GROUP"}};
  nacos_request_options request = nacos_request_options_default();
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  request.path = "/v1/cs/configs";
  request.query = query;
  request.query_count = 2;
  must(nacos_request(auth, &request, &response, &error), &error);
  if (nacos_response_status(response) != 200) abort();
  nacos_response_free(response);
}

typedef struct {
  char *bytes;
  size_t length;
} body;

/* Keeps the body, as nacos_request does. */
static size_t take(char *bytes, size_t size, size_t count, void *into) {
  body *whole = into;
  whole->bytes = realloc(whole->bytes, whole->length + size * count);
  if (whole->bytes == NULL) abort();
  memcpy(whole->bytes + whole->length, bytes, size * count);
  whole->length += size * count;
  return size * count;
}

static void by_curl(CURL *curl) {
  body whole = {NULL, 0};
  long status = 0;
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &whole);
  if (curl_easy_perform(curl) != CURLE_OK) abort();
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) abort();
  free(whole.bytes);
}

static void *call_on(void *argument) {
  caller *self = argument;
  pthread_barrier_wait(self->start);
  const double end = seconds_now() + round_seconds;
  while (seconds_now() < end) {
    if (self->curl != NULL)
      by_curl(self->curl);
    else
      by_library();
    self->done++;
  }
  return NULL;
}

static double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void round_of(CURL **handles, int count, double *per_second, double *cpu_us) {
  pthread_t threads[MOST_THREADS];
  caller callers[MOST_THREADS];
  pthread_barrier_t start;
  long done = 0;
  pthread_barrier_init(&start, NULL, (unsigned)count + 1);
  for (int i = 0; i < count; i++) {
    callers[i] = (caller){handles != NULL ? handles[i] : NULL, &start, 0};
    if (pthread_create(&threads[i], NULL, call_on, &callers[i]) != 0) abort();
  }
  pthread_barrier_wait(&start);
  const double begin = seconds_now(), cpu = cpu_seconds();
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    done += callers[i].done;
  }
  *per_second = (double)done / (seconds_now() - begin);
  *cpu_us = (cpu_seconds() - cpu) * 1e6 / (double)done;
  pthread_barrier_destroy(&start);
}

int main(void) {
  size_t length = 0;
  const size_t prefix = strlen(bearer);
  auth = client_with_token(bearer + prefix, sizeof(bearer) - prefix, &length);
  snprintf(url, sizeof(url), "http://%s/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP",
           getenv("NACOS_SERVER_ADDR"));
  curl_global_init(CURL_GLOBAL_ALL);
  struct curl_slist *headers = curl_slist_append(NULL, bearer);
  CURL *handles[MOST_THREADS];
  for (int i = 0; i < MOST_THREADS; i++) {
    handles[i] = curl_easy_init();
    curl_easy_setopt(handles[i], CURLOPT_URL, url);
    curl_easy_setopt(handles[i], CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handles[i], CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(handles[i], CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handles[i], CURLOPT_TIMEOUT_MS, 15000L);
  }

  printf("medians of %d rounds of %.0f s in turns; token of %zu bytes; %s\n", ROUNDS, round_seconds, length,
         curl_version());
  for (size_t n = 0; n < sizeof(thread_counts) / sizeof(thread_counts[0]); n++) {
    const int threads = thread_counts[n];
    double rate[2][ROUNDS + 1], cpu[2][ROUNDS + 1]; /* the first round warms up */
    for (int round = 0; round <= ROUNDS; round++) {
      for (int turn = 0; turn < 2; turn++) {
        const int who = (round + turn) % 2;
        round_of(who == 0 ? NULL : handles, threads, &rate[who][round], &cpu[who][round]);
      }
    }
    const double ours = median(rate[0] + 1, ROUNDS), curls = median(rate[1] + 1, ROUNDS);
    const double our_cpu = median(cpu[0] + 1, ROUNDS), curls_cpu = median(cpu[1] + 1, ROUNDS);
    printf(
        "threads=%-2d  nacos_request %7.0f/s %6.1f us CPU   libcurl %7.0f/s %6.1f us CPU   throughput x%.2f  CPU "
        "x%.2f\n",
        threads, ours, our_cpu, curls, curls_cpu, ours / curls, our_cpu / curls_cpu);
    fflush(stdout);
  }
  for (int i = 0; i < MOST_THREADS; i++) curl_easy_cleanup(handles[i]);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  nacos_auth_free(auth);
  return 0;
}
