//! Headers that are none of the caller's business, and what others say to this library.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderName};

use crate::error::{Error, Result};

/// By this a listener says how many milliseconds a server may keep it waiting for news. The spelling is that of Nacos.
const LONG_POLL: &str = "long-pulling-timeout";
/// A poll is taken to last no longer than this.
const LONGEST_POLL: Duration = Duration::from_secs(600);

/// How long the server may hold back its answer to a request with these headers.
pub(crate) fn long_poll(headers: &HeaderMap) -> Duration {
    let text = headers.get(LONG_POLL).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Duration::ZERO;
    }
    // Beyond the reach of a number is beyond the limit too.
    text.parse().map_or(LONGEST_POLL, Duration::from_millis).min(LONGEST_POLL)
}

/// Refuses a header that frames the message or belongs to one connection: what the caller wrote would contradict what is
/// sent, or make the server read another request than the one that was meant.
pub(crate) fn check_framing(name: &HeaderName) -> Result<()> {
    let why = match name.as_str() {
        "content-length" => "is counted from the body by this library; leave it out",
        "transfer-encoding" => "would contradict the Content-Length that this library sends; leave it out",
        "host" => "is the name of the server that is asked; leave it out, and write that name into server_addr",
        "connection" | "keep-alive" => {
            "is about a connection, and connections are opened, kept and closed by this library; leave it out"
        }
        proxy if proxy.starts_with("proxy-") => {
            "is between this library and a proxy, and would go to the Nacos server as well; leave it out, and write user and password into the proxy's address"
        }
        "upgrade" | "http2-settings" => "asks for another protocol, and this library speaks HTTP/1.1; leave it out",
        "expect" => "asks for an interim answer, and this library sends the body without one; leave it out",
        "te" | "trailer" => "is about trailers, which this library neither sends nor reads; leave it out",
        _ => return Ok(()),
    };
    Err(Error::argument(format!("headers: \"{name}\" {why}")))
}

/// As much of `name` as may be the name of a header: what follows may be a value that was written along with it.
pub(crate) fn shown(name: &str) -> Cow<'_, str> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name.find(|c| !is_token(c)) {
        Some(end) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}
