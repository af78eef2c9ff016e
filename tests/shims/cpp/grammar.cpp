// What a line may say.
#include <algorithm>
#include <functional>

#include "shim.hpp"

namespace {

using test = std::function<bool(const json &)>;
using fields = std::map<std::string, test>;

bool text(const json &value) { return value.is_string(); }
bool number(const json &value) { return value.is_number_unsigned(); }
bool flag(const json &value) { return value.is_boolean(); }
bool object(const json &value) { return value.is_object(); }
bool carriage(const json &value) { return value == "bearer" || value == "header" || value == "query"; }
bool pairs(const json &value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const json &pair) {
           return pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
         });
}

struct rule {
  fields required, optional;
};

const std::map<std::string, rule> grammar = {
    {"hello", {}},
    {"init",
     {{{"auth", text}, {"server_addr", text}},
      {{"username", text},
       {"password", text},
       {"context_path", text},
       {"carriage", carriage},
       {"connect_timeout_ms", number},
       {"request_timeout_ms", number},
       {"ca_file", text},
       {"client_cert_file", text},
       {"client_key_file", text},
       {"proxy", text}}}},
    {"get_token", {{{"auth", text}}, {{"timeout_ms", number}, {"reveal", flag}}}},
    {"request",
     {{{"auth", text}, {"method", text}, {"path", text}},
      {{"query", pairs},
       {"headers", pairs},
       {"form", pairs},
       {"body", text},
       {"body_base64", text},
       {"timeout_ms", number}}}},
    {"report_rejected", {{{"auth", text}, {"generation", number}, {"http_status", number}, {"body", text}}, {}}},
    {"set_credentials", {{{"auth", text}, {"username", text}, {"password", text}}, {}}},
    {"stats", {{{"auth", text}}, {}}},
    {"parallel", {{{"threads", number}, {"each", number}, {"do", object}}, {}}},
    {"loop", {{{"duration_ms", number}, {"interval_ms", number}, {"do", object}}, {}}},
    {"close", {{{"auth", text}}, {}}},
    {"free", {{{"auth", text}}, {}}},
};

}  // namespace

void check(const json &line) {
  if (!line.is_object()) throw shim_error("a line must be one JSON object");
  const auto op = line.find("op");
  const auto found = op != line.end() && op->is_string() ? grammar.find(op->get<std::string>()) : grammar.end();
  if (found == grammar.end()) throw shim_error("unknown op");
  const auto &[name, rule] = *found;
  for (const auto &[field, fits] : rule.required)
    if (!line.contains(field)) throw shim_error(name + ": field \"" + field + "\" is missing");
  for (const auto &[field, value] : line.items()) {
    if (field == "op") continue;
    const auto required = rule.required.find(field), optional = rule.optional.find(field);
    if (required == rule.required.end() && optional == rule.optional.end())
      throw shim_error(name + ": unknown field \"" + field + "\"");
    const auto &fits = required != rule.required.end() ? required->second : optional->second;
    if (!fits(value)) throw shim_error(name + ": field \"" + field + "\" has a wrong value");
  }
}
