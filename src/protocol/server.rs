//! Addresses of servers: `[http(s)://]host[:port]`, several separated by commas or semicolons, and the context path.

use http::Uri;
use url::Url;

use crate::error::{Error, Result};

/// Where a Nacos listens unless told otherwise.
const DEFAULT_PORT: u16 = 8848;
/// Where a Nacos puts its API unless told otherwise.
const DEFAULT_CONTEXT: &str = "/nacos";

/// One server, with the context path every request begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    base: Url,
    name: String,
}

impl Server {
    /// `host:port`, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The address of `path` (which begins with `/`, and may carry an encoded query) on this server.
    pub(crate) fn url(&self, path: &str) -> Result<Url> {
        let context = self.base.path().trim_end_matches('/');
        let text = format!("{}{context}{path}", &self.base[..url::Position::BeforePath]);
        Url::parse(&text).map_err(|e| Error::argument(format!("path: {e}; write it like \"/v1/cs/configs\"")))
    }
}

/// Reads the list of servers and the context path as the user wrote them.
pub(crate) fn parse(list: &str, context_path: Option<&str>) -> Result<Vec<Server>> {
    let context = context(context_path.unwrap_or(DEFAULT_CONTEXT))?;
    let servers = list
        .split([',', ';'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| parse_one(entry, &context))
        .collect::<Result<Vec<_>>>()?;
    if servers.is_empty() {
        return Err(Error::config("server_addr: no server given; write it like \"10.0.0.1:8848,10.0.0.2:8848\""));
    }
    Ok(servers)
}

fn parse_one(entry: &str, context: &str) -> Result<Server> {
    let wrong = |why: &str| {
        // What stands before an '@' may be a password.
        let shown = entry.rsplit('@').next().unwrap_or_default().escape_debug();
        Error::config(format!(
            "server_addr: \"{shown}\": {why}; write it like \"10.0.0.1:8848\" or \"https://host:443\""
        ))
    };
    let (scheme, rest) = entry.split_once("://").unwrap_or(("http", entry));
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(wrong("only http and https are spoken"));
    }
    let uri: Uri = format!("{scheme}://{rest}").parse().map_err(|_| wrong("not an address"))?;
    let authority = uri.authority().ok_or_else(|| wrong("no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("user and password do not belong into the address"));
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err(wrong("a path belongs into context_path"));
    }
    let host = authority.host();
    let port = match authority.as_str()[host.len()..].strip_prefix(':') {
        None => DEFAULT_PORT,
        Some(digits) => digits.parse().ok().filter(|p| *p != 0).ok_or_else(|| wrong("not a port"))?,
    };
    let base = Url::parse(&format!("{scheme}://{host}:{port}{context}")).map_err(|e| wrong(&e.to_string()))?;
    Ok(Server { base, name: format!("{host}:{port}") })
}

/// `""` and `"/"` mean none; anything else gets exactly one leading slash (Nacos answers 500 to a `//` anywhere).
fn context(text: &str) -> Result<String> {
    let inner = text.trim().trim_matches('/');
    if inner.is_empty() {
        return Ok("/".into());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if !inner.chars().all(plain) || inner.contains("//") {
        return Err(Error::config("context_path: not a path; write it like \"/nacos\", or \"\" for none"));
    }
    Ok(format!("/{inner}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(list: &str, context: Option<&str>) -> Vec<String> {
        let path = "/v1/cs/configs";
        parse(list, context).unwrap().iter().map(|s| s.url(path).unwrap().to_string()).collect()
    }

    #[test]
    fn defaults_and_lists() {
        assert_eq!(urls("a", None), ["http://a:8848/nacos/v1/cs/configs"]);
        assert_eq!(
            urls(" a:1 ;https://b:443,, HTTP://[::1]:2", Some("x/")),
            ["http://a:1/x/v1/cs/configs", "https://b/x/v1/cs/configs", "http://[::1]:2/x/v1/cs/configs"]
        );
        assert_eq!(urls("a:80", Some("")), ["http://a/v1/cs/configs"]);
        assert_eq!(urls("https://a", Some("/")), ["https://a:8848/v1/cs/configs"]);
    }

    #[test]
    fn mistakes_name_the_field_and_hide_passwords() {
        for bad in ["", " , ", "ftp://a", "a:0", "a:99999", "a:b", "http://a/nacos", "http://u:hunter2@a", "a b", ":1"]
        {
            let message = parse(bad, None).unwrap_err().to_string();
            assert!(message.starts_with("server_addr:") && !message.contains("hunter2"), "{bad}: {message}");
        }
        for bad in ["/a?b", "a//b", "a b", "/ä"] {
            assert!(parse("a", Some(bad)).unwrap_err().message().starts_with("context_path:"), "{bad}");
        }
    }
}
