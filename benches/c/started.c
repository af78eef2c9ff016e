/* nacos_request_start, with as many requests in flight as the target says: from a queue whose descriptor is polled, as
 * in a program with an event loop, and by callback. Each completion starts the next request. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine.h"
#include "measure.h"

typedef struct {
  nacos_auth *auth;
  nacos_queue *queue; /* NULL: by callback */
  int in_flight;
  double until;
  atomic_long done, under_way;
  pthread_mutex_t lock;
  pthread_cond_t over;
} loop;

static void completed(void *data, const nacos_completion *completion);

static void start(loop *self) {
  static const nacos_pair query[] = {NACOS_PAIR("dataId", "demo"), NACOS_PAIR("group", "DEFAULT_GROUP")};
  nacos_request_options request = nacos_request_options_default();
  nacos_start_options options = nacos_start_options_default();
  nacos_error *error = NULL;
  request.path = path_of(GET);
  request.query = query;
  request.query_count = 2;
  options.data = self;
  options.queue = self->queue;
  if (self->queue == NULL) options.on_complete = completed;
  self->under_way++;
  must(nacos_request_start(self->auth, &request, &options, NULL, &error), &error);
}

static void take(loop *self, const nacos_completion *completion, int goes_on) {
  size_t length = 0;
  nacos_error *error = completion->error;
  must(completion->status, &error);
  if (nacos_response_status(completion->response) != 200) abort();
  if (nacos_response_body(completion->response, &length) == NULL || length == 0) abort();
  nacos_response_free(completion->response);
  self->done++;
  if (goes_on) start(self);
}

static void completed(void *data, const nacos_completion *completion) {
  loop *self = data;
  take(self, completion, seconds_now() < self->until);
  pthread_mutex_lock(&self->lock);
  if (--self->under_way == 0) pthread_cond_signal(&self->over);
  pthread_mutex_unlock(&self->lock);
}

static long run_queue(void *state, double until) {
  loop *self = state;
  struct pollfd readable = {.fd = nacos_queue_fd(self->queue), .events = POLLIN};
  self->done = 0;
  for (int i = 0; i < self->in_flight; i++) start(self);
  while (self->under_way > 0) {
    nacos_completion completion = nacos_completion_default();
    poll(&readable, 1, -1);
    const int goes_on = seconds_now() < until;
    while (nacos_queue_next(self->queue, &completion, NULL) == NACOS_OK) {
      take(self, &completion, goes_on);
      self->under_way--;
    }
  }
  return self->done;
}

static long run_callbacks(void *state, double until) {
  loop *self = state;
  self->done = 0;
  self->until = until;
  self->under_way = 1; /* this function's, so that the end is not seen before all have been started */
  for (int i = 0; i < self->in_flight; i++) start(self);
  pthread_mutex_lock(&self->lock);
  self->under_way--;
  while (self->under_way > 0) pthread_cond_wait(&self->over, &self->lock);
  pthread_mutex_unlock(&self->lock);
  return self->done;
}

static void *open_loop(const engine *engine, const target *to) {
  loop *self = calloc(1, sizeof(*self));
  nacos_error *error = NULL;
  if (self == NULL) abort();
  self->auth = client_of(to->address, "nacos", NULL, (uint32_t)to->in_flight);
  self->in_flight = to->in_flight;
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->over, NULL);
  if (engine->run == run_queue) must(nacos_queue_new(&self->queue, &error), &error);
  return self;
}

static void close_loop(void *state) {
  loop *self = state;
  nacos_auth_free(self->auth);
  nacos_queue_free(self->queue);
  free(self);
}

const engine nacos_queue_engine = {"nacos_request_start, queue", open_loop, NULL, close_loop, NULL, run_queue};
const engine nacos_callback_engine = {
    "nacos_request_start, callback", open_loop, NULL, close_loop, NULL, run_callbacks};
