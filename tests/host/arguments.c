/* Kind: arguments that would change how a message is framed, or where it goes, are refused as arguments; nothing is
 * sent. */
#include "host.h"

static struct server server;
static nacos_auth *auth;

static void begin(void) {
  server = serve("login=ok", NULL);
  auth = open_at(server.address);
  must_serve(auth);
}
static long sent(void) { return ask(&server, "get") + ask(&server, "post"); }

static struct outcome with_header(const char *method, const char *name, const char *value) {
  const nacos_pair header = NACOS_PAIR(name, value);
  nacos_request_options options = nacos_request_options_default();
  options.method = method;
  options.path = "/v1/cs/configs";
  options.headers = &header;
  options.header_count = 1;
  if (strcmp(method, "GET") != 0) {
    options.body = (const uint8_t *)"0123456789";
    options.body_len = 10;
  }
  options.timeout_ms = 3000;
  return request_with(auth, &options);
}

TEST(headers_of_the_frame_are_refused, 30) {
  static const char *const headers[][2] = {{"Content-Length", "3"},
                                           {"Content-Length", "10"},
                                           {"content-length", "0"},
                                           {"CONTENT-LENGTH", "+10"},
                                           {"Transfer-Encoding", "chunked"},
                                           {"transfer-encoding", "identity"},
                                           {"Host", "elsewhere.example"},
                                           {"hOST", "127.0.0.1"},
                                           {"Connection", "close"},
                                           {"Connection", "keep-alive"},
                                           {"connection", "Authorization"},
                                           {"Upgrade", "h2c"},
                                           {"Expect", "100-continue"},
                                           {"TE", "trailers"},
                                           {"te", "gzip"},
                                           {"Trailer", "X-Sum"},
                                           {"Keep-Alive", "timeout=1"},
                                           {"Proxy-Connection", "keep-alive"},
                                           {"Proxy-Authorization", "Basic eDp5"},
                                           {"Proxy-Authenticate", "Basic"},
                                           {"HTTP2-Settings", "AAMAAABkAAQAAP__"}};
  begin();
  const long before = sent();
  for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
    for (int k = 0; k < 2; k++) {
      const struct outcome o = with_header(k ? "POST" : "GET", headers[i][0], headers[i][1]);
      if (o.status != NACOS_INVALID_ARGUMENT) FAIL("%s: %s is taken: %s", headers[i][0], headers[i][1], said(&o));
      if (strcasestr(o.text, headers[i][0]) == NULL)
        FAIL("%s: the error does not name it: %s", headers[i][0], said(&o));
    }
  if (sent() != before) FAIL("%ld requests were sent", sent() - before);
}
TEST(headers_that_are_none_are_refused, 30) {
  static const char *const headers[][2] = {{"X-One\r\nX-Two", "1"},  {"X-One", "1\r\nX-Two: 2"},
                                           {"X-One", "1\nX-Two: 2"}, {"X One", "1"},
                                           {"X-One:", "1"},          {"", "1"},
                                           {"X-One", "1\r"},         {" X-One", "1"},
                                           {"X-One ", "1"}};
  begin();
  const long before = sent();
  for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
    const struct outcome o = with_header("POST", headers[i][0], headers[i][1]);
    if (o.status != NACOS_INVALID_ARGUMENT) FAIL("header %zu is taken: %s", i, said(&o));
  }
  if (sent() != before) FAIL("%ld requests were sent", sent() - before);
}
TEST(other_headers_are_sent, 30) {
  static const char *const headers[][2] = {{"X-Trace", "a: b, c"},        {"Accept", "text/plain"},
                                           {"Content-Type", "text/json"}, {"If-None-Match", "\"1\""},
                                           {"exx-Host", "of mine"},       {"X-Connection", "close"}};
  begin();
  for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
    char line[100];
    const struct outcome o = with_header("POST", headers[i][0], headers[i][1]);
    snprintf(line, sizeof(line), "%s: %s", headers[i][0], headers[i][1]);
    if (o.http != 200 || strcasestr(ask_text(&server, "head"), line) == NULL)
      FAIL("%s is not sent: %s", line, said(&o));
  }
}

