/* The caller's own functions: what they are told, what they may do, and that their data is let go of exactly once. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"

enum { KINDS = 8 };

/* What the callbacks of one handle saw. */
typedef struct {
  nacos_auth *auth;
  const char *username, *password, *token, *failure;
  int asked, events[KINDS], lines, secrets, broken, dropped, after_close, closed, wants_close;
  uint64_t generation;
  nacos_status status;
} seen;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void look(seen *self, const char *message) {
  if (self->closed) self->after_close++;
  if (strstr(message, "not the password") != NULL || strstr(message, "eyJ") != NULL) self->secrets++;
  if (strpbrk(message, "\r\n\033") != NULL) self->broken++;
}

static void on_event(void *data, const nacos_event *event) {
  seen *self = data;
  pthread_mutex_lock(&lock);
  look(self, event->message);
  if (event->struct_size >= sizeof(*event) && event->kind > 0 && event->kind < KINDS) self->events[event->kind]++;
  if (event->kind == NACOS_EVENT_TOKEN_REFRESHED) self->generation = event->generation;
  if (event->kind == NACOS_EVENT_LOGIN_FAILED) self->status = event->status;
  const int closes = self->wants_close && event->kind == NACOS_EVENT_TOKEN_REFRESHED;
  nacos_auth *auth = self->auth;
  pthread_mutex_unlock(&lock);
  if (closes) {
    /* A callback may call the library, also to wait for a login, and close its own handle. */
    char token[2048];
    CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(auth, "nacos", "nacos", &error));
    CHECK_CALL(NACOS_OK, NULL, nacos_get_token(auth, NULL, token, sizeof(token), NULL, &error));
    nacos_auth_close(auth, 0, NULL);
    pthread_mutex_lock(&lock);
    self->wants_close = 0;
    pthread_mutex_unlock(&lock);
  }
}

static void on_log(void *data, const nacos_log_record *record) {
  seen *self = data;
  pthread_mutex_lock(&lock);
  look(self, record->message);
  look(self, record->server);
  look(self, record->cause);
  if (record->struct_size >= sizeof(*record) && record->level >= NACOS_LOG_ERROR && record->level <= NACOS_LOG_DEBUG)
    self->lines++;
  pthread_mutex_unlock(&lock);
}

static void supply(void *data, nacos_credentials *credentials) {
  seen *self = data;
  pthread_mutex_lock(&lock);
  self->asked++;
  if (self->password != NULL) {
    CHECK_CALL(NACOS_NULL_ARGUMENT, "password",
               nacos_credentials_set_password(credentials, self->username, NULL, &error));
    CHECK_CALL(NACOS_OK, NULL, nacos_credentials_set_password(credentials, self->username, self->password, &error));
  }
  if (self->token != NULL) CHECK_CALL(NACOS_OK, NULL, nacos_credentials_set_token(credentials, self->token, 0, &error));
  if (self->failure != NULL)
    CHECK_CALL(NACOS_OK, NULL, nacos_credentials_set_failure(credentials, self->failure, &error));
  pthread_mutex_unlock(&lock);
}

static void on_drop(void *data) {
  pthread_mutex_lock(&lock);
  ((seen *)data)->dropped++;
  pthread_mutex_unlock(&lock);
}

/* Waits until `*number` has reached `least`, for 60 s at the most. */
static int reaches(const int *number, int least) {
  for (int turn = 0; turn < 6000; turn++) {
    pthread_mutex_lock(&lock);
    const int reached = *number >= least;
    pthread_mutex_unlock(&lock);
    if (reached) return 1;
    const struct timespec nap = {0, 10000000};
    nanosleep(&nap, NULL);
  }
  return 0;
}

static nacos_auth_options options_of(seen *self) {
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = getenv("NACOS_SERVER_ADDR");
  options.event = on_event;
  options.log = on_log;
  options.log_level = NACOS_LOG_DEBUG;
  options.callback_data = self;
  options.callback_drop = on_drop;
  return options;
}

static void open_with(seen *self, const nacos_auth_options *options) {
  nacos_auth *auth = NULL;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_init(options, &auth, &error));
  pthread_mutex_lock(&lock);
  self->auth = auth;
  pthread_mutex_unlock(&lock);
}

