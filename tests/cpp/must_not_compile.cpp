// Each of these has to be refused by the compiler: must_not_compile.sh defines CASE as one number after the other. With
// 0 the file compiles.
#include <nacos_auth.hpp>

#ifndef CASE
#define CASE 0
#endif

nacos_auth *auth();
nacos_response *answer();
nacos_cancel *cancel();
nacos_error *failure();
void takes(const nacosauth::client &);

inline void refused() {
  const auto owner = nacosauth::client::adopt(auth());
  auto source = nacosauth::cancel_source::adopt(cancel());
  nacosauth::call_options limits;
  (void)limits, (void)source;
#if CASE == 1  // a pointer is taken over by adopt() alone
  nacosauth::client client(auth());
#elif CASE == 2
  nacosauth::client client{auth()};
#elif CASE == 3
  nacosauth::client client = auth();
#elif CASE == 4
  nacosauth::client client = {auth()};
#elif CASE == 5
  nacosauth::client client({}, auth());
#elif CASE == 6
  nacosauth::client client{{}, auth()};
#elif CASE == 7
  nacosauth::client client = {{}, auth()};
#elif CASE == 8
  nacosauth::client client(nullptr);
#elif CASE == 9
  nacosauth::client client;
#elif CASE == 10
  nacosauth::client client = {};
#elif CASE == 11
  takes({});
#elif CASE == 12
  takes(auth());
#elif CASE == 13
  takes({{}, auth()});
#elif CASE == 14
  takes(nacosauth::options());
#elif CASE == 15
  nacosauth::response response(answer());
#elif CASE == 16
  nacosauth::response response{{}, answer()};
#elif CASE == 17
  nacosauth::response response = {{}, answer()};
#elif CASE == 18
  nacosauth::response response;
#elif CASE == 19
  nacosauth::cancel_source other(cancel());
#elif CASE == 20
  nacosauth::cancel_source other{{}, cancel()};
#elif CASE == 21
  nacosauth::cancel_source other = {{}, cancel()};
#elif CASE == 22
  nacosauth::error error(NACOS_IO, failure());
#elif CASE == 23
  nacosauth::error error{nacosauth::status::io, failure()};
#elif CASE == 24
  nacosauth::error error = {NACOS_IO, failure()};
#elif CASE == 25
  nacosauth::error error = {nacosauth::status::io, "brief"};
#elif CASE == 26
  nacosauth::error error({}, {}, failure());
#elif CASE == 27  // owners do not copy
  auto copy = owner;
#elif CASE == 28
  auto copy = source;
#elif CASE == 29  // a time has a unit
  limits.timeout = 5;
#elif CASE == 30
  owner.close(100);
#elif CASE == 31
  nacosauth::time_span span = 5;
#elif CASE == 32  // what fails is looked at
  owner.try_token();
#elif CASE == 33
  nacosauth::client client(nacosauth::detail::adopted{}, auth());
#elif CASE == 34
  nacosauth::detail::adopted tag = {};
#elif CASE == 35
  nacosauth::try_diagnose({});
#elif CASE == 36
  nacosauth::diagnose({});
#elif CASE == 37
  (void)nacosauth::diagnose(auth());
#elif CASE == 38
  nacosauth::diagnose_options asked;
  asked.timeout = 5;
#endif
}
