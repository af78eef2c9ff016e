/* What is measured in rounds, from C: rounds cached|http|https|bodies|async SCHEME://HOST:PORT JOB|COUNT…
 * A JOB is download or upload, a COUNT how many threads there are, or requests in flight. A line of JSON for each row
 * goes to standard output; benches/table.py makes tables of them. TOKEN: what the server's login gives; CA_FILE: for
 * https; BASE: a second build of the library to compare; ROUNDS, ROUND_MS: how many rounds of which length. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <string.h>

#include "engine.h"
#include "measure.h"

const char *path_of(job job) {
  static const char *const paths[] = {"/v1/cs/configs", "/v1/big", "/v1/upload"};
  return paths[job];
}

const char *upload_bytes(void) {
  static char *bytes;
  if (bytes == NULL) { /* first called by the main thread, in open or not at all */
    bytes = malloc(BODY_BYTES);
    if (bytes == NULL) abort();
    memset(bytes, 'x', BODY_BYTES);
  }
  return bytes;
}

static void measure(const char *part, const char *argument, target to) {
  engine engines[MOST_ENGINES] = {libcurl};
  const char *base = getenv("BASE");
  const int count = atoi(argument);
  size_t n = 1;
  char name[32];
  snprintf(name, sizeof(name), count == 1 ? "%d thread" : "%d threads", count);
  if (strcmp(part, "cached") == 0) {
    to.job = CACHED;
    take_turns(part, name, cached, MOST_ENGINES, count, &to);
    return;
  }
  if (strcmp(part, "async") == 0) {
    const engine all[] = {libcurl_multi, nacos_queue_engine, nacos_callback_engine};
    to.in_flight = count;
    snprintf(name, sizeof(name), "%d in flight", count);
    take_turns(part, name, all, 3, 1, &to);
    return;
  }
  if (count == 0) to.job = strcmp(argument, "upload") == 0 ? UPLOAD : DOWNLOAD;
  if (to.job != GET) engines[n++] = libcurl_large_buffers;
  engines[n++] = nacos_library;
  if (base != NULL && *base != 0) engines[n++] = nacos_library_of(base, "nacos_request of BASE");
  if (to.job == GET && to.ca_file == NULL) engines[n++] = raw_socket;
  take_turns(part, count > 0 ? name : argument, engines, n, count > 0 ? count : 1, &to);
}

int main(int argc, char **argv) {
  char scheme[8], address[64];
  target to = {.job = GET, .scheme = scheme, .address = address, .token = getenv("TOKEN")};
  if (argc < 4 || to.token == NULL || sscanf(argv[2], "%7[a-z]://%63s", scheme, address) != 2) {
    fprintf(stderr, "needs PART SCHEME://HOST:PORT JOB|COUNT… and TOKEN\n");
    return 2;
  }
  if (strcmp(scheme, "https") == 0) to.ca_file = getenv("CA_FILE");
  curl_global_init(CURL_GLOBAL_ALL);
  for (int i = 3; i < argc; i++) measure(argv[1], argv[i], to);
  curl_global_cleanup();
  return 0;
}
