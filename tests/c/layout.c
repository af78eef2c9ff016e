/* Prints size and offsets of every public struct, to compare with those of Rust, ctypes and cgo and of earlier
 * versions. */
#include <nacos_auth.h>
#include <stdio.h>

#define STRUCT(type) printf("%s %zu\n", #type, sizeof(type))
#define FIELD(type, field) printf("%s.%s %zu %zu\n", #type, #field, offsetof(type, field), sizeof(((type *)0)->field))

int main(void) {
  STRUCT(nacos_auth_options);
  FIELD(nacos_auth_options, struct_size);
  FIELD(nacos_auth_options, server_addr);
  FIELD(nacos_auth_options, context_path);
  FIELD(nacos_auth_options, username);
  FIELD(nacos_auth_options, password);
  FIELD(nacos_auth_options, ca_file);
  FIELD(nacos_auth_options, client_cert_file);
  FIELD(nacos_auth_options, client_key_file);
  FIELD(nacos_auth_options, proxy);
  FIELD(nacos_auth_options, connect_timeout_ms);
  FIELD(nacos_auth_options, request_timeout_ms);
  FIELD(nacos_auth_options, carriage);
  FIELD(nacos_auth_options, log_level);
  FIELD(nacos_auth_options, password_file);
  FIELD(nacos_auth_options, token);
  FIELD(nacos_auth_options, credentials);
  FIELD(nacos_auth_options, event);
  FIELD(nacos_auth_options, log);
  FIELD(nacos_auth_options, callback_data);
  FIELD(nacos_auth_options, callback_drop);
  FIELD(nacos_auth_options, max_connections);
  FIELD(nacos_auth_options, anonymous);
  STRUCT(nacos_call_options);
  FIELD(nacos_call_options, struct_size);
  FIELD(nacos_call_options, cancel);
  FIELD(nacos_call_options, timeout_ms);
  FIELD(nacos_call_options, reserved0);
  STRUCT(nacos_token_info);
  FIELD(nacos_token_info, struct_size);
  FIELD(nacos_token_info, length);
  FIELD(nacos_token_info, generation);
  FIELD(nacos_token_info, remaining_ms);
  FIELD(nacos_token_info, expired);
  FIELD(nacos_token_info, reserved0);
  STRUCT(nacos_pair);
  FIELD(nacos_pair, name);
  FIELD(nacos_pair, value);
  STRUCT(nacos_request_options);
  FIELD(nacos_request_options, struct_size);
  FIELD(nacos_request_options, method);
  FIELD(nacos_request_options, path);
  FIELD(nacos_request_options, query);
  FIELD(nacos_request_options, query_count);
  FIELD(nacos_request_options, headers);
  FIELD(nacos_request_options, header_count);
  FIELD(nacos_request_options, form);
  FIELD(nacos_request_options, form_count);
  FIELD(nacos_request_options, body);
  FIELD(nacos_request_options, body_len);
  FIELD(nacos_request_options, cancel);
  FIELD(nacos_request_options, timeout_ms);
  FIELD(nacos_request_options, reserved0);
  STRUCT(nacos_auth_statistics);
  FIELD(nacos_auth_statistics, struct_size);
  FIELD(nacos_auth_statistics, logins);
  FIELD(nacos_auth_statistics, login_failures);
  FIELD(nacos_auth_statistics, requests);
  FIELD(nacos_auth_statistics, replays);
  FIELD(nacos_auth_statistics, rejections);
  FIELD(nacos_auth_statistics, rejections_permission);
  FIELD(nacos_auth_statistics, waits);
  FIELD(nacos_auth_statistics, generation);
  FIELD(nacos_auth_statistics, remaining_ms);
  FIELD(nacos_auth_statistics, token_state);
  FIELD(nacos_auth_statistics, refresh_state);
  FIELD(nacos_auth_statistics, logins_first);
  FIELD(nacos_auth_statistics, logins_renewal);
  FIELD(nacos_auth_statistics, logins_rejection);
  FIELD(nacos_auth_statistics, failures_unreachable);
  FIELD(nacos_auth_statistics, failures_overloaded);
  FIELD(nacos_auth_statistics, failures_refused);
  FIELD(nacos_auth_statistics, failures_other);
  FIELD(nacos_auth_statistics, rejections_identity);
  FIELD(nacos_auth_statistics, rejections_unknown);
  FIELD(nacos_auth_statistics, held_back_pause);
  FIELD(nacos_auth_statistics, held_back_latch);
  FIELD(nacos_auth_statistics, held_back_generation);
  FIELD(nacos_auth_statistics, waiting);
  FIELD(nacos_auth_statistics, retry_in_ms);
  STRUCT(nacos_event);
  FIELD(nacos_event, struct_size);
  FIELD(nacos_event, kind);
  FIELD(nacos_event, level);
  FIELD(nacos_event, generation);
  FIELD(nacos_event, status);
  FIELD(nacos_event, http_status);
  FIELD(nacos_event, retry_after_ms);
  FIELD(nacos_event, message);
  return 0;
}
