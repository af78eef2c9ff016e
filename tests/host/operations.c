/* Kind: operations, for which no thread waits, and a fork while some are out: they are the parent's, and are told of
   there alone. A child has the objects, an empty queue, and operations of its own. */
#include "host.h"

static nacos_auth *auth;
static nacos_queue *queue;
static struct server server;
static int in_child;

enum { QUEUED = 10, OUT = 15 };
static struct ending endings[OUT];
static nacos_operation *operations[OUT];

static void called(void *data, const nacos_completion *completion) {
  if (GET_FLAG(in_child)) FAIL("an operation of the parent is told of in the child");
  ending_callback(data, completion);
}
static void begin(const char *setting) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  queue = open_queue();
  must_serve(auth);
  tell(&server, setting);
}
static void put_out(uint32_t timeout_ms) {
  nacos_request_options request = nacos_request_options_default();
  nacos_start_options start = nacos_start_options_default();
  memset(endings, 0, sizeof(endings));
  request.path = "/v1/cs/configs";
  request.timeout_ms = timeout_ms;
  for (int i = 0; i < OUT; i++) {
    start.data = &endings[i];
    start.queue = i < QUEUED ? queue : NULL;
    start.on_complete = i < QUEUED ? NULL : called;
    if (nacos_request_start(auth, &request, &start, &operations[i], NULL) != NACOS_OK) FAIL("set-up: no operation");
  }
}
/* Each once. */
static void must_all_be_told(nacos_status expected, const char *what) {
  int told = 0;
  for (const long end = now_ms() + 30000; told < OUT && now_ms() < end;) {
    if (is_readable(queue, 20)) (void)take_endings(queue);
    told = 0;
    for (int i = 0; i < OUT; i++) told += GET_FLAG(endings[i].times) > 0;
  }
  sleep_ms(20);
  if (is_readable(queue, 0)) FAIL("%s: something is left in the queue", what);
  for (int i = 0; i < OUT; i++)
    if (endings[i].times != 1 || endings[i].outcome.status != expected)
      FAIL("%s: operation %d, told of %d times: %s", what, i, endings[i].times, said(&endings[i].outcome));
}

/* What a child may find and do. */
static void live_in_a_child(int number, int descriptor) {
  static struct ending own[2];
  SET_FLAG(in_child);
  if (nacos_queue_fd(queue) < 0 || nacos_queue_fd(queue) == descriptor) FAIL("the queue of the parent's descriptor");
  if (is_readable(queue, 0) || take_endings(queue) != 0) FAIL("the queue is not empty in the child");
  for (int i = 0; i < OUT && number % 2; i++) nacos_operation_cancel(operations[i]);
  if (number % 3 == 0) {
    /* Its own, by both ways. */
    nacos_operation *one = start_read(auth, queue, &own[0], 20000), *other = start_read(auth, NULL, &own[1], 20000);
    if (!is_readable(queue, 25000) || take_endings(queue) != 1) FAIL("an operation of the child is not told of");
    if (!UNTIL(25000, GET_FLAG(own[1].times))) FAIL("a callback of the child is not called");
    if (own[0].outcome.http != 200 || own[1].outcome.http != 200) FAIL("in the child: %s", said(&own[0].outcome));
    nacos_operation_free(one);
    nacos_operation_free(other);
  }
  for (int i = 0; i < OUT; i++) nacos_operation_free(operations[i]);
  sleep_ms(100);
  if (is_readable(queue, 0)) FAIL("something comes to the queue of the child");
  if (number % 2) nacos_auth_free(auth);
  nacos_queue_free(queue);
  if (number % 2 == 0) nacos_auth_free(auth);
  for (int i = 0; i < OUT; i++)
    if (endings[i].times != 0) FAIL("an operation of the parent has ended in the child");
  _exit(0);
}
static void children(int count) {
  pid_t all[6];
  const int descriptor = nacos_queue_fd(queue);
  for (int i = 0; i < count; i++)
    if ((all[i] = fork()) == 0) live_in_a_child(i, descriptor);
  for (int i = 0; i < count; i++) child_must_end(all[i], 40000, "a child of a parent with operations out");
  if (nacos_queue_fd(queue) != descriptor) FAIL("the queue of the parent has another descriptor");
}
static void end(void) {
  for (int i = 0; i < OUT; i++) nacos_operation_free(operations[i]);
  must_serve(auth);
  nacos_queue_free(queue);
  nacos_auth_free(auth);
}

