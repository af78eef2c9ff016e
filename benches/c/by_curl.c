/* What a C programmer would write with libcurl: an easy handle for each thread, kept alive. docs/performance.md says
 * why each setting is as it is; where a choice was open, it is the one that makes libcurl faster. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

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

static void call(void *state) {
  handle *self = state;
  char url[256];
  long status = 0;
  snprintf(url, sizeof(url), "%s://%s/nacos%s?" QUERY, self->to->scheme, self->to->address, path_of(self->to->job));
  curl_easy_setopt(self->curl, CURLOPT_URL, url);
  self->body = NULL;
  self->length = self->room = 0;
  const CURLcode result = curl_easy_perform(self->curl);
  if (result != CURLE_OK) {
    fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(result));
    exit(1);
  }
  curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200 || self->length == 0) abort();
  if (self->to->job == DOWNLOAD && self->length != BODY_BYTES) abort();
  free(self->body);
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
const engine libcurl = {"libcurl", open_handle, call, close_handle, NULL};
const engine libcurl_large_buffers = {"libcurl, 512 KiB buffers", open_handle, call, close_handle, &large_buffer};
