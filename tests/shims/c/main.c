/* The conformance shim of C: one JSON object a line in, one out. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

static outcome answer(const char *text) {
  const char *end = NULL;
  /* A C string ends at its first NUL; better refused than cut. */
  if (strstr(text, "\\u0000") != NULL) return shim_failure("a NUL is not for C");
  cJSON *line = cJSON_ParseWithOpts(text, &end, 1);
  const char *complaint = line == NULL ? "not JSON" : complaint_about(line);
  const outcome done = complaint != NULL ? shim_failure("%s", complaint) : perform(line);
  cJSON_Delete(line);
  return done;
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  setlocale(LC_CTYPE, "C.UTF-8"); /* for the check of UTF-8 */
  while (getline(&line, &room, stdin) != -1) {
    const outcome done = answer(line);
    char *text = cJSON_PrintUnformatted(done.answer);
    puts(text);
    fflush(stdout);
    cJSON_free(text);
    cJSON_Delete(done.answer);
  }
  free(line);
  return 0;
}
