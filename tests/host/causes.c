/* Kind: why something failed. Errors, events and records of the log name the same cause, the server, and whether a
   request may have been carried out; what the message advises is the cure. */
#include "host.h"

static struct server server;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char event_cause[64], event_server[64], record_cause[64], record_server[64], record_message[400];
static int records;

static void on_event(void *data, const nacos_event *event) {
  (void)data;
  if (event->kind != NACOS_EVENT_LOGIN_FAILED) return;
  pthread_mutex_lock(&lock);
  snprintf(event_cause, sizeof(event_cause), "%s", event->cause);
  snprintf(event_server, sizeof(event_server), "%s", event->server);
  pthread_mutex_unlock(&lock);
}
static void on_log(void *data, const nacos_log_record *record) {
  (void)data;
  if (record->struct_size != sizeof(*record) || record->reserved0 != 0) FAIL("a record of %zu", record->struct_size);
  if (record->level < NACOS_LOG_ERROR || record->level > NACOS_LOG_INFO) FAIL("level %d", (int)record->level);
  if (strchr(record->message, '\n') != NULL || strlen(record->message) < 10) FAIL("the line: %s", record->message);
  pthread_mutex_lock(&lock);
  records++;
  snprintf(record_cause, sizeof(record_cause), "%s", record->cause);
  snprintf(record_server, sizeof(record_server), "%s", record->server);
  snprintf(record_message, sizeof(record_message), "%s", record->message);
  pthread_mutex_unlock(&lock);
}

/* A request that fails for want of a token: its error, and what was told. */
static void fails(nacos_auth_options options, const char *what, const char *cause, const char *at) {
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  nacos_request_options request = nacos_request_options_default();
  options.event = on_event;
  options.log = on_log;
  options.anonymous = NACOS_ANONYMOUS_NEVER;
  nacos_auth *auth = open_with(&options);
  request.path = "/v1/cs/configs";
  request.timeout_ms = 4000;
  const nacos_status status = nacos_request(auth, &request, &response, &error);
  if (status == NACOS_OK) FAIL("%s: answered with %d", what, nacos_response_status(response));
  const char *message = nacos_error_message(error);
  if (strcmp(nacos_error_cause(error), cause) != 0)
    FAIL("%s: the cause is %s: %s", what, nacos_error_cause(error), message);
  if (at != NULL && strcmp(nacos_error_server(error), at) != 0)
    FAIL("%s: the server is \"%s\": %s", what, nacos_error_server(error), message);
  if (nacos_error_was_sent(error) != NACOS_SENT_NO) FAIL("%s: was it sent? %s", what, message);
  nacos_auth_free(auth); /* all is told */
  if (strcmp(event_cause, cause) != 0) FAIL("%s: the event's cause is %s", what, event_cause);
  if (strcmp(record_cause, cause) != 0) FAIL("%s: the record's cause is %s: %s", what, record_cause, record_message);
  if (at != NULL && (strcmp(event_server, at) != 0 || strcmp(record_server, at) != 0))
    FAIL("%s: the event is about \"%s\", the record about \"%s\"", what, event_server, record_server);
  nacos_error_free(error);
}
static void answered(const char *setting, const char *cause) {
  server = serve(setting, NULL);
  fails(options_for(server.address), setting, cause, server.address);
}

