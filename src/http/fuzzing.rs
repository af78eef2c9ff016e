//! Single steps of an exchange, for the fuzzer.

use std::{path::PathBuf, sync::Arc};

use ::http::{HeaderMap, HeaderValue, header::CONTENT_ENCODING};
use bytes::Bytes;

use super::{Endpoint, ErrorKind, PemSource, Response, TlsSettings, advice, coding, proxy::Proxy, tls::Tls};
use crate::error::Result;

/// A body undone of `codings`, or why it is not.
pub fn decode(status: u16, codings: &HeaderValue, body: &[u8], largest: usize) -> Result<Bytes, String> {
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, codings.clone())]);
    let response =
        Response { status, headers, body: Bytes::copy_from_slice(body), truncated: false, lost_connection: false };
    coding::decode(response, largest, || false).map(|response| response.body).map_err(|e| {
        assert!(matches!(e.kind, ErrorKind::TooLarge | ErrorKind::Undecodable), "{e:?}");
        e.cause
    })
}

/// The beginning of a body that somebody else has received.
pub fn beginning(body: &[u8], limit: usize) -> Vec<u8> {
    coding::beginning(body, limit).into_owned()
}

/// What is said about an answer that shows that its server was spoken to in the wrong way.
pub fn advice(status: u16, https: bool, body: &[u8]) -> Option<String> {
    let body = Bytes::copy_from_slice(body);
    let response = Response { status, headers: HeaderMap::new(), body, truncated: false, lost_connection: false };
    advice::on_answer(&response, &Endpoint::new(https, "server", 1)).map(|error| error.cause)
}

/// Where a proxy is.
pub fn proxy(address: &str) -> Result<(String, u16)> {
    let proxy = Proxy::parse(address)?;
    Ok((proxy.host, proxy.port))
}

/// The address of a server as the engine of logins gets it.
pub fn url(https: bool, host: &str, port: u16, target: &str) -> Option<String> {
    Some(Endpoint::new(https, host, port).url(&target.parse().ok()?))
}

/// Reads TLS files, and makes of them what a connection uses.
pub fn trust(ca: Option<PathBuf>, cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<bool> {
    let [ca, cert, key] = [ca, cert, key].map(|path| path.map(PemSource::File));
    let files = TlsSettings { ca, cert, key, server_name: None };
    let pem = Arc::new(files.read()?);
    Ok(Tls::new(files, pem).current().config().is_ok())
}
