/* A program of somebody who has only the installation: one request to NACOS_SERVER_ADDR. */
#include <nacos_auth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  nacos_response *response = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  nacos_request_options request = nacos_request_options_default();
  size_t length = 0;
  options.server_addr = getenv("NACOS_SERVER_ADDR");
  options.username = "nacos";
  options.password = "nacos";
  request.path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
  if (strcmp(nacos_auth_version(), NACOS_AUTH_VERSION) != 0) return puts("header and library differ"), 1;
  if (nacos_auth_init(&options, &auth, &error) != NACOS_OK) return puts(nacos_error_message(error)), 1;
  if (nacos_request(auth, &request, &response, &error) != NACOS_OK) return puts(nacos_error_message(error)), 1;
  const char *body = (const char *)nacos_response_body(response, &length);
  printf("%d %.*s\n", nacos_response_status(response), (int)length, body);
  nacos_response_free(response);
  nacos_auth_free(auth);
  return 0;
}
