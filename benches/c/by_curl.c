/* What a C programmer would write with libcurl: an easy handle for each thread, kept alive, or a multi handle with an
 * easy handle for each request in flight. docs/performance.md says why each setting is as it is; where a choice was
 * open, it is the one that makes libcurl faster. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine.h"
#include "measure.h"

typedef struct {
  CURL *curl;
  struct curl_slist *headers;
  const target *to;
  char *body; /* of the answer, kept as nacos_request does */
  size_t length, room;
} handle;

static size_t take(char *bytes, size_t size, size_t count, void *into) {
  handle *self = into;
  const size_t n = size * count;
  if (self->body == NULL) { /* the answer tells its length: memory is taken once */
    curl_off_t whole = -1;
    curl_easy_getinfo(self->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole);
    self->room = whole > 0 ? (size_t)whole : n;
    self->body = malloc(self->room);
    if (self->body == NULL) abort();
  }
  if (self->room - self->length < n) abort(); /* every answer here has a length */
  memcpy(self->body + self->length, bytes, n);
  self->length += n;
  return n;
}

static void begin(handle *self) {
  char url[256];
  snprintf(url, sizeof(url), "%s://%s/nacos%s?" QUERY, self->to->scheme, self->to->address, path_of(self->to->job));
  curl_easy_setopt(self->curl, CURLOPT_URL, url);
  self->body = NULL;
  self->length = self->room = 0;
}

static void end(handle *self, CURLcode result) {
  long status = 0;
  if (result != CURLE_OK) {
    fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(result));
    exit(1);
  }
  curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200 || self->length == 0) abort();
  if (self->to->job == DOWNLOAD && self->length != BODY_BYTES) abort();
  free(self->body);
}

static void call(void *state) {
  handle *self = state;
  begin(self);
  end(self, curl_easy_perform(self->curl));
}

static void *open_handle(const engine *engine, const target *to) {
  handle *self = calloc(1, sizeof(*self));
  char bearer[1024];
  if (self == NULL) abort();
  snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", to->token);
  self->to = to;
  self->headers = curl_slist_append(NULL, bearer);
  self->curl = curl_easy_init();
  curl_easy_setopt(self->curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(self->curl, CURLOPT_TIMEOUT_MS, 15000L);
  curl_easy_setopt(self->curl, CURLOPT_PROXY, ""); /* none, and the environment is not searched for one */
  curl_easy_setopt(self->curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(self->curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(self->curl, CURLOPT_WRITEDATA, self);
  if (to->ca_file != NULL) curl_easy_setopt(self->curl, CURLOPT_CAINFO, to->ca_file);
  if (engine->extra != NULL) {
    curl_easy_setopt(self->curl, CURLOPT_BUFFERSIZE, *(const long *)engine->extra);
    curl_easy_setopt(self->curl, CURLOPT_UPLOAD_BUFFERSIZE, *(const long *)engine->extra);
  }
  if (to->job == UPLOAD) {
    self->headers = curl_slist_append(self->headers, "Expect:"); /* no pause for a 100 Continue */
    self->headers = curl_slist_append(self->headers, "Content-Type: application/octet-stream");
    curl_easy_setopt(self->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(self->curl, CURLOPT_POSTFIELDS, upload_bytes()); /* borrowed, not copied */
    curl_easy_setopt(self->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)BODY_BYTES);
  }
  curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, self->headers);
  return self;
}

static void close_handle(void *state) {
  handle *self = state;
  curl_easy_cleanup(self->curl);
  curl_slist_free_all(self->headers);
  free(self);
}

static long large_buffer = 512 << 10; /* the default is 16 KiB down, 64 KiB up */
const engine libcurl = {"libcurl", open_handle, call, close_handle, NULL, NULL};
const engine libcurl_large_buffers = {"libcurl, 512 KiB buffers", open_handle, call, close_handle, &large_buffer, NULL};

/* A multi handle on epoll, the way that libcurl names for many connections. */
typedef struct {
  CURLM *multi;
  handle **handles;
  int epoll, count, under_way;
  long timeout_ms; /* until libcurl wants to be called without an event; -1: it does not */
  long done;
} loop;

static int watch(CURL *curl, curl_socket_t fd, int what, void *data, void *known) {
  loop *self = data;
  struct epoll_event event = {.data.fd = fd};
  (void)curl;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, fd, NULL);
    curl_multi_assign(self->multi, fd, NULL);
    return 0;
  }
  event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
  if (epoll_ctl(self->epoll, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) abort();
  curl_multi_assign(self->multi, fd, self);
  return 0;
}

static int set_timeout(CURLM *multi, long ms, void *data) {
  (void)multi;
  ((loop *)data)->timeout_ms = ms;
  return 0;
}

static void add(loop *self, handle *request) {
  begin(request);
  curl_multi_add_handle(self->multi, request->curl);
  self->under_way++;
}

static long run(void *state, double until) {
  loop *self = state;
  struct epoll_event events[256];
  int running, left;
  self->done = 0;
  for (int i = 0; i < self->count; i++) add(self, self->handles[i]);
  while (self->under_way > 0) {
    const int n = epoll_wait(self->epoll, events, 256, (int)self->timeout_ms);
    if (n == 0 || self->timeout_ms == 0) curl_multi_socket_action(self->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    for (int i = 0; i < n; i++) {
      const int ready = (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                        (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0);
      curl_multi_socket_action(self->multi, events[i].data.fd, ready, &running);
    }
    const int goes_on = seconds_now() < until;
    for (CURLMsg *message; (message = curl_multi_info_read(self->multi, &left)) != NULL;) {
      handle *request;
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode result = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
      curl_multi_remove_handle(self->multi, request->curl);
      end(request, result);
      self->under_way--;
      self->done++;
      if (goes_on) add(self, request);
    }
  }
  return self->done;
}

static void *open_loop(const engine *engine, const target *to) {
  loop *self = calloc(1, sizeof(*self));
  if (self == NULL || (self->handles = calloc((size_t)to->in_flight, sizeof(handle *))) == NULL) abort();
  self->count = to->in_flight;
  self->timeout_ms = -1;
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  self->multi = curl_multi_init();
  curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, watch);
  curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
  curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, set_timeout);
  curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
  curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, (long)to->in_flight);
  for (int i = 0; i < self->count; i++) {
    self->handles[i] = open_handle(engine, to);
    curl_easy_setopt(self->handles[i]->curl, CURLOPT_PRIVATE, self->handles[i]);
  }
  return self;
}

static void close_loop(void *state) {
  loop *self = state;
  for (int i = 0; i < self->count; i++) close_handle(self->handles[i]);
  curl_multi_cleanup(self->multi);
  close(self->epoll);
  free(self->handles);
  free(self);
}

const engine libcurl_multi = {"libcurl multi", open_loop, NULL, close_loop, NULL, run};
