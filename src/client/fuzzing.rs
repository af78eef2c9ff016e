//! A request as it would go out, for the fuzzer.

use http::HeaderMap;

use super::{request::Request, send};
use crate::{
    error::Result,
    protocol::{place::TokenPlace, server},
    secret::Secret,
};

/// What the first of `servers` would be asked for, and with which headers.
pub fn outgoing(
    mut request: Request,
    servers: &str,
    context_path: Option<&str>,
    token: &Secret,
    place: TokenPlace,
) -> Result<(String, HeaderMap)> {
    request.check(place)?;
    let servers = server::parse(servers, context_path)?;
    let (target, headers) = send::address(&request, &servers[0], Some((token, place)))?;
    Ok((target.to_string(), headers))
}