TEST(connection_refused, 30) {
  fails(options_for(closed_port()), "nobody listens", NACOS_CAUSE_CONNECTION_REFUSED, closed_port());
}
TEST(name_unknown, 30) {
  fails(options_for("nowhere.invalid"), "no such name", NACOS_CAUSE_NAME_UNKNOWN, "nowhere.invalid:8848");
}
TEST(wrong_password, 30) { answered("password=other", NACOS_CAUSE_WRONG_CREDENTIALS); }
TEST(no_nacos, 30) { answered("login=status:200:<html>Welcome to nginx!</html>", NACOS_CAUSE_NOT_NACOS); }
TEST(throttled, 30) { answered("login=status:429:slow down", NACOS_CAUSE_THROTTLED); }
TEST(a_gateway, 30) { answered("login=status:502:<html>Bad Gateway</html>", NACOS_CAUSE_GATEWAY); }
TEST(a_gateway_that_refuses, 30) { answered("login=status:403:<html>Forbidden</html>", NACOS_CAUSE_GATEWAY_REFUSAL); }
TEST(a_server_that_fails_over_the_password, 30) {
  answered("login=status:500:{\"status\":500,\"error\":\"Internal Server Error\",\"message\":\"caused: unknown\"}",
           NACOS_CAUSE_LOGIN_FAULT);
}
TEST(no_login_there, 30) { answered("login=status:404:<html>Not Found</html>", NACOS_CAUSE_WRONG_CONTEXT_PATH); }
TEST(login_switched_off, 30) {
  answered("login=status:410:{\"code\":410,\"message\":\"switched off\"}", NACOS_CAUSE_LOGIN_SWITCHED_OFF);
}
TEST(the_console_port_of_a_nacos_3, 30) {
  answered("login=status:500:{\"code\":30000,\"message\":\"No static resource nacos/v1/auth/login.\"}",
           NACOS_CAUSE_CONSOLE_PORT);
}
TEST(tls_to_an_http_port, 30) {
  server = serve("login=ok", NULL);
  fails(options_for(server.url), "https to http", NACOS_CAUSE_TLS_TO_HTTP_PORT, server.name);
}
TEST(http_to_a_tls_port, 30) {
  answered("login=status:400:The plain HTTP request was sent to HTTPS port", NACOS_CAUSE_HTTP_TO_TLS_PORT);
}
TEST(an_untrusted_certificate, 30) {
  server = serve("tls=other-server", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  fails(options, "another authority", NACOS_CAUSE_UNTRUSTED_CERTIFICATE, server.name);
}
TEST(an_expired_certificate, 30) {
  server = serve("tls=self-expired", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("self-expired.pem");
  fails(options, "expired", NACOS_CAUSE_EXPIRED_CERTIFICATE, server.name);
}
TEST(a_missing_client_certificate, 30) {
  server = serve("tls=server", "clients=ca", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  fails(options, "no client certificate", NACOS_CAUSE_CLIENT_CERTIFICATE, server.name);
}
/* A certificate for another name; tls_server_name is the cure. */
TEST(a_certificate_for_another_name, 30) {
  server = serve("tls=wrong-name", NULL);
  nacos_auth_options options = options_for(server.url);
  options.ca_file = certificate("ca.pem");
  fails(options, "another name", NACOS_CAUSE_CERTIFICATE_NAME, server.name);
  options.tls_server_name = "elsewhere.example";
  must_answer(open_with(&options), "with tls_server_name");
  options.tls_server_name = "another.example";
  fails(options, "with another tls_server_name", NACOS_CAUSE_CERTIFICATE_NAME, server.name);
}
TEST(a_proxy_that_is_not_there, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.proxy = "http://127.0.0.1:1";
  fails(options, "the proxy", NACOS_CAUSE_PROXY_FAILED, NULL);
}
static void supply_nothing(void *data, nacos_credentials *credentials) {
  (void)data;
  if (nacos_credentials_set_failure(credentials, "the vault is sealed", NULL) != NACOS_OK) FAIL("set-up: a failure");
}
TEST(a_credentials_callback_that_fails, 30) {
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = closed_port();
  options.credentials = supply_nothing;
  fails(options, "the callback", NACOS_CAUSE_CREDENTIALS_CALLBACK, "");
}
/* What a request may have done. */

static void request_fails(const char *what, const char *method, const char *cause, int32_t was_sent) {
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  nacos_request_options request = nacos_request_options_default();
  nacos_auth *auth = open_at(server.address);
  const struct outcome o = token(auth, 5000);
  if (o.status != NACOS_OK) FAIL("set-up: %s", said(&o));
  if (strcmp(what, "gone") == 0) stop(&server);
  request.method = method;
  request.path = "/v1/cs/configs";
  request.timeout_ms = 700;
  if (nacos_request(auth, &request, &response, &error) == NACOS_OK) FAIL("%s: answered", what);
  if (strcmp(nacos_error_cause(error), cause) != 0 || nacos_error_was_sent(error) != was_sent)
    FAIL("%s: %s, sent %d: %s", what, nacos_error_cause(error), (int)nacos_error_was_sent(error),
         nacos_error_message(error));
  if (strcmp(nacos_error_server(error), server.address) != 0) FAIL("%s: at %s", what, nacos_error_server(error));
  nacos_error_free(error);
}
TEST(a_request_that_nobody_answers, 30) {
  server = serve("post=hang", NULL);
  request_fails("hung", "POST", NACOS_CAUSE_NO_ANSWER, NACOS_SENT_PERHAPS);
}
TEST(a_request_whose_connection_breaks, 30) {
  server = serve("post=reset", NULL);
  request_fails("reset", "POST", NACOS_CAUSE_CONNECTION_BROKEN, NACOS_SENT_PERHAPS);
}
TEST(a_request_to_a_server_that_is_gone, 30) {
  server = serve("after=close", NULL);
  request_fails("gone", "POST", NACOS_CAUSE_CONNECTION_REFUSED, NACOS_SENT_NO);
}
TEST(an_answer_that_cannot_be_decoded, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = open_at(server.address);
  must_serve(auth);
  tell(&server, "coding=damaged");
  nacos_response *response = NULL;
  nacos_error *error = NULL;
  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs";
  if (nacos_request(auth, &request, &response, &error) == NACOS_OK) FAIL("answered");
  if (strcmp(nacos_error_cause(error), NACOS_CAUSE_ANSWER_DAMAGED) != 0)
    FAIL("%s: %s", nacos_error_cause(error), nacos_error_message(error));
  nacos_error_free(error);
}
/* What goes well has no cause. */
TEST(no_trouble_no_cause, 30) {
  server = serve("login=ok", NULL);
  nacos_auth_options options = options_for(server.address);
  options.log = on_log;
  nacos_auth *auth = open_with(&options);
  must_serve(auth);
  nacos_auth_free(auth);
  if (records != 1 || record_cause[0] != '\0')
    FAIL("%d records, cause \"%s\": %s", records, record_cause, record_message);
}
