/* The calls of the shim that has one thread and a loop: each is started, and ends through a queue. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../c/shim.h"

const char shim_language[] = "c-async";

/* A row of calls, each of which begins when the one before has ended. */
typedef struct {
  uint64_t left;
  double start_ms;
} row;

/* The one of this process, which nobody frees. */
static nacos_queue *the_queue(void) {
  static nacos_queue *queue;
  if (queue == NULL && nacos_queue_new(&queue, NULL) != NACOS_OK) abort();
  return queue;
}

static int is_request(const cJSON *line) { return strcmp(text_of(line, "op"), "request") == 0; }

/* 1: the call is under way, and will come with `data`. 0: it has not begun, and *ended says why. */
static int start(nacos_auth *auth, const cJSON *line, void *data, outcome *ended) {
  nacos_start_options how = nacos_start_options_default();
  nacos_error *error = NULL;
  nacos_status status;
  how.queue = the_queue();
  how.data = data;
  if (is_request(line)) {
    prepared_request made;
    if (!prepare_request(line, &made)) {
      *ended = shim_failure("body_base64 is not Base64");
      return 0;
    }
    status = nacos_request_start(auth, &made.options, &how, NULL, &error);
    release_request(&made); /* what the operation needs it has copied */
    if (status != NACOS_OK) *ended = response_outcome(status, NULL, error);
  } else {
    nacos_call_options call = nacos_call_options_default();
    call.timeout_ms = milliseconds(line, "timeout_ms");
    status = nacos_token_start(auth, &call, &how, NULL, &error);
    if (status != NACOS_OK) *ended = token_outcome(line, status, NULL, NULL, error);
  }
  return status == NACOS_OK;
}

/* The next call that ends; its `data` in *data. */
static outcome next(const cJSON *line, void **data) {
  struct pollfd watched = {nacos_queue_fd(the_queue()), POLLIN, 0};
  nacos_completion ended = nacos_completion_default();
  while (nacos_queue_next(the_queue(), &ended, NULL) != NACOS_OK) poll(&watched, 1, -1);
  *data = ended.data;
  if (is_request(line)) return response_outcome(ended.status, ended.response, ended.error);
  nacos_token_info info = nacos_token_info_default();
  if (ended.token != NULL && nacos_token_describe(ended.token, &info, NULL) != NACOS_OK) abort();
  const outcome done = token_outcome(line, ended.status, nacos_token_text(ended.token), &info, ended.error);
  nacos_token_free(ended.token);
  return done;
}

static outcome start_and_wait(nacos_auth *auth, const cJSON *line) {
  void *data;
  outcome ended;
  return start(auth, line, NULL, &ended) ? next(line, &data) : ended;
}

outcome get_token(nacos_auth *auth, const cJSON *line) { return start_and_wait(auth, line); }

outcome request(nacos_auth *auth, const cJSON *line) { return start_and_wait(auth, line); }

/* Starts the next one of a row, and those that end at once; 0: the row is over. */
static int go_on(const cJSON *line, row *self, samples *taken) {
  const int waits = is_request(line) || strcmp(text_of(line, "op"), "get_token") == 0;
  while (self->left > 0) {
    outcome ended;
    self->left--;
    self->start_ms = now_ms();
    if (!waits)
      once(line, taken);
    else if (start(handle_of(line), line, self, &ended))
      return 1;
    else
      add_sample(taken, self->start_ms, ended);
  }
  return 0;
}

samples in_parallel(const cJSON *line, size_t count, uint64_t each) {
  samples taken = {NULL, 0, 0};
  row *rows = calloc(count + 1, sizeof(row));
  if (rows == NULL) abort();
  size_t running = 0;
  for (size_t i = 0; i < count; i++) {
    rows[i].left = each;
    running += (size_t)go_on(line, &rows[i], &taken);
  }
  while (running > 0) {
    void *data;
    const outcome done = next(line, &data);
    row *self = data;
    add_sample(&taken, self->start_ms, done);
    if (!go_on(line, self, &taken)) running--;
  }
  free(rows);
  return taken;
}
