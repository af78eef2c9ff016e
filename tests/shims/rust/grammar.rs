//! What a line may say.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use crate::shim::Failure;

#[derive(Clone, Copy)]
enum Is {
    Text,
    Number,
    Flag,
    Pairs,
    Object,
}

/// Every operation with its fields; those behind the bar may be left out.
const OPERATIONS: &[(&str, &str)] = &[
    ("hello", "|"),
    (
        "init",
        "auth server_addr | username password context_path carriage connect_timeout_ms request_timeout_ms ca_file \
         client_cert_file client_key_file proxy",
    ),
    ("get_token", "auth | timeout_ms reveal"),
    ("request", "auth method path | query headers form body body_base64 timeout_ms"),
    ("report_rejected", "auth generation http_status body |"),
    ("set_credentials", "auth username password |"),
    ("stats", "auth |"),
    ("parallel", "threads each do |"),
    ("loop", "duration_ms interval_ms do |"),
    ("close", "auth |"),
    ("free", "auth |"),
];

const fn kind(field: &str) -> Is {
    match field.as_bytes() {
        b"query" | b"headers" | b"form" => Is::Pairs,
        b"reveal" => Is::Flag,
        b"do" => Is::Object,
        b"threads"
        | b"each"
        | b"generation"
        | b"http_status"
        | b"timeout_ms"
        | b"connect_timeout_ms"
        | b"request_timeout_ms"
        | b"duration_ms"
        | b"interval_ms" => Is::Number,
        _ => Is::Text,
    }
}

/// One checked line: all required fields are there, no unknown ones, each of its kind.
pub(crate) struct Command {
    pub(crate) op: &'static str,
    fields: Map<String, Value>,
}

impl Command {
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Failure> {
        Self::check(serde_json::from_slice(line).map_err(|error| Failure::Line(format!("not JSON: {error}")))?)
    }

    pub(crate) fn check(value: Value) -> Result<Self, Failure> {
        let wrong = |what: String| Err(Failure::Line(what));
        let Value::Object(mut fields) = value else { return wrong("a line must be a JSON object".into()) };
        let given = fields.remove("op");
        let name = given.as_ref().and_then(Value::as_str).unwrap_or_default();
        let Some((op, rule)) = OPERATIONS.iter().find(|(op, _)| *op == name) else {
            return wrong(format!("unknown op {name:?}"));
        };
        let (required, optional) = rule.split_once('|').unwrap_or((rule, ""));
        if let Some(missing) = required.split_whitespace().find(|field| !fields.contains_key(*field)) {
            return wrong(format!("{op}: field {missing:?} is missing"));
        }
        let known = |field: &str| required.split_whitespace().chain(optional.split_whitespace()).any(|f| f == field);
        for (field, value) in &fields {
            if !known(field) {
                return wrong(format!("{op}: unknown field {field:?}"));
            }
            let fits = match kind(field) {
                Is::Text => value.is_string(),
                Is::Number => value.is_u64(),
                Is::Flag => value.is_boolean(),
                Is::Pairs => value.as_array().is_some_and(|all| all.iter().all(is_pair)),
                Is::Object => value.is_object(),
            };
            if !fits {
                return wrong(format!("{op}: field {field:?} has a wrong value"));
            }
        }
        Ok(Self { op, fields })
    }

    /// A text; empty if left out.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.given(field).unwrap_or_default()
    }

    pub(crate) fn given(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// A number; 0 if left out.
    pub(crate) fn number(&self, field: &str) -> u64 {
        self.fields.get(field).and_then(Value::as_u64).unwrap_or(0)
    }

    pub(crate) fn flag(&self, field: &str) -> bool {
        self.fields.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Milliseconds; 0 is the default, as in the C interface.
    pub(crate) fn time(&self, field: &str) -> Option<Duration> {
        Some(self.number(field)).filter(|ms| *ms > 0).map(Duration::from_millis)
    }

    pub(crate) fn pairs(&self, field: &str) -> Vec<(&str, &str)> {
        let all = self.fields.get(field).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?))).collect()
    }

    pub(crate) fn body(&self) -> Result<Vec<u8>, Failure> {
        match self.given("body_base64") {
            None => Ok(self.text("body").into()),
            Some(text) => BASE64_STANDARD.decode(text).map_err(|_| Failure::Line("body_base64 is not Base64".into())),
        }
    }

    /// The command that `parallel` and `loop` repeat.
    pub(crate) fn inner(&self) -> Result<Self, Failure> {
        let inner = Self::check(self.fields["do"].clone())?;
        match inner.op {
            "init" | "free" | "parallel" | "loop" => Err(Failure::Line(format!("{} inside {}", inner.op, self.op))),
            _ => Ok(inner),
        }
    }
}

fn is_pair(value: &Value) -> bool {
    value.as_array().is_some_and(|pair| pair.len() == 2 && pair.iter().all(Value::is_string))
}
