/* What errors and responses tell, the names of numbers, and handles that are shared. Needs a development server, whose
 * address is in NACOS_SERVER_ADDR. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "client.h"

static void names(void) {
  CHECK(strcmp(nacos_event_name(NACOS_EVENT_CREDENTIALS_REJECTED), "CREDENTIALS_REJECTED") == 0);
  CHECK(strcmp(nacos_log_level_name(NACOS_LOG_WARN), "WARN") == 0);
  CHECK(strcmp(nacos_token_state_name(NACOS_TOKEN_FRESH), "FRESH") == 0);
  CHECK(strcmp(nacos_refresh_state_name(NACOS_REFRESH_CREDENTIALS_REJECTED), "CREDENTIALS_REJECTED") == 0);
  CHECK(strcmp(nacos_token_in_name(NACOS_TOKEN_IN_AUTHORIZATION), "AUTHORIZATION") == 0);
  CHECK(strcmp(nacos_advice_name(NACOS_ADVICE_REPLAY), "REPLAY") == 0);
  CHECK(strcmp(nacos_event_name(-1), "UNKNOWN") == 0 && strcmp(nacos_advice_name(99), "UNKNOWN") == 0);
  /* The library may be newer than the header that this was compiled with. */
  CHECK(nacos_auth_version_number() >= NACOS_AUTH_VERSION_NUMBER);
}

/* Nobody listens at port 1. */
static void an_error_tells_why_and_where(void) {
  nacos_auth *auth = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = "127.0.0.1:1";
  options.username = "nacos";
  options.password = "nacos";
  options.request_timeout_ms = 500;
  CHECK(nacos_auth_init(&options, &auth, NULL) == NACOS_OK);
  nacos_error *error = NULL;
  char token[2048];
  CHECK(nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error) == NACOS_CONNECT);
  CHECK(strcmp(nacos_error_cause(error), NACOS_CAUSE_CONNECTION_REFUSED) == 0);
  CHECK(strcmp(nacos_error_server(error), "127.0.0.1:1") == 0);
  CHECK(nacos_error_was_sent(error) == NACOS_SENT_NO && nacos_error_is_retryable(error) == 1);
  nacos_error_free(error);
  CHECK(strcmp(nacos_error_cause(NULL), "") == 0 && strcmp(nacos_error_server(NULL), "") == 0);
  CHECK(nacos_error_was_sent(NULL) == NACOS_SENT_NO);
  nacos_auth_free(auth);
}

static void a_response_tells_who_gave_it(nacos_auth *auth) {
  static const nacos_pair query[] = {NACOS_PAIR("dataId", "demo"), NACOS_PAIR("group", "DEFAULT_GROUP")};
  nacos_request_options request = nacos_request_options_default();
  request.path = "/v1/cs/configs";
  request.query = query;
  request.query_count = 2;
  nacos_response *response = NULL;
  CHECK_CALL(NACOS_OK, NULL, nacos_request(auth, &request, &response, &error));
  CHECK(strcmp(nacos_response_server(response), address_in("NACOS_SERVER_ADDR")) == 0);
  CHECK(nacos_response_attempts(response) == 1 && nacos_response_is_truncated(response) == 0);
  nacos_response_free(response);
  CHECK(strcmp(nacos_response_server(NULL), "") == 0 && nacos_response_attempts(NULL) == 0);
  CHECK(nacos_response_is_truncated(NULL) == 0);
}

/* The flag goes over the handle's own deadline: nothing is waited for, whatever there is to wait for. */
static void a_call_that_must_not_wait_does_not(void) {
  nacos_auth *auth = client(3);
  nacos_call_options options = nacos_call_options_default();
  options.flags = NACOS_FLAG_NO_WAIT;
  char token[2048];
  const long began = now_ms();
  CHECK_CALL(NACOS_WOULD_BLOCK, "not to wait", nacos_get_token(auth, &options, token, sizeof(token), NULL, &error));
  CHECK(now_ms() - began < 1000);
  nacos_status status = NACOS_WOULD_BLOCK;
  for (int i = 0; i < 600 && status == NACOS_WOULD_BLOCK; i++) {
    pause_ms(100);
    status = nacos_get_token(auth, &options, token, sizeof(token), NULL, NULL);
  }
  CHECK(status == NACOS_OK); /* the login went on by itself */
  nacos_auth_free(auth);
}

static void a_handle_lives_as_long_as_its_last_owner(void) {
  nacos_auth *auth = client(1);
  CHECK(nacos_auth_ref(auth) == auth && nacos_auth_ref(NULL) == NULL);
  nacos_auth_free(auth);
  CHECK(has_token(auth)); /* the other owner's */
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_retry(auth, &error));
  a_response_tells_who_gave_it(auth);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_close(auth, 0, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_close(NULL, 0, &error));
  nacos_auth_free(auth);
}

int main(void) {
  names();
  an_error_tells_why_and_where();
  a_call_that_must_not_wait_does_not();
  a_handle_lives_as_long_as_its_last_owner();
  return finish();
}
