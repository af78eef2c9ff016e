/* The server for uploads: reads every body to its end, as nginx's fixed answers do not, then answers 200 with a token,
 * so that a login works here too. The bytes are thrown away in the kernel, so that clients are measured and not this.
 * Prints its port; ends when it is killed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char answer[1024];

static int discard(int fd, size_t left) {
  while (left > 0) {
    const ssize_t n = recv(fd, NULL, left < (1 << 20) ? left : (1 << 20), MSG_TRUNC);
    if (n <= 0) return 0;
    left -= (size_t)n;
  }
  return 1;
}

/* Reads a request; returns 0 when the client has gone. */
static int take_request(int fd) {
  char head[16384];
  size_t have = 0;
  const char *end;
  do {
    const ssize_t n = recv(fd, head + have, sizeof(head) - 1 - have, 0);
    if (n <= 0) return 0;
    have += (size_t)n;
    head[have] = 0;
  } while ((end = strstr(head, "\r\n\r\n")) == NULL);
  const char *length = strcasestr(head, "\r\ncontent-length:");
  const size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
  const size_t got = have - (size_t)(end + 4 - head);
  return got > body ? 0 : discard(fd, body - got);
}

static void *serve(void *argument) {
  const int fd = (int)(long)argument;
  while (take_request(fd) && write(fd, answer, strlen(answer)) > 0) continue;
  close(fd);
  return NULL;
}

int main(void) {
  const char *token = getenv("TOKEN");
  const int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof(at);
  char body[512];
  if (token == NULL) return 2;
  const int size = snprintf(body, sizeof(body), "{\"accessToken\":\"%s\",\"tokenTtl\":18000}", token);
  snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
           size, body);
  if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 64) != 0) return 1;
  getsockname(listener, (struct sockaddr *)&at, &length);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  for (;;) {
    pthread_t thread;
    const int fd = accept(listener, NULL, NULL);
    if (fd < 0) return 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (pthread_create(&thread, NULL, serve, (void *)(long)fd) != 0) return 1;
    pthread_detach(thread);
  }
}
