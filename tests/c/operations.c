/* Calls that no thread of the caller's waits for: however they end, each is told of once, by its queue or by its
 * callback, and what it needed was its own. NACOS_SERVER_ADDR is the development server. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>

#include "check.h"
#include "client.h"

enum { SOON = 30000 /* ms, on a machine that is busy */, MOST = 64 };

/* What one operation came to. */
typedef struct {
  int times; /* how often it was told of */
  nacos_status status;
  int http, sent;
  uint32_t replays;
  uint64_t generation;
  char cause[40], text[2048];
} end;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void keep(char *to, size_t size, const char *from) { snprintf(to, size, "%s", from); }

/* Whatever is in there has to fit together. */
static void note(const nacos_completion *completion) {
  end *of = (end *)completion->data;
  CHECK(completion->struct_size >= sizeof(*completion) && completion->reserved0 == 0);
  CHECK((completion->status == NACOS_OK) == (completion->error == NULL));
  CHECK((completion->response != NULL) + (completion->token != NULL) + (completion->error != NULL) == 1);
  pthread_mutex_lock(&lock);
  of->status = completion->status;
  if (completion->response != NULL) {
    size_t length = 0;
    const uint8_t *body = nacos_response_body(completion->response, &length);
    of->http = nacos_response_status(completion->response);
    of->replays = nacos_response_replays(completion->response);
    of->generation = nacos_response_generation(completion->response);
    snprintf(of->text, sizeof(of->text), "%.*s", (int)(length < 2000 ? length : 2000), (const char *)body);
  } else if (completion->token != NULL) {
    nacos_token_info info = nacos_token_info_default();
    CHECK(nacos_token_describe(completion->token, &info, NULL) == NACOS_OK);
    CHECK(info.length == strlen(nacos_token_text(completion->token)) && info.length > 0 && info.remaining_ms > 0);
    of->generation = info.generation;
    keep(of->text, sizeof(of->text), nacos_token_text(completion->token));
  } else {
    CHECK(nacos_error_status(completion->error) == completion->status);
    keep(of->cause, sizeof(of->cause), nacos_error_cause(completion->error));
    keep(of->text, sizeof(of->text), nacos_error_message(completion->error));
    of->sent = nacos_error_was_sent(completion->error);
  }
  of->times++; /* the last thing: others look at it */
  pthread_mutex_unlock(&lock);
  nacos_response_free(completion->response);
  nacos_token_free(completion->token);
  nacos_error_free(completion->error);
}
static int times(const end *of) {
  pthread_mutex_lock(&lock);
  const int count = of->times;
  pthread_mutex_unlock(&lock);
  return count;
}

static nacos_queue *new_queue(void) {
  nacos_queue *queue = NULL;
  CHECK_CALL(NACOS_OK, NULL, nacos_queue_new(&queue, &error));
  return queue;
}
static int is_readable(const nacos_queue *queue, int ms) {
  struct pollfd ready = {nacos_queue_fd(queue), POLLIN, 0};
  return poll(&ready, 1, ms) == 1;
}
static int take(nacos_queue *queue) {
  nacos_completion completion = nacos_completion_default();
  const nacos_status status = nacos_queue_next(queue, &completion, NULL);
  CHECK(status == NACOS_OK || status == NACOS_WOULD_BLOCK);
  if (status == NACOS_OK) note(&completion);
  return status == NACOS_OK;
}
/* Waits for so many completions, and looks that there are no more. */
static void take_all(nacos_queue *queue, int count) {
  const long until = now_ms() + SOON;
  for (int got = 0; got < count && now_ms() < until;) {
    is_readable(queue, 1000);
    while (take(queue)) got++;
  }
  CHECK(!is_readable(queue, 0) && !take(queue));
}
static void called(void *data, const nacos_completion *completion) {
  CHECK(data == completion->data);
  note(completion);
}

static nacos_start_options to(nacos_queue *queue, void *data) {
  nacos_start_options start = nacos_start_options_default();
  start.queue = queue;
  if (queue == NULL) start.on_complete = called;
  start.data = data;
  return start;
}

/* A read of the configuration. */
static nacos_request_options reading(uint32_t timeout_ms) {
  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  request.timeout_ms = timeout_ms;
  return request;
}
static nacos_operation *start_with(nacos_auth *auth, const nacos_request_options *request,
                                   const nacos_start_options *start) {
  nacos_operation *operation = NULL;
  CHECK_CALL(NACOS_OK, NULL, nacos_request_start(auth, request, start, &operation, &error));
  CHECK(operation != NULL);
  return operation;
}
/* To the queue, or to `called`. */
static nacos_operation *start_reading(nacos_auth *auth, nacos_queue *queue, end *of, uint32_t timeout_ms) {
  const nacos_request_options request = reading(timeout_ms);
  const nacos_start_options start = to(queue, of);
  return start_with(auth, &request, &start);
}
static nacos_auth *client_with(void (*change)(nacos_auth_options *)) {
  nacos_auth *auth = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = address_in("NACOS_SERVER_ADDR");
  options.username = "nacos";
  options.password = "nacos";
  change(&options);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(&options, &auth, &error));
  return auth;
}
static int wait_for(const end *of) {
  for (const long until = now_ms() + SOON; times(of) == 0 && now_ms() < until;) pause_ms(2);
  return times(of);
}
static void hang(const char *on) {
  char json[80];
  snprintf(json, sizeof(json), "{\"on\":\"%s\",\"kind\":\"hang\"}", on);
  control("POST", "/faults", json);
}
static void no_faults(void) { control("DELETE", "/faults", ""); }
static void wait_until_counted(const char *what, long count) {
  for (const long until = now_ms() + SOON; counted(what) < count && now_ms() < until;) pause_ms(5);
  CHECK(counted(what) >= count);
}

