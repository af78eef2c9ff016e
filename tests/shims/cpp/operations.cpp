// The operations, through the C++ interface alone.
#include <limits>

#include "../c/base64.h"
#include "shim.hpp"

namespace {

std::string text(const json &line, const char *field) { return line.value(field, std::string()); }

/// 0 is the default, as in C.
std::optional<nacosauth::milliseconds> timeout(const json &line, const char *field) {
  const auto value = line.value(field, std::uint64_t{0});
  if (value == 0) return std::nullopt;
  return nacosauth::milliseconds(std::min<std::uint64_t>(value, std::numeric_limits<std::int32_t>::max()));
}

nacosauth::pairs pairs(const json &line, const char *field) {
  nacosauth::pairs all;
  for (const auto &pair : line.value(field, json::array())) all.push_back({pair[0], pair[1]});
  return all;
}

std::string request_body(const json &line) {
  if (!line.contains("body_base64")) return text(line, "body");
  const auto coded = text(line, "body_base64");
  std::string bytes(coded.size(), '\0');
  const auto length = base64_decode(coded.data(), coded.size(), reinterpret_cast<unsigned char *>(bytes.data()));
  if (length == static_cast<std::size_t>(-1)) throw shim_error("body_base64 is not Base64");
  bytes.resize(length);
  return bytes;
}

bool is_utf8(std::string_view bytes) {
  try {
    (void)json(bytes).dump();
    return true;
  } catch (const json::type_error &) {
    return false;
  }
}

outcome get_token(const nacosauth::client &client, const json &line) {
  nacosauth::call_options limits;
  limits.timeout = timeout(line, "timeout_ms");
  const auto token = client.copy_token(limits);
  outcome done{{{"length", token.value.size()},
                {"generation", token.generation},
                {"remaining_ms", token.remaining.count()},
                {"expired", token.expired}},
               token.generation};
  if (line.value("reveal", false)) done.fields["token"] = token.value;
  return done;
}

outcome request(const nacosauth::client &client, const json &line) {
  nacosauth::request what;
  what.method = text(line, "method");
  what.path = text(line, "path");
  what.query = pairs(line, "query");
  what.headers = pairs(line, "headers");
  what.form = pairs(line, "form");
  what.body = request_body(line);
  what.timeout = timeout(line, "timeout_ms");
  const auto response = client.send(what);

  outcome done{{{"http_status", response.status()}, {"replayed", response.replays() > 0}}, response.generation()};
  auto &headers = done.fields["headers"] = json::array();
  for (const auto &[name, value] : response.headers()) headers.push_back(json::array({name, value}));
  const auto body = response.body();
  if (is_utf8(body)) {
    done.fields["body"] = body;
  } else {
    std::string coded((body.size() + 2) / 3 * 4, '\0');
    base64_encode(reinterpret_cast<const unsigned char *>(body.data()), body.size(), coded.data());
    done.fields["body_base64"] = coded;
  }
  return done;
}

outcome report_rejected(const nacosauth::client &client, const json &line) {
  const auto status =
      std::min<std::uint64_t>(line["http_status"].get<std::uint64_t>(), std::numeric_limits<int>::max());
  const auto body = text(line, "body");
  nacosauth::rejection answer;
  answer.generation = line["generation"];
  answer.http_status = static_cast<int>(status);
  answer.body = body;
  switch (client.report_rejected(answer).advice) {
    case nacosauth::advice::replay:
      return {{{"advice", "replay"}}};
    case nacosauth::advice::replay_if_idempotent:
      return {{{"advice", "replay_if_idempotent"}}};
    case nacosauth::advice::hand_on:
      break;
  }
  return {{{"advice", "return"}}};
}

outcome stats(const nacosauth::client &client) {
  const auto stats = client.stats();
  return {{{"logins", stats.logins},
           {"login_failures", stats.login_failures},
           {"requests", stats.requests},
           {"replays", stats.replays},
           {"rejections", stats.rejections},
           {"rejections_permission", stats.rejections_permission},
           {"waits", stats.waits},
           {"generation", stats.generation},
           {"remaining_ms", stats.remaining.count()},
           {"token_state", static_cast<std::int32_t>(stats.token_state)},
           {"refresh_state", static_cast<std::int32_t>(stats.refresh_state)}}};
}

}  // namespace

outcome shim::perform(const json &line) {
  const auto op = text(line, "op");
  if (op == "init") return init(line);
  if (op == "parallel" || op == "loop") return many(line);
  if (op != "free") return act(line);
  (void)client(line);
  clients_.erase(text(line, "auth"));
  return {};
}

outcome shim::init(const json &line) {
  const auto name = text(line, "auth");
  if (clients_.count(name) != 0) throw shim_error("handle \"" + name + "\" is in use");
  nacosauth::options options;
  options.server_addr = text(line, "server_addr");
  options.username = text(line, "username");
  options.password = text(line, "password");
  if (line.contains("context_path")) options.context_path = text(line, "context_path");
  options.ca_file = text(line, "ca_file");
  options.client_cert_file = text(line, "client_cert_file");
  options.client_key_file = text(line, "client_key_file");
  options.proxy = text(line, "proxy");
  options.connect_timeout = timeout(line, "connect_timeout_ms");
  options.request_timeout = timeout(line, "request_timeout_ms");
  const auto carriage = text(line, "carriage");
  if (carriage == "bearer") options.token_in = nacosauth::token_in::authorization;
  if (carriage == "header") options.token_in = nacosauth::token_in::header;
  if (carriage == "query") options.token_in = nacosauth::token_in::query;
  clients_.emplace(name, nacosauth::client(options));
  return {};
}

const nacosauth::client &shim::client(const json &line) const {
  const auto found = clients_.find(text(line, "auth"));
  if (found == clients_.end()) throw shim_error("unknown handle \"" + text(line, "auth") + "\"");
  return found->second;
}

outcome shim::act(const json &line) const {
  const auto op = text(line, "op");
  if (op == "hello")
    return {{{"language", "cpp"}, {"version", nacos_auth_version()}, {"abi", nacos_auth_abi_version()}}};
  const auto &client = this->client(line);
  if (op == "get_token") return get_token(client, line);
  if (op == "request") return request(client, line);
  if (op == "report_rejected") return report_rejected(client, line);
  if (op == "stats") return stats(client);
  if (op == "set_credentials") client.set_credentials(text(line, "username"), text(line, "password"));
  if (op == "close") client.close();
  return {};
}

outcome shim::many(const json &line) const {
  const auto &inner = line["do"];
  check(inner);
  const auto op = text(inner, "op");
  // The table of clients belongs to one thread, and once is enough for one level of repetition.
  for (const auto *single : {"init", "free", "parallel", "loop"})
    if (op == single) throw shim_error(op + " inside " + text(line, "op"));
  if (op != "hello") (void)client(inner);
  if (text(line, "op") == "parallel") return {in_threads(*this, inner, line["threads"], line["each"])};
  return {in_a_row(*this, inner, nacosauth::milliseconds(line["duration_ms"].get<std::int64_t>()),
                   nacosauth::milliseconds(line["interval_ms"].get<std::int64_t>()))};
}
