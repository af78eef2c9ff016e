/* nacos_request, libcurl and a raw socket in turn: requests PART SCHEME://HOST:PORT get|download|upload THREADS…
 * One line of JSON for each row goes to standard output; benches/table.py makes tables of them.
 * TOKEN: what the server's login gives; CA_FILE: for https; BASE: a second build of the library to compare;
 * ROUNDS, ROUND_MS: how many rounds of which length. */
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

static target target_of(const char *url, const char *name) {
  static char scheme[8], address[64];
  target to = {.scheme = scheme, .address = address, .ca_file = getenv("CA_FILE"), .token = getenv("TOKEN")};
  if (sscanf(url, "%7[a-z]://%63s", scheme, address) != 2 || to.token == NULL) {
    fprintf(stderr, "needs SCHEME://HOST:PORT and TOKEN\n");
    exit(2);
  }
  if (strcmp(scheme, "http") == 0) to.ca_file = NULL;
  to.job = strcmp(name, "upload") == 0 ? UPLOAD : strcmp(name, "download") == 0 ? DOWNLOAD : GET;
  return to;
}

int main(int argc, char **argv) {
  engine engines[4];
  size_t count = 0;
  if (argc < 5) return 2;
  const target to = target_of(argv[2], argv[3]);
  const char *base = getenv("BASE");
  curl_global_init(CURL_GLOBAL_ALL);
  if (to.job == UPLOAD) upload_bytes();
  engines[count++] = libcurl;
  if (to.job != GET) engines[count++] = libcurl_large_buffers;
  engines[count++] = nacos_library;
  if (base != NULL && *base != 0) engines[count++] = nacos_library_of(base, "nacos_request of BASE");
  if (to.job == GET && to.ca_file == NULL) engines[count++] = raw_socket;
  for (int i = 4; i < argc; i++) take_turns(argv[1], engines, count, atoi(argv[i]), &to);
  curl_global_cleanup();
  return 0;
}
