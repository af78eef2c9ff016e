// The conformance shim of C++: one JSON object a line in, one out.
#include <iostream>

#include "shim.hpp"

static json answer(shim &shim, const std::string &text) {
  try {
    const auto line = json::parse(text);
    check(line);
    auto fields = shim.perform(line).fields;
    if (!fields.contains("ok")) fields["ok"] = true;  // parallel and loop answer a count
    return fields;
  } catch (const nacosauth::exception &failure) {
    const auto &error = failure.error();
    return {{"ok", false},
            {"status", error.name()},
            {"http_status", error.http_status()},
            {"retryable", error.is_retryable()},
            {"retry_after_ms", error.retry_after().value_or(nacosauth::milliseconds(0)).count()},
            {"message", error.message()}};
  } catch (const shim_error &error) {
    return {{"ok", false}, {"status", "SHIM"}, {"message", error.what()}};
  } catch (const json::exception &error) {
    return {{"ok", false}, {"status", "SHIM"}, {"message", std::string("not JSON: ") + error.what()}};
  }
}

int main() {
  shim shim;
  for (std::string line; std::getline(std::cin, line);) {
    // Headers may hold any bytes; JSON may not.
    std::cout << answer(shim, line).dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
  }
}