static nacos_status token_of(const seen *self) {
  char token[2048];
  return nacos_get_token(self->auth, NULL, token, sizeof(token), NULL, NULL);
}

static void end(seen *self) {
  nacos_auth_close(self->auth, 0, NULL);
  pthread_mutex_lock(&lock);
  self->closed = 1;
  pthread_mutex_unlock(&lock);
  nacos_auth_free(self->auth);
  CHECK(reaches(&self->dropped, 1));
  pthread_mutex_lock(&lock);
  CHECK(self->dropped == 1 && self->after_close == 0 && self->secrets == 0 && self->broken == 0);
  pthread_mutex_unlock(&lock);
}

static void events_and_lines(void) {
  seen self = {0};
  nacos_auth_options options = options_of(&self);
  options.username = "nacos";
  options.password = "nacos";
  open_with(&self, &options);
  CHECK(token_of(&self) == NACOS_OK);
  CHECK(reaches(&self.events[NACOS_EVENT_TOKEN_REFRESHED], 1) && reaches(&self.lines, 2));
  CHECK(self.events[NACOS_EVENT_LOGIN_STARTED] == 1 && self.generation != 0);
  nacos_rejection rejection = nacos_rejection_default();
  nacos_advice advice = nacos_advice_default();
  rejection.generation = self.generation;
  rejection.http_status = 403;
  rejection.body = (const uint8_t *)"token expired!";
  rejection.body_len = 14;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_report_rejected(self.auth, &rejection, &advice, &error));
  CHECK(reaches(&self.events[NACOS_EVENT_TOKEN_REJECTED], 1));
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_credentials(self.auth, "nacos", "not the password", &error));
  CHECK(token_of(&self) == NACOS_BAD_CREDENTIALS); /* the old token is refused */
  CHECK(reaches(&self.events[NACOS_EVENT_LOGIN_FAILED], 1) && self.status == NACOS_BAD_CREDENTIALS);
  end(&self);
}

static void closed_by_its_own_callback(void) {
  seen self = {.wants_close = 1};
  nacos_auth_options options = options_of(&self);
  options.username = "poor";
  options.password = "poor";
  open_with(&self, &options);
  (void)token_of(&self);
  for (int turn = 0; turn < 6000; turn++) {
    pthread_mutex_lock(&lock);
    const int done = !self.wants_close;
    pthread_mutex_unlock(&lock);
    if (done) break;
    const struct timespec nap = {0, 10000000};
    nanosleep(&nap, NULL);
  }
  CHECK(!self.wants_close && token_of(&self) == NACOS_CLOSED);
  end(&self);
}

static void supplied_credentials(void) {
  seen self = {.username = "nacos", .password = "nacos"};
  nacos_auth_options options = options_of(&self);
  options.credentials = supply;
  open_with(&self, &options);
  CHECK(token_of(&self) == NACOS_OK && self.asked == 1);
  end(&self);

  seen failing = {.failure = "the vault is sealed"};
  options = options_of(&failing);
  options.credentials = supply;
  open_with(&failing, &options);
  char token[2048];
  CHECK_CALL(NACOS_NO_CREDENTIALS, "the vault is sealed",
             nacos_get_token(failing.auth, NULL, token, sizeof(token), NULL, &error));
  end(&failing);

  /* What programs fail with may have several lines; a line of the log is one. */
  seen wordy = {.failure = "the vault\r\nis \033[1msealed\n"};
  options = options_of(&wordy);
  options.credentials = supply;
  open_with(&wordy, &options);
  CHECK_CALL(NACOS_NO_CREDENTIALS, "the vault\r\nis \033[1msealed\n",
             nacos_get_token(wordy.auth, NULL, token, sizeof(token), NULL, &error));
  end(&wordy);
  CHECK(wordy.events[NACOS_EVENT_LOGIN_FAILED] == 1 && wordy.lines >= 2);

  seen silent = {0};
  options = options_of(&silent);
  options.credentials = supply;
  open_with(&silent, &options);
  CHECK_CALL(NACOS_NO_CREDENTIALS, "nacos_credentials_set_",
             nacos_get_token(silent.auth, NULL, token, sizeof(token), NULL, &error));
  end(&silent);
}

static void supply_late(void *data, nacos_credentials *credentials) {
  const struct timespec nap = {1, 0};
  nanosleep(&nap, NULL);
  supply(data, credentials);
}

