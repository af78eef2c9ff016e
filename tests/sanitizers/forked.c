/* For LD_PRELOAD: no leaks are looked for in the child of a fork. What it got from its parent is not its own to free,
   since threads that it has not got may have been in the middle of it. */
#include <pthread.h>

static int is_forked;

static void in_child(void) { is_forked = 1; }
__attribute__((constructor)) static void at_start(void) { pthread_atfork(NULL, NULL, in_child); }

/* What LeakSanitizer asks, see sanitizer/lsan_interface.h. */
int __lsan_is_turned_off(void) { return is_forked; }