static struct outcome at(const char *path) {
  nacos_request_options options = nacos_request_options_default();
  options.path = path;
  options.timeout_ms = 3000;
  return request_with(auth, &options);
}
TEST(dot_segments_are_refused, 30) {
  static const char *const paths[] = {"/v1/../../x",
                                      "/../x",
                                      "/..",
                                      "/v1/..",
                                      "/v1/.",
                                      "/./v1/x",
                                      "/v1/./x",
                                      "/v1/%2e%2e/x",
                                      "/v1/%2E%2E/x",
                                      "/v1/.%2e/x",
                                      "/v1/.%2E/x",
                                      "/v1/%2e./x",
                                      "/v1/%2e/x",
                                      "/v1/%2E",
                                      "/v1\\..\\x",
                                      "/v1/..\\x",
                                      "\\..\\x",
                                      "/v1/..%5cx",
                                      "/v1/%5c..%5cx",
                                      "/v1%5C..%5Cx",
                                      "/v1/..%2fx",
                                      "/v1%2f..%2Fx",
                                      "/v1/..;/x",
                                      "/v1/..;a=b/x",
                                      "/v1/%2e%2e;/x",
                                      "/v1/.;/x",
                                      "/v1/..?a=b",
                                      "/v1/%2e%2e?a=/b",
                                      "/v1/x/../../../admin"};
  begin();
  const long before = sent();
  for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
    const struct outcome o = at(paths[i]);
    if (o.status != NACOS_INVALID_ARGUMENT)
      FAIL("%s is taken, and sent as %s: %s", paths[i], ask_text(&server, "target"), said(&o));
  }
  if (sent() != before) FAIL("%ld requests were sent", sent() - before);
}
TEST(dots_that_are_no_segments_are_sent, 30) {
  static const char *const paths[] = {"/v1/a..b",  "/v1/..a",        "/v1/a..",          "/v1/.hidden", "/v1/...",
                                      "/v1/x.y/z", "/v1/x?p=../../", "/v1/x?p=%2e%2e/a", "/v1/1.0/x"};
  begin();
  for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
    char expected[100];
    const struct outcome o = at(paths[i]);
    snprintf(expected, sizeof(expected), "/nacos%s", paths[i]);
    if (o.http != 200) FAIL("%s: %s", paths[i], said(&o));
    if (strcmp(ask_text(&server, "target"), expected) != 0)
      FAIL("%s is sent as %s", paths[i], ask_text(&server, "target"));
  }
}
TEST(paths_that_break_the_line_are_refused, 30) {
  static const char *const paths[] = {"/v1/x y",
                                      "/v1/x\r\nX-One: 1",
                                      "/v1/x HTTP/1.1\r\n\r\n",
                                      "/v1/x\n",
                                      "/v1/\x01",
                                      "/v1/x#part",
                                      "//elsewhere.example/x",
                                      "http://elsewhere.example/x",
                                      "@elsewhere.example/x"};
  begin();
  for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
    const long before = sent();
    const struct outcome o = at(paths[i]);
    if (o.status == NACOS_INVALID_ARGUMENT) continue;
    /* Or encoded, or below the context path. */
    const char *target = ask_text(&server, "target");
    if (o.status != NACOS_OK || sent() != before + 1 || strncmp(target, "/nacos", 6) != 0 ||
        strpbrk(target, " \r\n#") != NULL)
      FAIL("%s is taken, and sent as %s: %s", paths[i], target, said(&o));
  }
}
TEST(methods_that_break_the_line_are_refused, 30) {
  static const char *const methods[] = {"GET /x HTTP/1.1\r\n", "G ET", "", "GET\n"};
  begin();
  const long before = sent();
  for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
    nacos_request_options options = nacos_request_options_default();
    options.method = methods[i];
    options.path = "/v1/x";
    options.timeout_ms = 2000;
    const struct outcome o = request_with(auth, &options);
    if (o.status != NACOS_INVALID_ARGUMENT) FAIL("the method \"%s\" is taken: %s", methods[i], said(&o));
  }
  if (sent() != before) FAIL("%ld requests were sent", sent() - before);
}
