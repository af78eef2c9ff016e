/* Time, settings, failures and lines of JSON for the benchmarks here. */
#ifndef MEASURE_H
#define MEASURE_H

#include <dirent.h>
#include <malloc.h>
#include <nacos_auth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* User and system time of this process, all threads. */
static inline double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* A line of /proc/self/status, as VmRSS in KiB or Threads. */
static inline double status_number(const char *name) {
  char line[256];
  double value = -1;
  FILE *status = fopen("/proc/self/status", "r");
  if (status == NULL) abort();
  while (fgets(line, sizeof(line), status) != NULL)
    if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') value = atof(line + strlen(name) + 1);
  fclose(status);
  if (value < 0) abort();
  return value;
}

/* How many entries a folder has. */
static inline long entries(const char *path) {
  long count = -2; /* "." and ".." */
  DIR *folder = opendir(path);
  if (folder == NULL) abort();
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

typedef struct {
  double kib, descriptors, threads;
} possessions;

/* Of what a process may leave behind. */
static inline possessions owned(void) {
  usleep(200000); /* a thread that ends has ended */
  malloc_trim(0);
  return (possessions){status_number("RssAnon"), (double)entries("/proc/self/fd"), (double)entries("/proc/self/task")};
}

/* A positive number from the environment. */
static inline long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  const long value = text != NULL ? strtol(text, NULL, 10) : 0;
  return value > 0 ? value : otherwise;
}

/* A line for benches/table.py is a head, measures as `"name": [rounds]`, an end. */
static inline void print_head(const char *part, const char *name, const char *who) {
  printf("{\"part\": \"%s\", \"case\": \"%s\", \"name\": \"%s\", \"rounds\": {", part, name, who);
}
static inline void print_end(void) {
  printf("}}\n");
  fflush(stdout);
}

/* `error` is looked at after the call that fills it in. */
static inline void must(nacos_status status, nacos_error **error) {
  if (status == NACOS_OK) return;
  fprintf(stderr, "%s: %s\n", nacos_status_name(status), nacos_error_message(*error));
  exit(1);
}

static inline nacos_auth *client_of(const char *server, const char *username, const char *ca_file,
                                    uint32_t max_connections) {
  nacos_auth_options options = nacos_auth_options_default();
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  options.server_addr = server;
  options.username = username;
  options.password = "nacos";
  options.ca_file = ca_file;
  options.max_connections = max_connections;
  must(nacos_auth_init(&options, &auth, &error), &error);
  return auth;
}

#endif
