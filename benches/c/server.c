/* A server for what nginx's fixed answers do not do: it reads every body to its end, and holds long polls. Every answer
 * is 200 and a token, so that a login works here too. Bodies are thrown away in the kernel, so that clients are
 * measured and not this. A request with the header Long-Pulling-Timeout is held until somebody asks for /release; /held
 * tells how many are. Prints its port; ends when it is killed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HEAD = 16384, MOST_CONNECTIONS = 1 << 20 };

typedef struct {
  int fd, held;
  size_t have, left; /* bytes of the head that are there, of the body that are still to come */
  char *head;        /* while one is being read */
} connection;

static connection *held[MOST_CONNECTIONS];
static int held_count;
static const char *token;

static void answer(int fd, const char *body) {
  char text[1024];
  const int n =
      snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               strlen(body), body);
  if (write(fd, text, (size_t)n) < 0) return; /* the client has gone; its connection says so */
}

static void answer_token(int fd) {
  char body[512];
  snprintf(body, sizeof(body), "{\"accessToken\":\"%s\",\"tokenTtl\":18000}", token);
  answer(fd, body);
}

static void forget_held(const connection *gone) {
  for (int i = 0; i < held_count; i++)
    if (held[i] == gone) held[i--] = held[--held_count];
}

/* Below any context path. */
static int asks_for(const char *head, const char *path) {
  const char *there = strstr(head, path);
  return there != NULL && there < strchr(head, '\n');
}

static void answer_request(connection *self) {
  char number[16];
  if (strcasestr(self->head, "\r\nlong-pulling-timeout:") != NULL) {
    self->held = 1;
    held[held_count++] = self;
  } else if (asks_for(self->head, "/held ")) {
    snprintf(number, sizeof(number), "%d", held_count);
    answer(self->fd, number);
  } else {
    if (asks_for(self->head, "/release "))
      while (held_count > 0) {
        held[--held_count]->held = 0;
        answer_token(held[held_count]->fd);
      }
    answer_token(self->fd);
  }
  free(self->head);
  self->head = NULL;
  self->have = 0;
}

/* Reads what is there; returns 0 when the client has gone. */
static int read_some(connection *self) {
  if (self->head == NULL && (self->head = malloc(HEAD)) == NULL) abort();
  if (self->left > 0) {
    const ssize_t n = recv(self->fd, NULL, self->left < (1 << 20) ? self->left : (1 << 20), MSG_TRUNC | MSG_DONTWAIT);
    if (n <= 0) return 0;
    self->left -= (size_t)n;
  } else {
    const ssize_t n = recv(self->fd, self->head + self->have, HEAD - 1 - self->have, MSG_DONTWAIT);
    if (n <= 0) return 0;
    self->have += (size_t)n;
    self->head[self->have] = 0;
    const char *end = strstr(self->head, "\r\n\r\n");
    if (end == NULL) return self->have < HEAD - 1;
    const char *length = strcasestr(self->head, "\r\ncontent-length:");
    const size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    const size_t got = self->have - (size_t)(end + 4 - self->head);
    if (got > body) return 0;
    self->left = body - got;
  }
  if (self->left == 0) answer_request(self);
  return 1;
}

/* Whoever waits: a client that starts thousands of connections must not find the queue full. */
static void accept_all(int listener, int epoll) {
  const int on = 1;
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
    struct epoll_event event = {.events = EPOLLIN};
    connection *self = calloc(1, sizeof(*self));
    if (self == NULL) abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    self->fd = fd;
    event.data.ptr = self;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(void) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  struct epoll_event events[64], event = {.events = EPOLLIN};
  struct rlimit files;
  socklen_t length = sizeof(at);
  if ((token = getenv("TOKEN")) == NULL) return 2;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 4096) != 0) return 1;
  getsockname(listener, (struct sockaddr *)&at, &length);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    const int n = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < n; i++) {
      connection *self = events[i].data.ptr;
      if (self == NULL) {
        accept_all(listener, epoll);
      } else if (!read_some(self)) {
        if (self->held) forget_held(self);
        close(self->fd);
        free(self->head);
        free(self);
      }
    }
  }
}
