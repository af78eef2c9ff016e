//! Which requests may pass.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, Method, StatusCode, Uri, Version,
    header::{HOST, ORIGIN, TRANSFER_ENCODING},
    request::Parts,
};

use super::{answer::Refusal, wire::Framing};

/// The paths of logins, behind the context path.
const LOGINS: [&str; 3] = ["/v1/auth/login", "/v1/auth/users/login", "/v3/auth/user/login"];
/// What the proxy serves itself begins so: no Nacos has such a path.
const OWN: &str = "/-/";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Something of the proxy's own.
    Own,
    /// A login.
    Login,
    /// Something of a server's.
    Server,
}

pub(super) struct Gate {
    /// Hosts, in lower case, by which clients may call the proxy: its own names and those of the servers.
    pub(super) hosts: Vec<String>,
    /// It listens on an address that stands for all.
    pub(super) any_address: bool,
    /// `""` or `"/nacos"`.
    pub(super) context: String,
}

impl Gate {
    pub(super) fn check(&self, parts: &Parts, framing: Option<Framing>) -> Result<Wanted, Refusal> {
        self.check_framing(parts, framing)?;
        self.check_host(parts)?;
        self.check_origin(&parts.headers)?;
        let path = parts.uri.path();
        if path.starts_with(OWN) {
            return Ok(Wanted::Own);
        }
        let inside = path.strip_prefix(self.context.as_str()).filter(|rest| rest.starts_with('/'));
        let inside = inside.ok_or_else(|| {
            let context = &self.context;
            let message = format!("the path does not begin with {context}/, the context path of the servers");
            Refusal::new(StatusCode::NOT_FOUND, "wrong-context-path", message)
        })?;
        nacos_auth::Request::get(inside).map_err(|e| Refusal::bad("path", e.message()))?;
        Ok(if LOGINS.contains(&inside.trim_end_matches('/')) { Wanted::Login } else { Wanted::Server })
    }

