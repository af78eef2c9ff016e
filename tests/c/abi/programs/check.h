/* The little that these tests need of a framework. */
#ifndef CHECK_H
#define CHECK_H

#include <nacos_auth.h>
#include <stdio.h>
#include <string.h>

static int checks, failures;

/* Any thread checks. */
#define ADD_ONE(number) ((void)__atomic_add_fetch(&(number), 1, __ATOMIC_RELAXED))

#define CHECK(condition)                                             \
  do {                                                               \
    ADD_ONE(checks);                                                 \
    if (!(condition)) {                                              \
      ADD_ONE(failures);                                             \
      printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                \
  } while (0)

/* Runs a call that takes `&error` last and checks its status and that its message holds `words` (NULL: success). */
#define CHECK_CALL(expected, words, call)                                  \
  do {                                                                     \
    nacos_error *error = NULL;                                             \
    const nacos_status status = (call);                                    \
    check_call(__FILE__, __LINE__, #call, expected, words, status, error); \
  } while (0)

static inline void check_call(const char *file, int line, const char *call, nacos_status expected, const char *words,
                              nacos_status status, nacos_error *error) {
  const char *message = nacos_error_message(error);
  ADD_ONE(checks);
  if (status != expected || (words != NULL) != (error != NULL) || (words != NULL && strstr(message, words) == NULL) ||
      (error != NULL && nacos_error_status(error) != status)) {
    ADD_ONE(failures);
    printf("%s:%d: %s\n  expected %s with \"%s\"\n  got %s with \"%s\"\n", file, line, call,
           nacos_status_name(expected), words != NULL ? words : "", nacos_status_name(status), message);
  }
  nacos_error_free(error);
}

static inline int finish(void) {
  printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}

#endif
