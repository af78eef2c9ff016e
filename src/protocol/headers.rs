//! Headers that are none of the caller's business.

use http::HeaderName;

use crate::error::{Error, Result};

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