/* Who waits in vain for the program's own function is not told that a server has not answered. */
static void late_credentials(void) {
  seen self = {.username = "nacos", .password = "nacos"};
  nacos_auth_options options = options_of(&self);
  options.credentials = supply_late;
  open_with(&self, &options);
  char token[2048];
  nacos_call_options call = nacos_call_options_default();
  nacos_error *error = NULL;
  call.timeout_ms = 300;
  CHECK(nacos_get_token(self.auth, &call, token, sizeof(token), NULL, &error) == NACOS_TIMEOUT);
  CHECK(strcmp(nacos_error_cause(error), NACOS_CAUSE_CREDENTIALS_CALLBACK) == 0);
  CHECK(strstr(nacos_error_message(error), getenv("NACOS_SERVER_ADDR")) == NULL);
  nacos_error_free(error);
  CHECK(token_of(&self) == NACOS_OK && self.asked == 1);
  end(&self);
}

static void supplied_tokens(void) {
  char token[64];
  seen self = {.token = "theirs"};
  nacos_auth_options options = options_of(&self);
  options.credentials = supply;
  open_with(&self, &options);
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(self.auth, NULL, token, sizeof(token), NULL, &error));
  CHECK(strcmp(token, "theirs") == 0);
  end(&self);

  seen fixed = {0};
  options = options_of(&fixed);
  options.token = "fixed";
  open_with(&fixed, &options);
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(fixed.auth, NULL, token, sizeof(token), NULL, &error));
  CHECK(strcmp(token, "fixed") == 0);
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_set_token(fixed.auth, "another", 60000, &error));
  CHECK_CALL(NACOS_OK, NULL, nacos_get_token(fixed.auth, NULL, token, sizeof(token), NULL, &error));
  CHECK(strcmp(token, "another") == 0);
  CHECK_CALL(NACOS_INVALID_ARGUMENT, "token", nacos_auth_set_token(fixed.auth, "a b", 0, &error));
  CHECK_CALL(NACOS_NULL_ARGUMENT, "token", nacos_auth_set_token(fixed.auth, NULL, 0, &error));
  end(&fixed);
}

static void password_file(void) {
  char path[] = "/tmp/nacos-password-XXXXXX";
  const int file = mkstemp(path);
  FILE *stream = fdopen(file, "w");
  fputs("nacos\n", stream);
  fclose(stream);
  seen self = {0};
  nacos_auth_options options = options_of(&self);
  options.username = "nacos";
  options.password_file = path;
  open_with(&self, &options);
  CHECK(token_of(&self) == NACOS_OK);
  end(&self);
  remove(path);
  nacos_auth *auth = NULL;
  seen never = {0};
  options.callback_data = &never;
  CHECK_CALL(NACOS_INVALID_CONFIG, "password_file", nacos_auth_init(&options, &auth, &error));
  CHECK(auth == NULL && never.dropped == 0); /* the data stays the caller's */
}

static void one_source_only(void) {
  nacos_auth *auth = NULL;
  seen self = {0};
  nacos_auth_options options = options_of(&self);
  CHECK_CALL(NACOS_NULL_ARGUMENT, "options.username", nacos_auth_init(&options, &auth, &error));
  options.token = "t";
  options.password = "p";
  CHECK_CALL(NACOS_INVALID_CONFIG, "exclude each other", nacos_auth_init(&options, &auth, &error));
  options.password = NULL;
  options.username = "nacos";
  CHECK_CALL(NACOS_INVALID_CONFIG, "options.username", nacos_auth_init(&options, &auth, &error));
  options.username = NULL;
  options.log_level = 5;
  CHECK_CALL(NACOS_INVALID_CONFIG, "options.log_level", nacos_auth_init(&options, &auth, &error));
  options.log_level = 0;
  options.token = "a\r\nb";
  CHECK_CALL(NACOS_INVALID_CONFIG, "token", nacos_auth_init(&options, &auth, &error));
  CHECK(self.dropped == 0);
  CHECK_CALL(NACOS_NULL_ARGUMENT, "credentials", nacos_credentials_set_password(NULL, "a", "b", &error));
}

int main(void) {
  events_and_lines();
  closed_by_its_own_callback();
  supplied_credentials();
  late_credentials();
  supplied_tokens();
  password_file();
  one_source_only();
  return finish();
}
