/* Reads one configuration 1000 times at once, on one thread: calls are started, and their ends taken from a queue whose
 * descriptor a loop polls. Environment: NACOS_SERVER_ADDR, NACOS_USERNAME, NACOS_PASSWORD, NACOS_DATA_ID. */
#include <nacos_auth.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static const char *env(const char *name, const char *otherwise) { return getenv(name) ? getenv(name) : otherwise; }

int main(void) {
  const nacos_pair query[] = {NACOS_PAIR("dataId", env("NACOS_DATA_ID", "demo")), NACOS_PAIR("group", "DEFAULT_GROUP")};
  unsigned requests = 0, ended = 0, failures = 0;
  nacos_auth *auth = NULL;
  nacos_queue *queue = NULL;
  nacos_error *error = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = env("NACOS_SERVER_ADDR", "127.0.0.1:8848");
  options.username = env("NACOS_USERNAME", "nacos");
  options.password = env("NACOS_PASSWORD", "nacos");
  if (nacos_auth_init(&options, &auth, &error) != NACOS_OK) return puts(nacos_error_message(error)), 1;
  if (nacos_queue_new(&queue, &error) != NACOS_OK) return puts(nacos_error_message(error)), 1;

  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs";
  request.query = query;
  request.query_count = 2;
  nacos_start_options start = nacos_start_options_default();
  start.queue = queue; /* start.data would come back with the completion: what the call is about */
  while (requests < 1000) {
    /* Returns at once. The last but one argument could take an operation, to cancel this call alone. */
    if (nacos_request_start(auth, &request, &start, NULL, &error) != NACOS_OK)
      return puts(nacos_error_message(error)), 1;
    requests++;
  }

  while (ended < requests) {
    struct pollfd watched = {nacos_queue_fd(queue), POLLIN, 0}; /* among whatever else the program waits for */
    if (poll(&watched, 1, -1) < 0) return perror("poll"), 1;
    nacos_completion done = nacos_completion_default();
    while (nacos_queue_next(queue, &done, NULL) == NACOS_OK) {          /* until none waits */
      const int http_status = nacos_response_status(done.response);     /* 0 without a response */
      const int is_answered = http_status == 200 || http_status == 404; /* 404: there is no such configuration */
      ended++, failures += !is_answered;
      if (done.status != NACOS_OK) printf("failed: %s\n", nacos_error_message(done.error));
      nacos_response_free(done.response); /* what a completion brings is ours */
      nacos_error_free(done.error);
    }
  }
  nacos_auth_statistics stats = nacos_auth_statistics_default();
  if (nacos_auth_stats(auth, &stats, NULL) != NACOS_OK) return 1;
  printf("done requests=%u tokens=%llu replays=%llu failures=%u\n", requests, (unsigned long long)stats.logins,
         (unsigned long long)stats.replays, failures);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
  return failures == 0 ? 0 : 1;
}
