//! Where the token rides on a request.
//!
//! `Authorization: Bearer` works on every Nacos. Servers from 2.1 on read the header `accessToken` too, and every one
//! reads the parameter of that name; both leave `Authorization` to a gateway that wants it for itself. r-nacos up to 0.8.5
//! takes the whole value of `Authorization` for the token, so that only the parameter works there.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::{
    error::{Error, Result},
    secret::{Secret, Wiped},
};

const ACCESS_TOKEN: &str = "accessToken";
const ACCESS_TOKEN_HEADER: HeaderName = HeaderName::from_static("accesstoken");

/// Where the token rides on a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenPlace {
    /// As `Bearer`. A server that refuses a token which it has just issued, and has taken none yet, gets it as in `Query`, and
    /// when it has taken it there three times, always: r-nacos up to 0.8.5.
    #[default]
    Auto,
    /// `Authorization: Bearer <token>`: every Nacos.
    Authorization,
    /// `accessToken: <token>`: servers from 2.1 on; for gateways that need `Authorization` for themselves.
    Header,
    /// `?accessToken=<token>`: every Nacos, but the token ends up in access logs.
    Query,
}

impl TokenPlace {
    /// Puts `token` on a request: into `headers`, or, as the parameter returned, into the query.
    pub(crate) fn attach<'a>(
        self,
        token: &'a Secret,
        headers: &mut HeaderMap,
    ) -> Result<Option<(&'static str, &'a str)>> {
        // Wiped when the last copy of the header goes.
        let header = |text: String| {
            let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped::from(text)))
                .map_err(|_| Error::new(crate::Kind::Internal, "a token that no header can carry"))?;
            value.set_sensitive(true);
            Ok(value)
        };
        match self {
            Self::Auto | Self::Authorization => {
                headers.insert(AUTHORIZATION, header(format!("Bearer {}", token.expose()))?);
            }
            Self::Header => {
                headers.insert(ACCESS_TOKEN_HEADER, header(token.expose().to_owned())?);
            }
            Self::Query => return Ok(Some((ACCESS_TOKEN, token.expose()))),
        }
        Ok(None)
    }

    /// Refuses a header of the caller's own that a server would read before our token, or together with it.
    pub(crate) fn check_header(self, name: &HeaderName, value: &HeaderValue) -> Result<()> {
        let bearer = || value.as_bytes().get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"bearer "));
        if *name == ACCESS_TOKEN_HEADER
            || (*name == AUTHORIZATION && (matches!(self, Self::Auto | Self::Authorization) || bearer()))
        {
            return Err(Error::argument(format!(
                "headers: \"{name}\" is where the token goes; leave it out, or choose another place for it (token_in)"
            )));
        }
        Ok(())
    }

    /// Refuses a parameter of the caller's own that would beat our token.
    pub(crate) fn check_parameter(self, name: &str) -> Result<()> {
        if name.eq_ignore_ascii_case(ACCESS_TOKEN) {
            return Err(Error::argument("query and form: \"accessToken\" is added by this library; leave it out"));
        }
        Ok(())
    }
}
