/* Reads one configuration every 200 ms. Argument 1: seconds to run, 30 unless told.
 * Environment: NACOS_SERVER_ADDR, NACOS_USERNAME, NACOS_PASSWORD, NACOS_DATA_ID. */
#define _POSIX_C_SOURCE 200809L
#include <nacos_auth.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *env(const char *name, const char *otherwise) { return getenv(name) ? getenv(name) : otherwise; }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  const double start = now(), seconds = argc > 1 ? atof(argv[1]) : 30;
  const nacos_pair query[] = {NACOS_PAIR("dataId", env("NACOS_DATA_ID", "demo")), NACOS_PAIR("group", "DEFAULT_GROUP")};
  unsigned long long requests = 0, tokens = 0, failures = 0, last = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = env("NACOS_SERVER_ADDR", "127.0.0.1:8848");
  options.username = env("NACOS_USERNAME", "nacos");
  options.password = env("NACOS_PASSWORD", "nacos");
  if (nacos_auth_init(&options, &auth, &error) != NACOS_OK) return puts(nacos_error_message(error)), 1;

  nacos_auth_statistics stats = nacos_auth_statistics_default();
  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs";
  request.query = query;
  request.query_count = 2;
  while (now() - start < seconds) {
    nacos_response *response = NULL;
    const nacos_status status = nacos_request(auth, &request, &response, &error);
    size_t length = 0;
    const char *body = (const char *)nacos_response_body(response, &length);
    const int http_status = nacos_response_status(response);          /* 0 without a response */
    const int is_answered = http_status == 200 || http_status == 404; /* 404: there is no such configuration */
    requests++, failures += !is_answered;
    if (status != NACOS_OK) printf("failed %s: %s\n", nacos_status_name(status), nacos_error_message(error));
    if (response != NULL && !is_answered) printf("failed HTTP %d: %.*s\n", http_status, (int)length, body);
    if (nacos_auth_stats(auth, &stats, NULL) != NACOS_OK) break;
    if (response != NULL && nacos_response_generation(response) != last) {
      last = nacos_response_generation(response);
      tokens++;
      printf("token generation=%llu requests=%llu replays=%llu\n", last, requests, (unsigned long long)stats.replays);
    }
    nacos_response_free(response);
    nacos_error_free(error);
    const double left = start + (double)requests * 0.2 - now(); /* a rhythm, however long a request takes */
    if (left > 0) nanosleep(&(struct timespec){0, (long)(left * 1e9)}, NULL);
  }
  printf("done requests=%llu tokens=%llu replays=%llu failures=%llu\n", requests, tokens,
         (unsigned long long)stats.replays, failures);
  nacos_auth_free(auth);
  return failures == 0 ? 0 : 1;
}