/* Answered, and what the answer is */

static void answered(void) {
  nacos_auth *auth = client(1);
  nacos_queue *queue = new_queue();
  end read = {0}, token = {0}, by_callback = {0};
  char text[2048];
  const nacos_auth_statistics before = statistics_of(auth);
  nacos_operation *operation = start_reading(auth, queue, &read, 0);
  take_all(queue, 1);
  CHECK(read.times == 1 && read.status == NACOS_OK && read.http == 200 && strcmp(read.text, "hello") == 0);
  CHECK(read.generation > 0 && read.replays == 0);
  nacos_operation_free(operation);

  nacos_start_options start = to(queue, &token);
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(auth, NULL, &start, &operation, &error));
  take_all(queue, 1);
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, text, sizeof(text), NULL, &error));
  CHECK(token.times == 1 && token.status == NACOS_OK && strcmp(token.text, text) == 0);
  CHECK(token.generation == read.generation);
  nacos_operation_free(operation);

  nacos_operation_free(start_reading(auth, NULL, &by_callback, 0));
  CHECK(wait_for(&by_callback) == 1 && by_callback.http == 200 && strcmp(by_callback.text, "hello") == 0);
  /* They count as what they are. */
  const nacos_auth_statistics after = statistics_of(auth);
  CHECK(after.requests == before.requests + 2 && after.logins == 1);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* What came outlives what it came from. */
static void what_comes_is_the_callers(void) {
  nacos_auth *auth = client(1);
  nacos_queue *queue = new_queue();
  nacos_completion response = nacos_completion_default(), token = response;
  end unused = {0};
  nacos_operation_free(start_reading(auth, queue, &unused, 0));
  CHECK(is_readable(queue, SOON) && nacos_queue_next(queue, &response, NULL) == NACOS_OK);
  const nacos_start_options start = to(queue, NULL);
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(auth, NULL, &start, NULL, &error));
  CHECK(is_readable(queue, SOON) && nacos_queue_next(queue, &token, NULL) == NACOS_OK);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
  CHECK(token.data == NULL && strlen(nacos_token_text(token.token)) > 20);
  CHECK(response.data == &unused && nacos_response_status(response.response) == 200);
  CHECK(memcmp(nacos_response_body(response.response, NULL), "hello", 5) == 0);
  nacos_token_free(token.token);
  nacos_response_free(response.response);
}

