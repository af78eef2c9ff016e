/* Kind: the end of a program in C++: static objects and objects of threads that use and end a handle in their
 * destructors. */
#include <memory>
#include <thread>
#include <vector>

#include "host.h"

static struct server server;

/* What deregisters when it goes. */
class Registration {
 public:
  explicit Registration(nacos_auth *auth) : auth_(auth) {}
  Registration(const Registration &) = delete;
  Registration &operator=(const Registration &) = delete;
  ~Registration() {
    struct outcome o = send_body(auth_, "DELETE", 0, 5000);
    if (o.status != NACOS_OK || o.http != 200) FAIL("a request in a destructor: %s", said(&o));
    o = token(auth_, 5000);
    if (o.status != NACOS_OK) FAIL("a token in a destructor: %s", said(&o));
    (void)statistics_of(auth_);
    if (set_password(auth_, "last") != NACOS_OK) FAIL("set_credentials in a destructor");
    nacos_auth_close(auth_, 0, NULL);
    nacos_auth_free(auth_);
  }

 private:
  nacos_auth *auth_;
};

static std::unique_ptr<Registration> of_the_program;
static void quiet(void *data, const nacos_log_record *record) { (void)data, (void)record; }

static nacos_auth *handle(bool with_log) {
  nacos_auth_options options = options_for(server.name);
  if (with_log) options.log = quiet;
  return open_with(&options);
}

TEST(static_object, 30) {
  server = serve("login=ok", NULL);
  of_the_program = std::make_unique<Registration>(handle(false));
}

TEST(static_object_with_a_log, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = handle(true);
  must_serve(auth);
  of_the_program = std::make_unique<Registration>(auth);
}

TEST(static_object_of_a_function, 30) {
  server = serve("login=ok", NULL);
  nacos_auth *auth = handle(true);
  must_serve(auth);
  static Registration registration(auth);
}

/* Made before the library keeps anything for the thread, and gone after it. */
static thread_local std::unique_ptr<Registration> of_a_thread;
static void live(bool first) {
  if (first) of_a_thread.reset();
  nacos_auth *auth = handle(true);
  must_serve(auth);
  of_a_thread = std::make_unique<Registration>(auth);
}

TEST(object_of_a_thread, 30) {
  server = serve("login=ok", NULL);
  std::vector<std::thread> all;
  for (int i = 0; i < 8; i++) all.emplace_back(live, i % 2 == 0);
  for (auto &one : all) one.join();
}

TEST(object_of_the_main_thread, 30) {
  server = serve("login=ok", NULL);
  live(true);
}

TEST(objects_of_a_thread_over_tls, 30) {
  server = serve("tls=server", NULL);
  std::thread([] {
    nacos_auth *auth = open_tls(&server);
    must_serve(auth);
    of_a_thread = std::make_unique<Registration>(auth);
  }).join();
}

/* A whole life in a static destructor. */
struct Late {
  bool wanted = false;
  ~Late() {
    if (!wanted) return;
    nacos_auth *auth = handle(true);
    must_serve(auth);
    nacos_auth_free(auth);
  }
};
static Late late;
TEST(first_use_in_a_static_destructor, 30) {
  server = serve("login=ok", NULL);
  late.wanted = true;
}
