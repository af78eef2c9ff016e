/* All that most programs do, from init to free, ROUNDS times. NACOS_SERVER_ADDR lets nacos/nacos in. */
#include <stdlib.h>

#include "client.h"

int main(int argc, char **argv) {
  for (int rounds = argc > 1 ? atoi(argv[1]) : 1; rounds > 0; rounds--) {
    nacos_auth *auth = client(1);
    if (!has_token(auth) || !is_served(auth, "GET") || !is_served(auth, "POST")) return 1;
    nacos_auth_free(auth);
  }
  return 0;
}
