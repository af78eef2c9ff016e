/* What plugins.c loads: a static object that asks for something when it is made, and when it is destroyed. */
#include <nacos_auth.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

static void quiet(void *, const nacos_log_record *) {}

class Registration {
 public:
  Registration() {
    nacos_auth_options options = nacos_auth_options_default();
    options.server_addr = std::getenv("ADDRESS");
    options.username = options.password = "nacos";
    options.request_timeout_ms = 6000;
    if (std::getenv("CA_FILE") != nullptr) options.ca_file = std::getenv("CA_FILE");
    if (std::getenv("PASSWORD_FILE") != nullptr) {
      options.password = nullptr;
      options.password_file = std::getenv("PASSWORD_FILE");
    }
    options.log = quiet;
    nacos_error *error = nullptr;
    if (nacos_auth_init(&options, &auth_, &error) != NACOS_OK) failed("init", error);
    ask("while it is loaded");
  }
  Registration(const Registration &) = delete;
  Registration &operator=(const Registration &) = delete;
  ~Registration() {
    ask("while it is unloaded");
    nacos_auth_free(auth_);
  }

 private:
  void ask(const char *when) {
    nacos_request_options options = nacos_request_options_default();
    options.method = "GET";
    options.path = "/v1/cs/configs";
    nacos_response *response = nullptr;
    nacos_error *error = nullptr;
    if (nacos_request(auth_, &options, &response, &error) != NACOS_OK) failed(when, error);
    nacos_response_free(response);
  }
  static void failed(const char *what, nacos_error *error) {
    std::printf("FAIL: a static object of a plugin, %s: %s\n", what, nacos_error_message(error));
    std::fflush(stdout);
    std::_Exit(1);
  }

  nacos_auth *auth_ = nullptr;
};

static Registration registration;