    fn check_framing(&self, parts: &Parts, framing: Option<Framing>) -> Result<(), Refusal> {
        let Some(Framing { lengths, encodings }) = framing else {
            return Err(Refusal::bad("framing", "the head cannot be read in one way only"));
        };
        if lengths > 0 && encodings > 0 {
            let message = "Content-Length and Transfer-Encoding contradict each other; send one of them";
            return Err(Refusal::bad("framing", message));
        }
        let is_chunked = |headers: &HeaderMap| {
            headers.get(TRANSFER_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"))
        };
        if lengths > 1 || encodings > 1 || (encodings == 1 && !is_chunked(&parts.headers)) {
            let message = "one Content-Length, or one Transfer-Encoding that is chunked, says how long a body is";
            return Err(Refusal::bad("framing", message));
        }
        Ok(())
    }

    fn check_host(&self, parts: &Parts) -> Result<(), Refusal> {
        if parts.method == Method::CONNECT {
            let message = "no tunnels; send the request itself, as to a server";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "connect", message));
        }
        let uri = &parts.uri;
        let absolute = uri.authority().map(|authority| authority.as_str());
        if absolute.is_some() && uri.scheme_str() != Some("http") {
            return Err(Refusal::bad("absolute-form", "only http is spoken here"));
        }
        if !uri.path().starts_with('/') {
            return Err(Refusal::bad("path", "not a path"));
        }
        let mut hosts = parts.headers.get_all(HOST).iter();
        let named = hosts.next().map(|host| host.to_str().unwrap_or("?"));
        if hosts.next().is_some() || (named.is_none() && parts.version >= Version::HTTP_11) {
            return Err(Refusal::bad("host", "exactly one header Host belongs on a request"));
        }
        match absolute.into_iter().chain(named).find(|host| !self.knows(host)) {
            None => Ok(()),
            Some(other) => {
                let shown: String = other.escape_debug().take(200).collect();
                let message = format!(
                    "\"{shown}\" is not a host that is served here; call the proxy by its address, or name the host with \
                     --host"
                );
                Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "host", message))
            }
        }
    }

    /// What a page of somebody else's makes a browser send carries no permission of the user's.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let from_elsewhere = text(&FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"));
        let origin = text(&ORIGIN);
        let is_own = |origin: &str| origin.strip_prefix("http://").is_some_and(|host| self.knows(host));
        if from_elsewhere || origin.is_some_and(|origin| !is_own(origin)) {
            let message = "a page of another site sent this; it may not use the proxy's login";
            return Err(Refusal::forbidden("origin", message));
        }
        Ok(())
    }

    /// Whether `authority`, with a port or without, is a name by which the proxy may be called.
    fn knows(&self, authority: &str) -> bool {
        let Ok(uri) = authority.parse::<Uri>() else { return false };
        let Some(parsed) = uri.authority() else { return false };
        if parsed.as_str().contains('@') || uri.path_and_query().is_some_and(|path| path != "/") {
            return false;
        }
        let host = parsed.host().trim_end_matches('.').to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        // A name can be made to lead here by anybody who owns it; an address cannot.
        let is_here = host == "localhost" || address.is_some_and(|ip| ip.is_loopback() || self.any_address);
        is_here || self.hosts.contains(&host)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const ONE_LENGTH: Option<Framing> = Some(Framing { lengths: 1, encodings: 0 });

    fn check(request: http::request::Builder, framing: Option<Framing>) -> Result<Wanted, u16> {
        let hosts = vec!["nacos.example".into(), "::1".into()];
        let gate = Gate { hosts, any_address: false, context: "/nacos".into() };
        let (parts, ()) = request.body(()).unwrap().into_parts();
        gate.check(&parts, framing).map_err(|refusal| refusal.status.as_u16())
    }

    fn get(path: &str) -> http::request::Builder {
        Request::get(path).header("host", "127.0.0.1:8847")
    }

    #[test]
    fn what_is_asked_of_a_server_passes() {
        for (request, wanted) in [
            (get("/nacos/v1/cs/configs?dataId=a"), Wanted::Server),
            (get("/nacos/v1/auth/users/login"), Wanted::Login),
            (get("/nacos/v3/auth/user/login/"), Wanted::Login),
            (get("/-/health"), Wanted::Own),
            (get("http://nacos.example:8848/nacos/v1/x"), Wanted::Server),
            (Request::get("/nacos/v1/x").header("host", "NACOS.example"), Wanted::Server),
            (Request::get("/nacos/v1/x").header("host", "[::1]:8847"), Wanted::Server),
            (Request::get("/nacos/v1/x").header("host", "localhost"), Wanted::Server),
            (Request::get("/nacos/v1/x").version(Version::HTTP_10), Wanted::Server),
            (get("/nacos/v1/x").header("origin", "http://localhost:8847"), Wanted::Server),
            (get("/nacos/v1/x").header("sec-fetch-site", "none"), Wanted::Server),
        ] {
            assert_eq!(check(request, ONE_LENGTH), Ok(wanted));
        }
    }

    #[test]
    fn what_is_not_stays_out() {
        for (request, status) in [
            (Request::connect("nacos.example:8848").header("host", "nacos.example:8848"), 405),
            (get("http://other.example/nacos/v1/x"), 421),
            (get("https://nacos.example/nacos/v1/x"), 400),
            (get("http://user@nacos.example/nacos/v1/x"), 421),
            (Request::get("/nacos/v1/x"), 400),
            (get("/nacos/v1/x").header("host", "localhost"), 400),
            (Request::get("/nacos/v1/x").header("host", "other.example"), 421),
            (Request::get("/nacos/v1/x").header("host", "127.0.0.1.other.example"), 421),
            (Request::get("/nacos/v1/x").header("host", "localhost:1/x"), 421),
            (Request::get("/nacos/v1/x").header("host", "10.0.0.1"), 421),
            (get("/v1/x"), 404),
            (get("/nacosx/v1"), 404),
            (get("/nacos/../actuator"), 400),
            (get("/nacos/%2e%2e/actuator"), 400),
            (get("/nacos/..;/actuator"), 400),
            (get("/nacos//v1"), 400),
            (get("/nacos/v1/x").header("origin", "https://other.example"), 403),
            (get("/nacos/v1/x").header("origin", "null"), 403),
            (get("/nacos/v1/x").header("sec-fetch-site", "cross-site"), 403),
        ] {
            let shown = format!("{request:?}");
            assert_eq!(check(request, ONE_LENGTH), Err(status), "{shown}");
        }
    }

    #[test]
    fn a_body_ends_where_one_header_says() {
        let chunked = || get("/nacos/v1/x").header("transfer-encoding", "chunked");
        let framing = |lengths, encodings| Some(Framing { lengths, encodings });
        assert!(check(chunked(), framing(0, 1)).is_ok());
        assert_eq!(check(chunked(), framing(1, 1)), Err(400));
        assert_eq!(check(chunked(), framing(0, 2)), Err(400));
        assert_eq!(check(get("/nacos/v1/x"), framing(2, 0)), Err(400));
        assert_eq!(check(get("/nacos/v1/x"), None), Err(400));
        assert_eq!(check(get("/nacos/v1/x").header("transfer-encoding", "gzip, chunked"), framing(0, 1)), Err(400));
    }
}
