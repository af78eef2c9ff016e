/* What is compared: ways to do the same HTTP request, each with a state for every thread that uses it. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>

enum { BODY_BYTES = 64 << 20 };

typedef enum { GET, DOWNLOAD, UPLOAD } job;

typedef struct {
  job job;
  const char *scheme;  /* http or https */
  const char *address; /* host:port */
  const char *ca_file; /* for https */
  const char *token;   /* what the server's login gives */
} target;

typedef struct engine {
  const char *name;
  void *(*open)(const struct engine *self, const target *to);
  void (*call)(void *state); /* one request; ends the program if it fails */
  void (*close)(void *state);
  void *extra; /* the engine's own */
} engine;

/* Path and query of each job, without the context path /nacos. */
const char *path_of(job job);
#define QUERY "dataId=demo&group=DEFAULT_GROUP"

/* The body of every upload. */
const char *upload_bytes(void);

extern const engine raw_socket, libcurl, libcurl_large_buffers, nacos_library;

/* The same calls of another build of the library; `self` must outlive the engine. */
engine nacos_library_of(const char *file, const char *name);

/* Lets the engines take turns and prints a line of JSON for each. */
void take_turns(const char *part, const engine *engines, size_t count, int threads, const target *to);

#endif
