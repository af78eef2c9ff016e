// What the files of the shim share.
#pragma once

#include <cstdint>
#include <map>
#include <nacos_auth.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

using json = nlohmann::json;

/// The line, not the library, is at fault.
struct shim_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The fields of an answer, and the generation of the token that it was got with (0: none).
struct outcome {
  json fields = json::object();
  std::uint64_t generation = 0;
};

/// grammar.cpp: throws shim_error unless the line is one of the grammar.
void check(const json &line);

/// operations.cpp
class shim {
 public:
  /// Throws shim_error or nacosauth::exception. `line` has been checked.
  outcome perform(const json &line);
  /// What any thread may do.
  outcome act(const json &line) const;

 private:
  outcome init(const json &line);
  const nacosauth::client &client(const json &line) const;
  outcome many(const json &line) const;

  std::map<std::string, nacosauth::client> clients_;
};

/// tally.cpp
json in_threads(const shim &shim, const json &line, std::uint64_t threads, std::uint64_t each);
json in_a_row(const shim &shim, const json &line, std::chrono::milliseconds duration,
              std::chrono::milliseconds interval);
