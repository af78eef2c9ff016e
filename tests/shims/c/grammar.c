/* What a line may say. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shim.h"

/* Each operation with its fields, those behind the bar may be left out. */
static const struct {
  const char *op, *fields;
} grammar[] = {
    {"hello", " | "},
    {"init",
     " auth server_addr | username password context_path carriage connect_timeout_ms request_timeout_ms ca_file "
     "client_cert_file client_key_file proxy "},
    {"get_token", " auth | timeout_ms reveal "},
    {"request", " auth method path | query headers form body body_base64 timeout_ms "},
    {"report_rejected", " auth generation http_status body | "},
    {"set_credentials", " auth username password | "},
    {"stats", " auth | "},
    {"parallel", " threads each do | "},
    {"loop", " duration_ms interval_ms do | "},
    {"close", " auth | "},
    {"free", " auth | "},
};
static const char numbers[] =
    " connect_timeout_ms request_timeout_ms timeout_ms generation http_status threads each duration_ms interval_ms ";
static const char lists[] = " query headers form ";

static _Thread_local char complaint[256];

static int is_among(const char *words, const char *word) {
  char wanted[64];
  snprintf(wanted, sizeof(wanted), " %s ", word);
  return strstr(words, wanted) != NULL;
}

static int is_list_of_pairs(const cJSON *value) {
  const cJSON *pair;
  if (!cJSON_IsArray(value)) return 0;
  cJSON_ArrayForEach(pair, value) {
    if (!cJSON_IsArray(pair) || cJSON_GetArraySize(pair) != 2 || !cJSON_IsString(cJSON_GetArrayItem(pair, 0)) ||
        !cJSON_IsString(cJSON_GetArrayItem(pair, 1)))
      return 0;
  }
  return 1;
}

static int fits(const cJSON *value, const char *field) {
  if (is_among(numbers, field))
    return cJSON_IsNumber(value) && value->valuedouble >= 0 && floor(value->valuedouble) == value->valuedouble;
  if (is_among(lists, field)) return is_list_of_pairs(value);
  if (strcmp(field, "reveal") == 0) return cJSON_IsBool(value);
  if (strcmp(field, "do") == 0) return cJSON_IsObject(value);
  return cJSON_IsString(value);
}

static const char *complain(const char *format, const char *op, const char *field) {
  snprintf(complaint, sizeof(complaint), format, op, field);
  return complaint;
}

const char *complaint_about(const cJSON *line) {
  if (!cJSON_IsObject(line)) return "a line must be one JSON object";
  const char *op = text_of(line, "op"), *fields = NULL;
  for (size_t i = 0; op != NULL && i < sizeof(grammar) / sizeof(grammar[0]); i++)
    if (strcmp(op, grammar[i].op) == 0) fields = grammar[i].fields;
  if (fields == NULL) return "unknown op";

  char required[256];
  snprintf(required, sizeof(required), "%.*s", (int)strcspn(fields, "|"), fields);
  for (char *rest = required, *field; (field = strtok_r(rest, " ", &rest)) != NULL;)
    if (!cJSON_HasObjectItem(line, field)) return complain("%s: field \"%s\" is missing", op, field);

  const cJSON *value;
  cJSON_ArrayForEach(value, line) {
    const char *field = value->string;
    if (strcmp(field, "op") == 0) continue;
    if (strlen(field) > 32 || !is_among(fields, field)) return complain("%s: unknown field \"%.40s\"", op, field);
    if (!fits(value, field)) return complain("%s: field \"%s\" has a wrong value", op, field);
  }
  return NULL;
}

const char *text_of(const cJSON *line, const char *field) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, field));
}

uint64_t number_of(const cJSON *line, const char *field) {
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(line, field);
  return value != NULL ? (uint64_t)value->valuedouble : 0;
}