TEST(a_fork_with_operations_out, 80) {
  begin("get=delay:1");
  put_out(60000);
  children(6);
  must_all_be_told(NACOS_OK, "after the forks");
  end();
}
TEST(a_fork_with_completions_waiting, 80) {
  begin("login=ok");
  put_out(60000);
  if (!UNTIL(20000, ask(&server, "get") >= OUT)) FAIL("set-up: they are not all under way");
  if (!is_readable(queue, 20000)) FAIL("set-up: nothing has ended");
  for (int i = QUEUED; i < OUT; i++)
    if (!UNTIL(20000, GET_FLAG(endings[i].times))) FAIL("set-up: not all have ended");
  memset(&endings[QUEUED], 0, sizeof(*endings) * (OUT - QUEUED));
  const int descriptor = nacos_queue_fd(queue);
  const pid_t child = fork();
  if (child == 0) live_in_a_child(3, descriptor);
  child_must_end(child, 40000, "a child of a parent with completions in its queue");
  for (int i = QUEUED; i < OUT; i++) endings[i].times = 1;
  must_all_be_told(NACOS_OK, "after the fork");
  end();
}
/* The child's cancel and close are the child's; the parent's come after. */
TEST(a_fork_and_then_a_cancel, 80) {
  begin("get=hang");
  put_out(600000);
  const int descriptor = nacos_queue_fd(queue);
  const pid_t child = fork();
  if (child == 0) live_in_a_child(1, descriptor);
  child_must_end(child, 40000, "a child that cancels");
  if (is_readable(queue, 100)) FAIL("what a child does ends operations of the parent");
  for (int i = 0; i < OUT; i++) nacos_operation_cancel(operations[i]);
  must_all_be_told(NACOS_CANCELLED, "cancelled after the fork");
  tell(&server, "get=ok");
  end();
}
TEST(a_fork_and_then_a_close, 80) {
  begin("get=hang");
  put_out(600000);
  const int descriptor = nacos_queue_fd(queue);
  const pid_t child = fork();
  if (child == 0) live_in_a_child(1, descriptor);
  child_must_end(child, 40000, "a child that frees the handle");
  for (int i = 0; i < OUT; i++) nacos_operation_free(operations[i]);
  nacos_auth_free(auth);
  must_all_be_told(NACOS_CLOSED, "freed after the fork");
  nacos_queue_free(queue);
}

/* Threads start, cancel and take all the time. */
static int stopping;
static void *at_work(void *unused) {
  nacos_queue *own = open_queue();
  while (!GET_FLAG(stopping)) {
    struct ending all[8];
    memset(all, 0, sizeof(all));
    for (int i = 0; i < 8; i++) {
      nacos_operation *operation = start_read(auth, own, &all[i], 30000);
      if (i % 4 == 3) nacos_operation_cancel(operation);
      nacos_operation_free(operation);
    }
    for (int got = 0; got < 8;) {
      if (!is_readable(own, 40000)) FAIL("an operation of the parent is not told of");
      got += take_endings(own);
    }
    for (int i = 0; i < 8; i++)
      if (all[i].times != 1 || (all[i].outcome.http != 200 && all[i].outcome.status != NACOS_CANCELLED))
        FAIL("in the parent, told of %d times: %s", all[i].times, said(&all[i].outcome));
  }
  nacos_queue_free(own);
  return unused;
}
TEST(forks_of_a_parent_with_threads, 120) {
  pthread_t all[4];
  begin("login=ok");
  for (int i = 0; i < 4; i++) all[i] = start_thread(at_work, NULL);
  for (int i = 0; i < rounds(40, 1000); i++) {
    const int descriptor = nacos_queue_fd(queue);
    memset(operations, 0, sizeof(operations));
    const pid_t child = fork();
    if (child == 0) live_in_a_child(i, descriptor);
    child_must_end(child, 40000, "a child of a parent with threads");
  }
  SET_FLAG(stopping);
  for (int i = 0; i < 4; i++) pthread_join(all[i], NULL);
  end();
}

/* In a completion's callback. */
static pid_t forked;
static void forks(void *data, const nacos_completion *completion) {
  note_ending(completion);
  (void)data;
  const pid_t child = fork();
  if (child == 0) {
    must_serve(auth);
    const struct outcome o = operate(auth, 10000);
    if (o.http != 200) FAIL("an operation of a child, forked in a callback: %s", said(&o));
    nacos_auth_free(auth);
    _exit(0);
  }
  __atomic_store_n(&forked, child, __ATOMIC_SEQ_CST);
}
TEST(a_fork_in_a_completion_callback, 60) {
  begin("login=ok");
  nacos_start_options start = nacos_start_options_default();
  start.data = &endings[0];
  start.on_complete = forks;
  if (nacos_token_start(auth, NULL, &start, NULL, NULL) != NACOS_OK) FAIL("set-up: no operation");
  if (!UNTIL(10000, GET_FLAG(forked))) FAIL("set-up: no fork");
  child_must_end(GET_FLAG(forked), 20000, "fork in a completion callback");
  end();
}

/* A process that does nothing but fork: each generation has its own. */
TEST(children_of_children, 60) {
  begin("login=ok");
  for (int depth = 0; depth < 4; depth++) {
    const struct outcome o = operate(auth, 10000);
    if (o.http != 200) FAIL("generation %d: %s", depth, said(&o));
    static struct ending one;
    memset(&one, 0, sizeof(one));
    nacos_operation_free(start_read(auth, queue, &one, 20000));
    const pid_t child = fork();
    if (child == 0) {
      if (depth == 3) _exit(0);
      continue;
    }
    if (!is_readable(queue, 25000) || take_endings(queue) != 1 || one.outcome.http != 200)
      FAIL("generation %d: %s", depth, said(&one.outcome));
    child_must_end(child, 40000, "a child of a child");
    nacos_auth_free(auth);
    nacos_queue_free(queue);
    if (depth > 0) _exit(0);
    return;
  }
}