static void replayed(void) {
  nacos_auth *auth = client(2);
  nacos_queue *queue = new_queue();
  end first = {0}, again = {0}, not_again = {0};
  nacos_operation_free(start_reading(auth, queue, &first, 0));
  take_all(queue, 1);
  pause_ms(1100); /* there is a second between two logins */
  control("POST", "/revoke", "");
  nacos_operation_free(start_reading(auth, queue, &again, 0));
  take_all(queue, 1);
  CHECK(again.http == 200 && again.replays == 1 && again.generation > first.generation);
  control("POST", "/revoke", "");
  nacos_request_options request = reading(0);
  const nacos_start_options start = to(queue, &not_again);
  request.flags = NACOS_FLAG_NO_REPLAY;
  nacos_operation_free(start_with(auth, &request, &start));
  take_all(queue, 1);
  CHECK(not_again.status == NACOS_OK && not_again.http == 403 && not_again.replays == 0);
  CHECK(first.times == 1 && again.times == 1 && not_again.times == 1);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

static void at_nobody(nacos_auth_options *options) { options->server_addr = "127.0.0.1:1"; }
static void unreachable(void) {
  nacos_auth *auth = client_with(at_nobody);
  nacos_queue *queue = new_queue();
  end read = {0}, token = {0}, by_callback = {0};
  const nacos_start_options start = to(queue, &token);
  nacos_call_options options = nacos_call_options_default();
  options.timeout_ms = 500;
  nacos_operation_free(start_reading(auth, queue, &read, 500));
  nacos_operation_free(start_reading(auth, NULL, &by_callback, 500));
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(auth, &options, &start, NULL, &error));
  take_all(queue, 2);
  CHECK(read.times == 1 && (read.status == NACOS_CONNECT || read.status == NACOS_TIMEOUT) && !read.sent);
  CHECK(token.times == 1 && (token.status == NACOS_CONNECT || token.status == NACOS_TIMEOUT));
  CHECK(wait_for(&by_callback) == 1 && by_callback.status != NACOS_OK);
  CHECK(strstr(read.text, "127.0.0.1:1") != NULL);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* The deadline begins at the start. */
static void deadlines(void) {
  nacos_auth *auth = client(1);
  nacos_queue *queue = new_queue();
  CHECK(has_token(auth));
  end ends[4];
  memset(ends, 0, sizeof(ends));
  hang("request");
  const long began = now_ms();
  for (uint32_t i = 0; i < 4; i++) nacos_operation_free(start_reading(auth, queue, &ends[i], 100 + 100 * i));
  CHECK(now_ms() - began < 5000);
  take_all(queue, 4);
  CHECK(now_ms() - began >= 400);
  for (int i = 0; i < 4; i++) {
    CHECK(ends[i].times == 1 && ends[i].status == NACOS_TIMEOUT && ends[i].sent);
    CHECK(strcmp(ends[i].cause, NACOS_CAUSE_NO_ANSWER) == 0);
  }
  no_faults();
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* A server that does not answer logins. */
static void no_login(void) {
  hang("login");
  nacos_auth *auth = client(3);
  nacos_queue *queue = new_queue();
  end token = {0}, read = {0}, cancelled = {0}, at_once = {0};
  nacos_start_options start = to(queue, &token);
  nacos_operation *operation = NULL;
  nacos_call_options options = nacos_call_options_default();
  options.timeout_ms = 300;
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(auth, &options, &start, NULL, &error));
  nacos_operation_free(start_reading(auth, queue, &read, 300));
  start.data = &at_once;
  options.flags = NACOS_FLAG_NO_WAIT;
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(auth, &options, &start, NULL, &error));
  take_all(queue, 3);
  CHECK(token.times == 1 && token.status == NACOS_TIMEOUT && read.times == 1 && read.status == NACOS_TIMEOUT);
  CHECK(at_once.times == 1 && at_once.status == NACOS_WOULD_BLOCK);
  start.data = &cancelled;
  options.flags = 0;
  options.timeout_ms = 600000;
  CHECK_CALL(NACOS_OK, NULL, nacos_token_start(auth, &options, &start, &operation, &error));
  CHECK(!is_readable(queue, 100));
  nacos_operation_cancel(operation);
  nacos_operation_free(operation);
  take_all(queue, 1);
  CHECK(cancelled.times == 1 && cancelled.status == NACOS_CANCELLED);
  no_faults();
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* Cancelled: by its operation, by a signal, from anywhere, at any time, and as often as you like */

static void *cancel_it(void *operation) {
  nacos_operation_cancel((nacos_operation *)operation);
  return NULL;
}
static nacos_operation *in_callback;
static void cancels_itself(void *data, const nacos_completion *completion) {
  (void)data;
  pthread_mutex_lock(&lock);
  nacos_operation *own = in_callback;
  pthread_mutex_unlock(&lock);
  nacos_operation_cancel(own);
  nacos_operation_free(own);
  note(completion);
}
static void cancelled(void) {
  nacos_auth *auth = client(1);
  nacos_queue *queue = new_queue();
  nacos_cancel *signal = nacos_cancel_new();
  end ends[8];
  nacos_operation *operations[3];
  pthread_t threads[4];
  memset(ends, 0, sizeof(ends));
  CHECK(has_token(auth));
  hang("request");
  const long requests = counted("requests");
  for (int i = 0; i < 3; i++) operations[i] = start_reading(auth, i < 2 ? queue : NULL, &ends[i], 600000);
  nacos_request_options request = reading(600000);
  nacos_start_options start = to(queue, &ends[3]);
  request.cancel = signal;
  nacos_operation_free(start_with(auth, &request, &start));
  wait_until_counted("requests", requests + 4);
  CHECK(!is_readable(queue, 50));
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, cancel_it, operations[i % 3]);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  nacos_operation_cancel(operations[0]);
  nacos_cancel_trigger(signal);
  take_all(queue, 3);
  CHECK(wait_for(&ends[2]) == 1);
  for (int i = 0; i < 4; i++) CHECK(ends[i].times == 1 && ends[i].status == NACOS_CANCELLED && ends[i].sent);

  /* With a signal that has been given. */
  start.data = &ends[4];
  nacos_operation_free(start_with(auth, &request, &start));
  take_all(queue, 1);
  CHECK(ends[4].times == 1 && ends[4].status == NACOS_CANCELLED && !ends[4].sent);
  no_faults();

  /* After its end: waiting in the queue, and taken. */
  nacos_operation *ended = start_reading(auth, queue, &ends[5], 0);
  CHECK(is_readable(queue, SOON));
  nacos_operation_cancel(ended);
  take_all(queue, 1);
  nacos_operation_cancel(ended);
  nacos_operation_cancel(ended);
  nacos_operation_free(ended);
  CHECK(!is_readable(queue, 50) && ends[5].times == 1 && ends[5].http == 200);
  for (int i = 0; i < 3; i++) {
    nacos_operation_cancel(operations[i]);
    nacos_operation_free(operations[i]);
  }

  /* From its own callback, which lets go of it too; it was held up so that we have it by then. */
  control("POST", "/faults", "{\"on\":\"request\",\"kind\":\"delay\",\"delay_ms\":300,\"times\":1}");
  start = to(NULL, &ends[6]);
  start.on_complete = cancels_itself;
  request = reading(0);
  nacos_operation *own = start_with(auth, &request, &start);
  pthread_mutex_lock(&lock);
  in_callback = own;
  pthread_mutex_unlock(&lock);
  CHECK(wait_for(&ends[6]) == 1 && ends[6].http == 200);
  nacos_cancel_free(signal);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* Cancelled in whatever moment: one end, and one of the two. */
static void cancelled_at_any_moment(void) {
  nacos_auth *auth = client(1);
  nacos_queue *queue = new_queue();
  CHECK(has_token(auth));
  for (int i = 0; i < 200; i++) {
    end of = {0}, by_callback = {0};
    nacos_operation *one = start_reading(auth, queue, &of, 0), *other = start_reading(auth, NULL, &by_callback, 0);
    for (volatile int spin = 0; spin < i * 200; spin++) continue;
    nacos_operation_cancel(one);
    nacos_operation_cancel(other);
    nacos_operation_free(one);
    nacos_operation_free(other);
    take_all(queue, 1);
    CHECK(wait_for(&by_callback) == 1);
    CHECK(of.times == 1 && (of.http == 200 || of.status == NACOS_CANCELLED));
    CHECK(by_callback.http == 200 || by_callback.status == NACOS_CANCELLED);
  }
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* What a program keeps of an operation, and lets go of when that has ended. */
typedef struct {
  nacos_operation *operation;
  int was_known, has_ended;
} job;
static void lets_go(job *of) {
  pthread_mutex_lock(&lock);
  of->was_known = of->operation != NULL;
  nacos_operation_free(of->operation);
  of->operation = NULL; /* as if the job were freed here */
  of->has_ended = 1;
  pthread_mutex_unlock(&lock);
}
static void lets_go_in_callback(void *data, const nacos_completion *completion) {
  nacos_error_free(completion->error);
  lets_go(data);
}
static int has_ended(job *of) {
  pthread_mutex_lock(&lock);
  const int ended = of->has_ended;
  pthread_mutex_unlock(&lock);
  return ended;
}
static void *lets_go_of_what_is_taken(void *queue) {
  nacos_completion completion = nacos_completion_default();
  for (;;) {
    is_readable(queue, 1000);
    if (nacos_queue_next(queue, &completion, NULL) != NACOS_OK) continue;
    nacos_error_free(completion.error);
    if (completion.data == NULL) return NULL;
    lets_go(completion.data);
  }
}

/* The end may be told before the start has returned: the operation is known by then, and its place not touched again.
 */
static void told_of_before_the_start_returns(void) {
  enum { ROUNDS = 1000 };
  nacos_auth *auth = client(1);
  nacos_queue *queue = new_queue();
  nacos_cancel *at_once = nacos_cancel_new();
  pthread_t taker;
  CHECK(has_token(auth));
  nacos_cancel_trigger(at_once);
  CHECK(pthread_create(&taker, NULL, lets_go_of_what_is_taken, queue) == 0);
  nacos_request_options request = reading(0);
  request.cancel = at_once;
  int unknown = 0, touched = 0;
  for (int i = 0; i < ROUNDS; i++) {
    job one = {0};
    nacos_start_options start = to(i % 2 ? queue : NULL, &one);
    if (start.queue == NULL) start.on_complete = lets_go_in_callback;
    CHECK_CALL(NACOS_OK, NULL, nacos_request_start(auth, &request, &start, &one.operation, &error));
    const long until = now_ms() + SOON;
    while (!has_ended(&one) && now_ms() < until) usleep(100);
    unknown += !one.was_known;
    touched += one.operation != NULL;
  }
  CHECK(unknown == 0);
  CHECK(touched == 0);
  const nacos_start_options last = to(queue, NULL);
  CHECK_CALL(NACOS_OK, NULL, nacos_request_start(auth, &request, &last, NULL, &error));
  pthread_join(taker, NULL);
  nacos_cancel_free(at_once);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* The end of a handle, and of a queue */

static void closed(void) {
  for (int frees = 0; frees < 2; frees++) {
    nacos_auth *auth = client(1);
    nacos_queue *queue = new_queue();
    end ends[6];
    memset(ends, 0, sizeof(ends));
    CHECK(has_token(auth));
    hang("request");
    const long requests = counted("requests");
    for (int i = 0; i < 6; i++) nacos_operation_free(start_reading(auth, i % 2 ? queue : NULL, &ends[i], 600000));
    wait_until_counted("requests", requests + 6);
    if (!frees) CHECK_CALL(NACOS_OK, NULL, nacos_auth_close(auth, SOON, &error));
    nacos_auth_free(auth);
    /* All have been told by now. */
    for (int i = 0; i < 6; i += 2) CHECK(times(&ends[i]) == 1);
    CHECK(take(queue) && take(queue) && take(queue) && !take(queue));
    for (int i = 0; i < 6; i++) CHECK(ends[i].times == 1 && ends[i].status == NACOS_CLOSED);
    no_faults();
    nacos_queue_free(queue);
  }
}

/* Just started: whatever the close meets. */
static void closed_at_any_moment(void) {
  for (int i = 0; i < 40; i++) {
    nacos_auth *auth = client(1);
    nacos_queue *queue = new_queue();
    end of[4], by_callback[4];
    memset(of, 0, sizeof(of));
    memset(by_callback, 0, sizeof(by_callback));
    for (int j = 0; j < 4; j++) {
      nacos_operation_free(start_reading(auth, queue, &of[j], 0));
      nacos_operation_free(start_reading(auth, NULL, &by_callback[j], 0));
    }
    for (volatile int spin = 0; spin < i * 5000; spin++) continue;
    nacos_auth_free(auth);
    take_all(queue, 4);
    for (int j = 0; j < 4; j++) {
      CHECK(of[j].times == 1 && (of[j].http == 200 || of[j].status == NACOS_CLOSED));
      CHECK(times(&by_callback[j]) == 1 && (by_callback[j].http == 200 || by_callback[j].status == NACOS_CLOSED));
    }
    nacos_queue_free(queue);
  }
}

static void few_operations(nacos_auth_options *options) { options->max_operations = 4; }
static void freed_queue(void) {
  nacos_auth *auth = client_with(few_operations);
  nacos_queue *queue = new_queue(), *other = new_queue();
  nacos_operation *operations[4];
  end ends[5];
  memset(ends, 0, sizeof(ends));
  CHECK(has_token(auth));
  /* Two have ended and wait, two are under way. */
  for (int i = 0; i < 2; i++) operations[i] = start_reading(auth, queue, &ends[i], 0);
  CHECK(is_readable(queue, SOON));
  hang("request");
  for (int i = 2; i < 4; i++) operations[i] = start_reading(auth, queue, &ends[i], 600000);
  nacos_queue_free(queue);
  for (int i = 0; i < 4; i++) {
    nacos_operation_cancel(operations[i]);
    nacos_operation_free(operations[i]);
  }
  no_faults();
  /* Their places are free soon. */
  const nacos_request_options request = reading(0);
  const nacos_start_options start = to(other, &ends[4]);
  nacos_status status = NACOS_WOULD_BLOCK;
  for (const long until = now_ms() + SOON; status == NACOS_WOULD_BLOCK && now_ms() < until; pause_ms(1))
    status = nacos_request_start(auth, &request, &start, NULL, NULL);
  CHECK(status == NACOS_OK);
  take_all(other, 1);
  CHECK(ends[4].http == 200);
  for (int i = 0; i < 4; i++) CHECK(ends[i].times == 0);
  nacos_queue_free(other);
  nacos_auth_free(auth);
}

/* No more than max_operations, and each counts until it has been taken */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static void waits_at_the_gate(void *data, const nacos_completion *completion) {
  (void)data;
  note(completion);
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
}
static void back_pressure(void) {
  nacos_auth *auth = client_with(few_operations);
  nacos_queue *queue = new_queue();
  end ends[5], by_callback[5];
  memset(ends, 0, sizeof(ends));
  memset(by_callback, 0, sizeof(by_callback));
  nacos_request_options request = reading(0);
  nacos_start_options start = to(queue, &ends[4]);
  for (int round = 0; round < 3; round++) {
    nacos_operation *operation = NULL;
    nacos_error *refused = NULL;
    for (int i = 0; i < 4; i++) nacos_operation_free(start_reading(auth, queue, &ends[i], 0));
    for (const long until = now_ms() + SOON; now_ms() < until && !is_readable(queue, 100);) continue;
    pause_ms(50);
    CHECK(nacos_request_start(auth, &request, &start, &operation, &refused) == NACOS_WOULD_BLOCK);
    CHECK(strcmp(nacos_error_cause(refused), NACOS_CAUSE_TOO_MANY_OPERATIONS) == 0);
    CHECK(nacos_error_was_sent(refused) == NACOS_SENT_NO && operation == NULL);
    CHECK(strstr(nacos_error_message(refused), "max_operations") != NULL);
    nacos_error_free(refused);
    CHECK(nacos_token_start(auth, NULL, &start, NULL, NULL) == NACOS_WOULD_BLOCK);
    /* Calls that block do not count. */
    CHECK(is_served(auth, "GET"));
    CHECK(take(queue));
    CHECK_CALL(NACOS_OK, NULL, nacos_request_start(auth, &request, &start, NULL, &error));
    take_all(queue, 4);
    for (int i = 0; i < 5; i++) CHECK(ends[i].times == round + 1 && ends[i].http == 200);
  }
  /* In its callback too. */
  pthread_mutex_lock(&gate);
  for (int i = 0; i < 4; i++) {
    start = to(NULL, &by_callback[i]);
    start.on_complete = waits_at_the_gate;
    nacos_operation_free(start_with(auth, &request, &start));
  }
  CHECK(wait_for(&by_callback[0]) == 1);
  CHECK(nacos_request_start(auth, &request, &start, NULL, NULL) == NACOS_WOULD_BLOCK);
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < 4; i++) CHECK(wait_for(&by_callback[i]) == 1);
  start.data = &by_callback[4];
  nacos_status status = NACOS_WOULD_BLOCK;
  for (const long until = now_ms() + SOON; status == NACOS_WOULD_BLOCK && now_ms() < until; pause_ms(1))
    status = nacos_request_start(auth, &request, &start, NULL, NULL);
  CHECK(status == NACOS_OK && wait_for(&by_callback[4]) == 1);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* Callbacks */

static struct {
  pthread_t caller, thread;
  int count, inside, at_once, on_the_caller, on_others, unblocked;
} watched;
static void watches(void *data, const nacos_completion *completion) {
  const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGPROF, SIGALRM, SIGPIPE};
  sigset_t mask;
  (void)data;
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  pthread_mutex_lock(&lock);
  if (watched.inside++ > 0) watched.at_once++;
  if (watched.count++ == 0) watched.thread = pthread_self();
  if (pthread_equal(pthread_self(), watched.caller)) watched.on_the_caller++;
  if (!pthread_equal(pthread_self(), watched.thread)) watched.on_others++;
  for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
    if (!sigismember(&mask, signals[i])) watched.unblocked++;
  pthread_mutex_unlock(&lock);
  pause_ms(1);
  pthread_mutex_lock(&lock);
  watched.inside--;
  pthread_mutex_unlock(&lock);
  note(completion);
}
static void callbacks(void) {
  nacos_auth *auth = client(1);
  end ends[40];
  memset(ends, 0, sizeof(ends));
  watched.caller = pthread_self();
  const nacos_request_options request = reading(0);
  for (int i = 0; i < 40; i++) {
    nacos_start_options start = to(NULL, &ends[i]);
    start.on_complete = watches;
    nacos_operation_free(start_with(auth, &request, &start));
  }
  for (int i = 0; i < 40; i++) CHECK(wait_for(&ends[i]) == 1 && ends[i].http == 200);
  CHECK(watched.count == 40 && watched.at_once == 0 && watched.on_the_caller == 0 && watched.on_others == 0);
  CHECK(watched.unblocked == 0);
  nacos_auth_free(auth);
}

/* One that does not return keeps its own handle's waiting, and nobody else's; nor its handle's queue. */
static void a_callback_that_blocks(void) {
  nacos_auth *auth = client(1), *other = client(2);
  nacos_queue *queue = new_queue();
  end held = {0}, next = {0}, others = {0}, queued = {0};
  nacos_request_options request = reading(0);
  nacos_start_options start = to(NULL, &held);
  pthread_mutex_lock(&gate);
  start.on_complete = waits_at_the_gate;
  nacos_operation_free(start_with(auth, &request, &start));
  CHECK(wait_for(&held) == 1);
  nacos_operation_free(start_reading(auth, NULL, &next, 0));
  nacos_operation_free(start_reading(other, NULL, &others, 0));
  nacos_operation_free(start_reading(auth, queue, &queued, 0));
  CHECK(wait_for(&others) == 1 && others.http == 200);
  take_all(queue, 1);
  CHECK(queued.http == 200 && is_served(auth, "GET"));
  CHECK(times(&next) == 0);
  /* Nor for ever who closes it. */
  const long began = now_ms();
  CHECK_CALL(NACOS_TIMEOUT, "", nacos_auth_close(auth, 100, &error));
  CHECK(now_ms() - began < 10000);
  pthread_mutex_unlock(&gate);
  CHECK(wait_for(&next) == 1);
  nacos_auth_free(auth);
  nacos_auth_free(other);
  nacos_queue_free(queue);
}

/* What a callback may do. */
static struct {
  nacos_auth *auth;
  nacos_queue *queue;
  int left, frees;
  end last, in_queue, by_call;
} chain;
static void goes_on(void *data, const nacos_completion *completion) {
  const nacos_request_options request = reading(0);
  nacos_start_options start = to(NULL, data);
  note(completion);
  start.on_complete = goes_on;
  if (chain.left-- > 0) {
    CHECK_CALL(NACOS_OK, NULL, nacos_request_start(chain.auth, &request, &start, NULL, &error));
    return;
  }
  /* A call that blocks, one to a queue, and the end of the handle. */
  CHECK(is_served(chain.auth, "GET"));
  nacos_operation_free(start_reading(chain.auth, chain.queue, &chain.in_queue, 0));
  CHECK(is_readable(chain.queue, SOON));
  nacos_operation_free(start_reading(chain.auth, NULL, &chain.by_call, 600000));
  const long began = now_ms();
  if (!chain.frees) nacos_auth_close(chain.auth, UINT32_MAX, NULL);
  nacos_auth_free(chain.auth);
  CHECK(now_ms() - began < 10000);
  pthread_mutex_lock(&lock);
  chain.last.times++;
  pthread_mutex_unlock(&lock);
}
static void in_callbacks(void) {
  for (int frees = 0; frees < 2; frees++) {
    end of = {0};
    memset(&chain, 0, sizeof(chain));
    chain.auth = client(1);
    chain.queue = new_queue();
    chain.left = 50;
    chain.frees = frees;
    nacos_request_options request = reading(0);
    nacos_start_options start = to(NULL, &of);
    start.on_complete = goes_on;
    nacos_operation_free(start_with(chain.auth, &request, &start));
    CHECK(wait_for(&chain.last) == 1 && times(&of) == 51 && of.http == 200);
    take_all(chain.queue, 1);
    CHECK(chain.in_queue.times == 1 && chain.in_queue.http == 200);
    CHECK(wait_for(&chain.by_call) == 1);
    nacos_queue_free(chain.queue);
  }
}

/* The descriptor of a queue */

static void descriptor(void) {
  nacos_auth *auth = client(1), *second = client(2);
  nacos_queue *queue = new_queue(), *other = new_queue();
  end ends[12];
  memset(ends, 0, sizeof(ends));
  CHECK(has_token(auth) && has_token(second));
  CHECK(!is_readable(queue, 0) && !take(queue));
  const int fd = nacos_queue_fd(queue), edges = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event wanted = {EPOLLIN | EPOLLET, {NULL}}, seen;
  CHECK(epoll_ctl(edges, EPOLL_CTL_ADD, fd, &wanted) == 0);
  for (int round = 0; round < 3; round++) {
    /* Of several handles; and what goes to one queue does not show at another. */
    for (int i = 0; i < 3; i++) nacos_operation_free(start_reading(i % 2 ? second : auth, queue, &ends[i], 0));
    nacos_operation_free(start_reading(auth, other, &ends[3], 0));
    /* The edge, once; after all have been taken there is another one. */
    CHECK(epoll_wait(edges, &seen, 1, SOON) == 1);
    int got = 0;
    for (const long until = now_ms() + SOON; got < 3 && now_ms() < until;) {
      while (take(queue)) got++;
      if (got < 3) epoll_wait(edges, &seen, 1, 1000);
    }
    CHECK(got == 3 && !is_readable(queue, 0));
    while (epoll_wait(edges, &seen, 1, 0) == 1) continue;
    CHECK(epoll_wait(edges, &seen, 1, 20) == 0);
    take_all(other, 1);
    /* As long as one waits. */
    for (int i = 0; i < 3; i++) nacos_operation_free(start_reading(auth, queue, &ends[i], 0));
    for (int i = 0; i < 3; i++) {
      CHECK(is_readable(queue, SOON) && is_readable(queue, 0));
      CHECK(take(queue));
    }
    CHECK(!is_readable(queue, 0));
    while (epoll_wait(edges, &seen, 1, 0) == 1) continue;
  }
  for (int i = 0; i < 3; i++) CHECK(ends[i].times == 6 && ends[i].http == 200);
  CHECK(ends[3].times == 3 && nacos_queue_fd(queue) == fd);
  close(edges);
  nacos_queue_free(queue);
  nacos_queue_free(other);
  nacos_auth_free(auth);
  nacos_auth_free(second);
}

/* Several threads start, several take: each is taken once. */
enum { THREADS = 4, EACH = 50 };
static struct {
  nacos_auth *auth;
  nacos_queue *queue;
  end ends[THREADS * EACH];
  int taken;
} crowd;
static void *starts(void *ends) {
  for (int i = 0; i < EACH; i++) {
    nacos_operation *operation = start_reading(crowd.auth, crowd.queue, (end *)ends + i, 0);
    if (i % 5 == 0) nacos_operation_cancel(operation);
    nacos_operation_free(operation);
  }
  return NULL;
}
static void *takes(void *unused) {
  for (const long until = now_ms() + 2L * SOON; now_ms() < until;) {
    is_readable(crowd.queue, 20);
    while (take(crowd.queue)) __atomic_add_fetch(&crowd.taken, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&crowd.taken, __ATOMIC_SEQ_CST) >= THREADS * EACH) break;
  }
  return unused;
}
static void many_threads(void) {
  pthread_t threads[2 * THREADS];
  crowd.auth = client(1);
  crowd.queue = new_queue();
  for (size_t i = 0; i < THREADS; i++) {
    pthread_create(&threads[2 * i], NULL, starts, &crowd.ends[i * EACH]);
    pthread_create(&threads[2 * i + 1], NULL, takes, NULL);
  }
  for (int i = 0; i < 2 * THREADS; i++) pthread_join(threads[i], NULL);
  CHECK(crowd.taken == THREADS * EACH && !is_readable(crowd.queue, 50));
  for (int i = 0; i < THREADS * EACH; i++) {
    const end *of = &crowd.ends[i];
    CHECK(of->times == 1 && (of->http == 200 || (i % 5 == 0 && of->status == NACOS_CANCELLED)));
  }
  nacos_queue_free(crowd.queue);
  nacos_auth_free(crowd.auth);
}

/* What an operation needs is its own */

static char *copied(const char *text) {
  char *copy = (char *)malloc(strlen(text) + 1);
  strcpy(copy, text);
  return copy;
}
static void gone(char *text) {
  memset(text, '#', strlen(text));
  free(text);
}
static void owned(void) {
  enum { SIZE = 1 << 20 };
  nacos_auth *auth = client(1);
  nacos_queue *queue = new_queue();
  end published = {0}, read = {0};
  CHECK(has_token(auth));
  /* Slow, so that nothing has been sent when the start returns. */
  control("POST", "/faults", "{\"on\":\"request\",\"kind\":\"delay\",\"delay_ms\":200,\"times\":2}");
  char *method = copied("POST"), *path = copied("/v1/cs/configs"), *name = copied("Content-Type");
  char *type = copied("application/x-www-form-urlencoded"), *key = copied("dataId"), *id = copied("owned");
  char *body = (char *)malloc(SIZE);
  memset(body, 'b', SIZE);
  memcpy(body, "group=DEFAULT_GROUP&content=", 28);
  nacos_pair *header = (nacos_pair *)malloc(sizeof(*header)), *query = (nacos_pair *)malloc(sizeof(*query));
  *header = (nacos_pair)NACOS_PAIR(name, type);
  *query = (nacos_pair)NACOS_PAIR(key, id);
  nacos_request_options *request = (nacos_request_options *)malloc(sizeof(*request));
  nacos_start_options *start = (nacos_start_options *)malloc(sizeof(*start));
  nacos_cancel *signal = nacos_cancel_new();
  *request = nacos_request_options_default();
  *start = to(queue, &published);
  request->method = method;
  request->path = path;
  request->headers = header;
  request->query = query;
  request->header_count = request->query_count = 1;
  request->body = (const uint8_t *)body;
  request->body_len = SIZE;
  request->cancel = signal;
  nacos_operation_free(start_with(auth, request, start));
  char *const strings[] = {method, path, name, type, key, id};
  for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) gone(strings[i]);
  memset(body, '#', SIZE);
  memset(header, 0xff, sizeof(*header));
  memset(query, 0xff, sizeof(*query));
  memset(request, 0xff, sizeof(*request));
  memset(start, 0xff, sizeof(*start));
  free(body), free(header), free(query), free(request), free(start);
  nacos_cancel_free(signal);
  take_all(queue, 1);
  CHECK(published.status == NACOS_OK && published.http == 200 && strcmp(published.text, "true") == 0);
  nacos_request_options reads = reading(0);
  const nacos_start_options reading_it = to(queue, &read);
  reads.path = "/v1/cs/configs?dataId=owned&group=DEFAULT_GROUP";
  nacos_operation_free(start_with(auth, &reads, &reading_it));
  take_all(queue, 1);
  CHECK(read.http == 200 && strlen(read.text) == 2000 && strspn(read.text, "b") == 2000);
  no_faults();
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* With the calls that block they share the connections */

static void few_connections(nacos_auth_options *options) { options->max_connections = 2; }
static void connections(void) {
  nacos_auth *auth = client_with(few_connections);
  nacos_queue *queue = new_queue();
  nacos_operation *held[2];
  end ends[4];
  memset(ends, 0, sizeof(ends));
  CHECK(has_token(auth));
  hang("request");
  const long requests = counted("requests");
  for (int i = 0; i < 2; i++) held[i] = start_reading(auth, queue, &ends[i], 600000);
  wait_until_counted("requests", requests + 2);
  nacos_request_options request = reading(200);
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  CHECK(nacos_request(auth, &request, &response, &error) == NACOS_TIMEOUT);
  CHECK(strcmp(nacos_error_cause(error), NACOS_CAUSE_POOL_TIMEOUT) == 0);
  nacos_error_free(error);
  nacos_operation_free(start_reading(auth, queue, &ends[2], 200));
  request.flags = NACOS_FLAG_NO_WAIT;
  nacos_start_options start = to(queue, &ends[3]);
  nacos_operation_free(start_with(auth, &request, &start));
  take_all(queue, 2);
  CHECK(ends[2].status == NACOS_TIMEOUT && strcmp(ends[2].cause, NACOS_CAUSE_POOL_TIMEOUT) == 0 && !ends[2].sent);
  CHECK(ends[3].status == NACOS_WOULD_BLOCK && !ends[3].sent);
  no_faults();
  /* One that waits gets the connection of one that ends, in whatever way. */
  nacos_operation_free(start_reading(auth, queue, &ends[2], 600000));
  CHECK(!is_readable(queue, 50));
  nacos_operation_cancel(held[0]);
  take_all(queue, 2);
  CHECK(ends[0].status == NACOS_CANCELLED && ends[2].http == 200 && is_served(auth, "GET"));
  nacos_operation_cancel(held[1]);
  take_all(queue, 1);
  for (int i = 0; i < 2; i++) nacos_operation_free(held[i]);
  CHECK(ends[0].times == 1 && ends[1].times == 1 && ends[2].times == 2 && ends[3].times == 1);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* Long polls, which others do not wait for. */
static void long_polls(void) {
  nacos_auth *auth = client(1);
  nacos_queue *polls = new_queue(), *queue = new_queue();
  end polled[MOST], read = {0};
  memset(polled, 0, sizeof(polled));
  CHECK(has_token(auth));
  const nacos_pair header = NACOS_PAIR("Long-Pulling-Timeout", "60000");
  const nacos_pair form = NACOS_PAIR("Listening-Configs",
                                     "polled\x02"
                                     "DEFAULT_GROUP\x02\x01");
  nacos_request_options request = nacos_request_options_default();
  request.method = "POST";
  request.path = "/v1/cs/configs/listener";
  request.headers = &header;
  request.form = &form;
  request.header_count = request.form_count = 1;
  const long requests = counted("requests");
  for (int i = 0; i < MOST; i++) {
    const nacos_start_options start = to(polls, &polled[i]);
    nacos_operation_free(start_with(auth, &request, &start));
  }
  wait_until_counted("requests", requests + MOST);
  for (int i = 0; i < 20; i++) {
    nacos_operation_free(start_reading(auth, queue, &read, 0));
    take_all(queue, 1);
    CHECK(is_served(auth, "GET"));
  }
  CHECK(read.times == 20 && read.http == 200 && !is_readable(polls, 0));
  control("POST", "/publish", "{\"data_id\":\"polled\",\"content\":\"now\"}");
  take_all(polls, MOST);
  for (int i = 0; i < MOST; i++)
    CHECK(polled[i].times == 1 && polled[i].http == 200 && strstr(polled[i].text, "polled") != NULL);
  nacos_queue_free(polls);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

/* Nobody is asked whether to go on: no thread of the caller's waits. */
static int asked;
static int32_t gives_up(void *data) {
  (void)data;
  __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
  return 0;
}
static void impatient(nacos_auth_options *options) { options->keep_waiting = gives_up; }
static void is_not_asked(void) {
  nacos_auth *auth = client_with(impatient);
  nacos_queue *queue = new_queue();
  end of = {0};
  control("POST", "/faults", "{\"on\":\"request\",\"kind\":\"delay\",\"delay_ms\":300,\"times\":1}");
  nacos_operation_free(start_reading(auth, queue, &of, 0));
  take_all(queue, 1);
  CHECK(of.http == 200 && __atomic_load_n(&asked, __ATOMIC_SEQ_CST) == 0);
  no_faults();
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  no_faults();
  answered();
  what_comes_is_the_callers();
  replayed();
  unreachable();
  deadlines();
  no_login();
  cancelled();
  cancelled_at_any_moment();
  told_of_before_the_start_returns();
  closed();
  closed_at_any_moment();
  freed_queue();
  back_pressure();
  callbacks();
  a_callback_that_blocks();
  in_callbacks();
  descriptor();
  many_threads();
  owned();
  connections();
  long_polls();
  is_not_asked();
  return finish();
}
