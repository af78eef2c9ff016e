/* The development server: NACOS_SERVER_ADDR, and its control API at NACOS_CONTROL_ADDR. */
#ifndef DEVSERVER_H
#define DEVSERVER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The address in an environment variable; without it there is nothing to test. */
static inline const char *address_in(const char *variable) {
  const char *address = getenv(variable);
  if (address == NULL) {
    printf("%s is not set\n", variable);
    exit(2);
  }
  return address;
}

/* One call of the control API; its answer, which must be a 200. */
static inline const char *control(const char *method, const char *path, const char *json) {
  static char answer[8192];
  char request[1024];
  const char *address = address_in("NACOS_CONTROL_ADDR"), *port = strchr(address, ':') + 1;
  struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  there.sin_port = htons((uint16_t)atoi(port));
  const int length = snprintf(request, sizeof(request),
                              "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                              method, path, address, strlen(json), json);
  const int link = socket(AF_INET, SOCK_STREAM, 0);
  size_t got = 0;
  if (link >= 0 && connect(link, (struct sockaddr *)&there, sizeof(there)) == 0 &&
      write(link, request, (size_t)length) == length)
    for (ssize_t more = 1; more > 0 && got < sizeof(answer) - 1; got += (size_t)(more > 0 ? more : 0))
      more = read(link, answer + got, sizeof(answer) - 1 - got);
  close(link);
  answer[got] = '\0';
  if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
    printf("%s %s: %s\n", method, path, answer);
    exit(2);
  }
  return answer;
}

/* What the server has counted under this name: logins, login_failures, requests, rejections, connections. */
static inline long counted(const char *name) {
  char key[64];
  snprintf(key, sizeof(key), "\"%s\":", name);
  const char *found = NULL;
  /* The last: those of one dataId come before those of all. */
  for (const char *at = control("GET", "/counts", ""); (at = strstr(at, key)) != NULL; at++) found = at;
  return found != NULL ? atol(found + strlen(key)) : -1;
}

#endif
