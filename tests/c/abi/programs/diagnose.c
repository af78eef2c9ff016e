/* The examination, as a C program asks for it. NACOS_SERVER_ADDR is a server with nacos/nacos, and poor/poor without
 * rights. */
#include "check.h"
#include "devserver.h"

/* The finding with `cause`, or NULL. */
static const nacos_finding *find(const nacos_diagnosis *diagnosis, const char *cause) {
  static nacos_finding finding;
  for (size_t i = 0; i < nacos_diagnosis_count(diagnosis); i++) {
    finding = nacos_finding_default();
    CHECK_CALL(NACOS_OK, NULL, nacos_diagnosis_finding(diagnosis, i, &finding, &error));
    if (strcmp(finding.cause, cause) == 0) return &finding;
  }
  return NULL;
}

static nacos_auth_options options_of(const char *user, const char *password) {
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = address_in("NACOS_SERVER_ADDR");
  options.username = user;
  options.password = password;
  return options;
}

static void all_is_well(void) {
  nacos_diagnosis *diagnosis = NULL;
  const nacos_auth_options options = options_of("nacos", "nacos");
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, NULL, &diagnosis, &error));
  CHECK(nacos_diagnosis_severity(diagnosis) == NACOS_SEVERITY_OK);
  const nacos_finding *finding = find(diagnosis, NACOS_CAUSE_HEALTHY);
  CHECK(finding != NULL && finding->severity == NACOS_SEVERITY_OK);
  CHECK(strcmp(finding->server, options.server_addr) == 0);
  CHECK(strstr(nacos_diagnosis_text(diagnosis), "all is well") != NULL);
  CHECK(strncmp(nacos_diagnosis_json(diagnosis), "{\"", 2) == 0);
  nacos_diagnosis_free(diagnosis);
}

static void what_is_wrong_has_its_name(void) {
  nacos_diagnosis *diagnosis = NULL;
  nacos_auth_options options = options_of("nacos", "a-wrong-password");
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, NULL, &diagnosis, &error));
  const nacos_finding *finding = find(diagnosis, NACOS_CAUSE_WRONG_CREDENTIALS);
  CHECK(finding != NULL && finding->severity == NACOS_SEVERITY_ERROR);
  CHECK(strcmp(nacos_severity_name(finding->severity), "ERROR") == 0);
  CHECK(strstr(finding->seen, "user not found!") != NULL && strlen(finding->means) > 10 && strlen(finding->cure) > 5);
  CHECK(strstr(nacos_diagnosis_text(diagnosis), "a-wrong-password") == NULL);
  nacos_diagnosis_free(diagnosis);

  nacos_diagnose_options diagnose = nacos_diagnose_options_default();
  diagnose.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  options = options_of("poor", "poor");
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, &diagnose, &diagnosis, &error));
  CHECK(find(diagnosis, NACOS_CAUSE_PERMISSION_MISSING) != NULL);
  nacos_diagnosis_free(diagnosis);

  diagnose.method = "DELETE";
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, &diagnose, &diagnosis, &error));
  CHECK(find(diagnosis, NACOS_CAUSE_NOT_TRIED) != NULL && find(diagnosis, NACOS_CAUSE_PERMISSION_MISSING) == NULL);
  nacos_diagnosis_free(diagnosis);
  diagnose.flags = NACOS_DIAGNOSE_SEND_WRITES;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, &diagnose, &diagnosis, &error));
  CHECK(find(diagnosis, NACOS_CAUSE_PERMISSION_MISSING) != NULL);
  nacos_diagnosis_free(diagnosis);

  diagnose = nacos_diagnose_options_default();
  diagnose.token = "not-a-token";
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, &diagnose, &diagnosis, &error));
  CHECK(find(diagnosis, NACOS_CAUSE_TOKEN_FOREIGN) != NULL);
  CHECK(strstr(nacos_diagnosis_json(diagnosis), "not-a-token") == NULL);
  nacos_diagnosis_free(diagnosis);
}

static int asked, dropped;
static void supply(void *data, nacos_credentials *credentials) {
  (void)data;
  asked++;
  CHECK_CALL(NACOS_OK, NULL, nacos_credentials_set_password(credentials, "nacos", "nacos", &error));
}
static void drop(void *data) {
  (void)data;
  dropped++;
}

static void a_credentials_function_is_called_here_and_stays_the_callers(void) {
  nacos_diagnosis *diagnosis = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = address_in("NACOS_SERVER_ADDR");
  options.credentials = supply;
  options.callback_drop = drop;
  CHECK_CALL(NACOS_OK, NULL, nacos_auth_diagnose(&options, NULL, &diagnosis, &error));
  CHECK(nacos_diagnosis_severity(diagnosis) == NACOS_SEVERITY_OK);
  CHECK(asked == 1 && dropped == 0);
  nacos_diagnosis_free(diagnosis);
}

static void it_can_be_ended(void) {
  nacos_diagnosis *diagnosis = NULL;
  const nacos_auth_options options = options_of("nacos", "nacos");
  nacos_diagnose_options diagnose = nacos_diagnose_options_default();
  diagnose.cancel = nacos_cancel_new();
  nacos_cancel_trigger(diagnose.cancel);
  CHECK_CALL(NACOS_CANCELLED, "cancelled", nacos_auth_diagnose(&options, &diagnose, &diagnosis, &error));
  CHECK(diagnosis == NULL);
  nacos_cancel_free(diagnose.cancel);
}

int main(void) {
  all_is_well();
  what_is_wrong_has_its_name();
  a_credentials_function_is_called_here_and_stays_the_callers();
  it_can_be_ended();
  return finish();
}
