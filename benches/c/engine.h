/* What is compared: ways to do the same thing, each with a state for every thread that uses it. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>

enum { BODY_BYTES = 64 << 20, MOST_THREADS = 64, MOST_ENGINES = 4, GETS_PER_CALL = 10000 };

typedef enum { GET, DOWNLOAD, UPLOAD, CACHED } job;

typedef struct {
  job job;
  const char *scheme;  /* http or https */
  const char *address; /* host:port */
  const char *ca_file; /* for https */
  const char *token;   /* what the server's login gives */
  int in_flight;       /* of an asynchronous engine */
} target;

typedef struct engine {
  const char *name;
  void *(*open)(const struct engine *self, const target *to);
  void (*call)(void *state); /* one request, or GETS_PER_CALL gets; ends the program if it fails */
  void (*close)(void *state);
  void *extra;                            /* the engine's own */
  long (*run)(void *state, double until); /* in place of call: as many requests as can be; how many those were */
} engine;

/* Path and query of each job, without the context path /nacos. */
const char *path_of(job job);
#define QUERY "dataId=demo&group=DEFAULT_GROUP"

/* The body of every upload. */
const char *upload_bytes(void);

extern const engine raw_socket, libcurl, libcurl_large_buffers, nacos_library;
extern const engine libcurl_multi, nacos_queue_engine, nacos_callback_engine;
extern const engine cached[MOST_ENGINES];

/* The same calls of another build of the library; `self` must outlive the engine. */
engine nacos_library_of(const char *file, const char *name);

/* Lets the engines take turns and prints a line of JSON for each; `name` is what this case of the part is called. */
void take_turns(const char *part, const char *name, const engine *engines, size_t count, int threads, const target *to);

#endif
