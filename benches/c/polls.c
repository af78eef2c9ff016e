/* Long polls from C: polls COUNT, by nacos_request_start and a queue, on benches/c/server.c, which holds them. As many
 * are started as COUNT says; when the server has all of them, it is counted what the process has more of than before.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

/* A word with the server: its number of polls, if it answers with one. */
static long ask(nacos_auth *auth, const char *path) {
  nacos_request_options options = nacos_request_options_default();
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  size_t length = 0;
  char number[32] = "";
  options.path = path;
  must(nacos_request(auth, &options, &response, &error), &error);
  const uint8_t *body = nacos_response_body(response, &length);
  if (length < sizeof(number)) memcpy(number, body, length);
  nacos_response_free(response);
  return atol(number);
}

static void start(nacos_auth *auth, nacos_queue *queue) {
  static const nacos_pair form[] = {NACOS_PAIR("Listening-Configs",
                                               "demo\x02"
                                               "DEFAULT_GROUP\x02\x01")};
  static const nacos_pair headers[] = {NACOS_PAIR("Long-Pulling-Timeout", "120000")};
  nacos_request_options request = nacos_request_options_default();
  nacos_start_options options = nacos_start_options_default();
  nacos_error *error = NULL;
  request.method = "POST";
  request.path = "/v1/cs/configs/listener";
  request.form = form;
  request.headers = headers;
  request.form_count = request.header_count = 1;
  options.queue = queue;
  must(nacos_request_start(auth, &request, &options, NULL, &error), &error);
}

/* How many have been answered, of those that are wanted, within ten seconds of silence. */
static long take(nacos_queue *queue, long wanted) {
  struct pollfd readable = {.fd = nacos_queue_fd(queue), .events = POLLIN};
  nacos_completion completion = nacos_completion_default();
  long taken = 0;
  while (taken < wanted && poll(&readable, 1, 10000) > 0)
    while (nacos_queue_next(queue, &completion, NULL) == NACOS_OK) {
      must(completion.status, &completion.error);
      nacos_response_free(completion.response);
      taken++;
    }
  return taken;
}

int main(int argc, char **argv) {
  const long count = argc == 2 ? atol(argv[1]) : 0;
  char name[32];
  nacos_queue *queue = NULL;
  nacos_error *error = NULL;
  if (count <= 0) return 2;
  nacos_auth *auth = client_of(getenv("NACOS_SERVER_ADDR"), "nacos", NULL, (uint32_t)count + 1);
  must(nacos_queue_new(&queue, &error), &error);
  ask(auth, "/held"); /* logs in */
  const possessions before = owned();
  const double begin = seconds_now();
  long held = 0;
  for (long i = 0; i < count; i++) start(auth, queue);
  for (int silence = 0; held < count && silence < 100; silence++) {
    usleep(100000);
    const long now = ask(auth, "/held");
    if (now > held) silence = 0;
    held = now;
  }
  const double took = seconds_now() - begin;
  const possessions out = owned();
  ask(auth, "/release");
  const long answered = take(queue, held);
  snprintf(name, sizeof(name), "%ld polls", count);
  print_head("polls", name, "nacos_request_start, queue");
  printf("\"polls out\": [%ld], \"polls answered\": [%ld], \"KiB each\": [%.2f], ", held, answered,
         (out.kib - before.kib) / (double)(held > 0 ? held : 1));
  printf("\"descriptors beyond connections\": [%.0f], \"threads more\": [%.0f], \"s to set out\": [%.2f]",
         out.descriptors - before.descriptors - (double)held, out.threads - before.threads, took);
  print_end();
  nacos_auth_free(auth);
  nacos_queue_free(queue);
  return 0;
}
