/* What is counted, not timed:
 *   counts allocations        allocations in 1,000,000 cached gets
 *   counts marks N            N cached gets between two getppid(), for strace to count what is between them
 *   counts get|request|init|options N   N calls inside `counted`, which is where callgrind counts
 *   counts first              the moment at which a process has its first token
 *   counts handles N one|many handles of one identity, or of as many: memory, threads, wake-ups of IDLE_SECONDS (60)
 *   counts churn N            N times init, request, free: what the process has more of after it
 * The server is NACOS_SERVER_ADDR. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "measure.h"

enum { GETS = 1000000, ROOM = 1024 };

/* The library takes its memory through these, as it does with any program that brings its own. For each thread. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static __thread unsigned long allocations;

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

static const char *server;
static nacos_auth *auth;
static nacos_cancel *cancelled;

static nacos_auth *with_token(const char *username) {
  char token[ROOM];
  nacos_error *error = NULL;
  nacos_auth *made = client_of(server, username, NULL, 0);
  must(nacos_get_token(made, NULL, token, ROOM, NULL, &error), &error);
  return made;
}

static void get(void) {
  char token[ROOM];
  if (nacos_get_token(auth, NULL, token, ROOM, NULL, NULL) != NACOS_OK) abort();
}

static void get_with_info(void) {
  char token[ROOM];
  nacos_token_info info = nacos_token_info_default();
  if (nacos_get_token(auth, NULL, token, ROOM, &info, NULL) != NACOS_OK) abort();
}

static nacos_request_options the_request(void) {
  static const nacos_pair query[] = {NACOS_PAIR("dataId", "demo"), NACOS_PAIR("group", "DEFAULT_GROUP")};
  nacos_request_options options = nacos_request_options_default();
  options.path = "/v1/cs/configs";
  options.query = query;
  options.query_count = 2;
  return options;
}

static void request(nacos_auth *by) {
  const nacos_request_options options = the_request();
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  must(nacos_request(by, &options, &response, &error), &error);
  if (nacos_response_status(response) != 200) abort();
  nacos_response_free(response);
}

static void request_once(void) { request(auth); }

/* A handle of a session that is there already. */
static void init(void) { nacos_auth_free(client_of(server, "nacos", NULL, 0)); }

/* All of a request but sending it. */
static void request_options(void) {
  nacos_request_options options = the_request();
  nacos_response *response = NULL;
  options.cancel = cancelled;
  if (nacos_request(auth, &options, &response, NULL) != NACOS_CANCELLED) abort();
}

__attribute__((noinline)) void counted(void (*call)(void), long count) {
  for (long i = 0; i < count; i++) call();
}

static const struct {
  const char *name;
  void (*call)(void);
} calls[] = {{"get", get}, {"request", request_once}, {"init", init}, {"options", request_options}};

/* How often threads other than this one have been put on a processor. */
static double wake_ups(void) {
  double sum = 0;
  char path[300], line[256];
  const struct dirent *entry;
  DIR *folder = opendir("/proc/self/task");
  while ((entry = readdir(folder)) != NULL) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == gettid()) continue;
    snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
    FILE *status = fopen(path, "r");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
      const char *number = strstr(line, "ctxt_switches:");
      if (number != NULL) sum += atof(number + 14);
    }
    if (status != NULL) fclose(status);
  }
  closedir(folder);
  return sum;
}

static void handles(long n, int many) {
  char name[64];
  const long idle = setting("IDLE_SECONDS", 60);
  nacos_auth **all = malloc((size_t)n * sizeof(*all));
  if (all == NULL) abort();
  memset(all, 1, (size_t)n * sizeof(*all)); /* its memory is there before */
  auth = with_token("nacos");
  usleep(100000); /* what the login needed is gone */
  malloc_trim(0);
  const double before = status_number("RssAnon");
  for (long i = 0; i < n; i++) {
    snprintf(name, sizeof(name), "user-%ld", i);
    all[i] = with_token(many ? name : "nacos");
  }
  usleep(500000);
  const double each = (status_number("RssAnon") - before) / (double)n, threads = status_number("Threads") - 1;
  const double woken = wake_ups();
  sleep((unsigned)idle);
  const double per_minute = (wake_ups() - woken) * 60 / (double)idle;
  snprintf(name, sizeof(name), "%ld of %s", n, many ? "as many identities" : "one identity");
  print_head("handles", name, "nacos_auth_init");
  printf("\"KiB each\": [%.2f], \"threads\": [%.0f], \"wake-ups a minute\": [%.2f]", each, threads, per_minute);
  print_end();
  for (long i = 0; i < n; i++) nacos_auth_free(all[i]);
  free(all);
}

static void churn(long n) {
  char name[64];
  possessions before = {0};
  double begin = 0;
  for (long i = -n / 10; i < n; i++) {
    if (i == 0) {
      before = owned();
      begin = seconds_now();
    }
    nacos_auth *one = client_of(server, "nacos", NULL, 0);
    request(one);
    nacos_auth_free(one);
  }
  const double us = (seconds_now() - begin) * 1e6 / (double)n;
  const possessions after = owned();
  snprintf(name, sizeof(name), "%ld times", n);
  print_head("churn", name, "init, request, free");
  printf("\"KiB more\": [%.0f], \"descriptors more\": [%.0f], \"threads more\": [%.0f], \"µs each\": [%.0f]",
         after.kib - before.kib, after.descriptors - before.descriptors, after.threads - before.threads, us);
  print_end();
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  const long n = argc > 2 ? atol(argv[2]) : 0;
  server = getenv("NACOS_SERVER_ADDR");
  if (strcmp(what, "handles") == 0 && argc == 4) return handles(n, strcmp(argv[3], "many") == 0), 0;
  if (strcmp(what, "churn") == 0 && n > 0) return churn(n), 0;
  auth = with_token("nacos");
  if (strcmp(what, "first") == 0) {
    printf("%.6f\n", seconds_now());
  } else if (strcmp(what, "allocations") == 0) {
    counted(get_with_info, 10); /* a thread's first may take memory */
    const unsigned long before = allocations;
    counted(get_with_info, GETS);
    const unsigned long during = allocations - before;
    if (before == 0) abort(); /* then nothing is counted at all */
    print_head("cached", "C, 1000000 gets", "nacos_get_token");
    printf("\"allocations\": [%lu]", during);
    print_end();
  } else if (strcmp(what, "marks") == 0) {
    getppid();
    counted(get_with_info, n);
    getppid();
  } else {
    size_t i = 0;
    while (i < sizeof(calls) / sizeof(calls[0]) && strcmp(what, calls[i].name) != 0) i++;
    if (i == sizeof(calls) / sizeof(calls[0]) || n <= 0) return 2;
    if ((cancelled = nacos_cancel_new()) == NULL) abort();
    nacos_cancel_trigger(cancelled);
    for (int warm = 0; warm < 10; warm++) calls[i].call(); /* connections are made, symbols looked up */
    counted(calls[i].call, n);
    nacos_cancel_free(cancelled);
  }
  nacos_auth_free(auth);
  return 0;
}
