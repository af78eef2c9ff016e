// Each REFUSED has to be refused by the compiler, each in a function of its own: must_not_compile.sh looks for an error
// in its line. With ACCEPTED defined they are left out, and the file compiles.
#include <cstddef>
#include <nacos_auth.hpp>

nacos_auth *auth();
nacos_response *answer();
nacos_cancel *cancel();
nacos_error *failure();
void takes(const nacosauth::client &);

#define JOINED(name, line) name##line
#define NAMED(name, line) JOINED(name, line)
#ifdef ACCEPTED
#define REFUSED(...)
#else
#define REFUSED(...)                                                                               \
  void NAMED(refused_, __LINE__)(const nacosauth::client &owner, nacosauth::cancel_source &source, \
                                 nacosauth::call_options limits) {                                 \
    (void)owner, (void)source, (void)limits;                                                       \
    __VA_ARGS__                                                                                    \
  }
#endif

// clang-format off: a line each
// a pointer is taken over by adopt() alone
REFUSED(nacosauth::client client(auth());)
REFUSED(nacosauth::client client{auth()};)
REFUSED(nacosauth::client client = auth();)
REFUSED(nacosauth::client client = {auth()};)
REFUSED(nacosauth::client client({}, auth());)
REFUSED(nacosauth::client client{{}, auth()};)
REFUSED(nacosauth::client client = {{}, auth()};)
REFUSED(nacosauth::client client(nullptr);)
REFUSED(nacosauth::client client;)
REFUSED(nacosauth::client client = {};)
REFUSED(takes({});)
REFUSED(takes(auth());)
REFUSED(takes({{}, auth()});)
REFUSED(takes(nacosauth::options());)
REFUSED(nacosauth::response response(answer());)
REFUSED(nacosauth::response response{{}, answer()};)
REFUSED(nacosauth::response response = {{}, answer()};)
REFUSED(nacosauth::response response;)
REFUSED(nacosauth::cancel_source other(cancel());)
REFUSED(nacosauth::cancel_source other{{}, cancel()};)
REFUSED(nacosauth::cancel_source other = {{}, cancel()};)
REFUSED(nacosauth::error error(NACOS_IO, failure());)
REFUSED(nacosauth::error error{nacosauth::status::io, failure()};)
REFUSED(nacosauth::error error = {NACOS_IO, failure()};)
REFUSED(nacosauth::error error = {nacosauth::status::io, "brief"};)
REFUSED(nacosauth::error error({}, {}, failure());)
// owners do not copy
REFUSED(auto copy = owner;)
REFUSED(auto copy = source;)
// a time has a unit
REFUSED(limits.timeout = 5;)
REFUSED(owner.close(100);)
REFUSED(nacosauth::time_span span = 5;)
// what fails is looked at
REFUSED(owner.try_token();)
REFUSED(nacosauth::client client(nacosauth::detail::adopted{}, auth());)
REFUSED(nacosauth::detail::adopted tag = {};)
REFUSED(nacosauth::try_diagnose({});)
REFUSED(nacosauth::diagnose({});)
REFUSED((void)nacosauth::diagnose(auth());)
REFUSED(nacosauth::diagnose_options asked; asked.timeout = 5;)
// null pointers are neither settings nor a handle
REFUSED(nacosauth::client client({nullptr, nullptr});)
REFUSED((void)nacosauth::client::make({0});)
REFUSED((void)nacosauth::client::make(0);)
REFUSED((void)nacosauth::try_diagnose({nullptr});)
REFUSED((void)nacosauth::try_diagnose(nullptr);)
REFUSED((void)nacosauth::diagnose({0}, {});)
REFUSED(nacosauth::client client = {{}};)
REFUSED(nacosauth::client client({nullptr});)
REFUSED(nacosauth::client client({0});)
REFUSED(nacosauth::client client({NULL});)
REFUSED(nacosauth::client client({auth()});)
REFUSED(nacosauth::client client{nullptr};)
REFUSED(nacosauth::client client(0);)
REFUSED(nacosauth::client client{0};)
REFUSED(nacosauth::client client({}, {});)
REFUSED(nacosauth::client client({}, nullptr);)
REFUSED(nacosauth::client client({}, 0);)
REFUSED((void)nacosauth::client::make({nullptr});)
REFUSED((void)nacosauth::client::make(nullptr);)
REFUSED((void)nacosauth::diagnose({nullptr});)
// nothing is taken over
REFUSED((void)nacosauth::client::adopt({});)
REFUSED((void)nacosauth::client::adopt(nullptr);)
REFUSED((void)nacosauth::client::adopt(0);)
REFUSED((void)nacosauth::client::adopt(NULL);)
REFUSED((void)nacosauth::client::adopt();)
REFUSED((void)nacosauth::client::adopt(answer());)
REFUSED((void)nacosauth::response::adopt({});)
REFUSED((void)nacosauth::response::adopt(nullptr);)
REFUSED((void)nacosauth::response::adopt(0);)
REFUSED((void)nacosauth::cancel_source::adopt({});)
REFUSED((void)nacosauth::cancel_source::adopt(nullptr);)
REFUSED((void)nacosauth::cancel_source::adopt(0);)
// nor by a constructor
REFUSED(nacosauth::response response({});)
REFUSED(nacosauth::response response{{}};)
REFUSED(nacosauth::response response = {};)
REFUSED(nacosauth::response response(nullptr);)
REFUSED(nacosauth::response response{0};)
REFUSED(nacosauth::response response({nullptr});)
REFUSED(nacosauth::response response({}, {});)
REFUSED(nacosauth::response response({}, nullptr);)
REFUSED(nacosauth::cancel_source other(nullptr);)
REFUSED(nacosauth::cancel_source other{nullptr};)
REFUSED(nacosauth::cancel_source other({nullptr});)
REFUSED(nacosauth::cancel_source other{0};)
REFUSED(nacosauth::cancel_source other = nullptr;)
REFUSED(nacosauth::cancel_source other({}, {});)
REFUSED(nacosauth::cancel_source other({}, nullptr);)
REFUSED(nacosauth::error error;)
REFUSED(nacosauth::error error({});)
REFUSED(nacosauth::error error(nacosauth::status::io, failure());)
REFUSED(nacosauth::error error({}, {}, {});)
REFUSED(nacosauth::error error({}, {}, nullptr);)
REFUSED(nacosauth::exception exception({});)
REFUSED(nacosauth::exception exception{{}};)
REFUSED(nacosauth::exception exception(nullptr);)
REFUSED(nacosauth::exception exception({{}, {}});)
REFUSED(nacosauth::exception exception({nacosauth::status::io, nullptr});)
REFUSED(nacosauth::unexpected unexpected({});)
REFUSED(nacosauth::unexpected unexpected(nullptr);)
REFUSED(nacosauth::result<nacosauth::client> result({});)
REFUSED(nacosauth::result<nacosauth::client> result(nullptr);)
REFUSED(nacosauth::result<nacosauth::client> result = nullptr;)
REFUSED(nacosauth::result<nacosauth::response> result({});)
REFUSED(nacosauth::result<nacosauth::response> result(nullptr);)
REFUSED(nacosauth::time_span span({});)
REFUSED(nacosauth::time_span span{};)
REFUSED(nacosauth::time_span span(0);)
REFUSED(nacosauth::diagnosis found(nullptr);)
REFUSED(nacosauth::diagnosis found = nullptr;)
REFUSED(nacosauth::token_copy copy(nullptr);)
REFUSED(nacosauth::call_options none(nullptr);)
