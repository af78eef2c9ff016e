//! Addresses of servers: `[http(s)://]host[:port]`, several separated by commas or semicolons, and the context path.

use std::{borrow::Cow, net::Ipv6Addr, sync::Arc};

use http::{Uri, uri::PathAndQuery};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use url::{Host, form_urlencoded};

use super::spelling::is_invisible;
use crate::error::{Error, Result};

/// Where a Nacos listens unless told otherwise.
const DEFAULT_PORT: u16 = 8848;
/// Where a Nacos puts its API unless told otherwise.
const DEFAULT_CONTEXT: &str = "/nacos";
/// What the `http` crate can hold of path and query; servers take 8 KiB, most of them.
const LONGEST_TARGET: usize = u16::MAX as usize - 1;
const LONGEST_CONTEXT: usize = 1024;

/// One server, with the context path every request begins with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    https: bool,
    host: String,
    port: u16,
    /// `""` or `"/nacos"`.
    context: String,
    name: Arc<str>,
}

/// What a path or a query may hold as it is; the rest is percent-encoded. A percent sign stays: it begins an escape.
const PATH: &AsciiSet =
    &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

impl Server {
    /// `host:port`, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same, shared.
    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// Whether `text` stands for this server: as it is written in server_addr, or a URL of it.
    pub(crate) fn is(&self, text: &str) -> bool {
        let end = text.find("://").map_or(0, |at| at + 3);
        let address = &text[..text[end..].find(['/', '?', '#']).map_or(text.len(), |at| end + at)];
        // A URL says more than an address does: with a scheme, the port that goes without saying is another.
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        let usual = match scheme.to_ascii_lowercase().as_str() {
            "" => None,
            "https" => Some(443),
            _ => Some(80),
        };
        let same = |text: &str| {
            parse(text, None).is_ok_and(|list| list.iter().any(|s| s.name.eq_ignore_ascii_case(&self.name)))
        };
        same(rest) || usual.is_some_and(|port| same(&format!("{rest}:{port}")))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// A name, or an address; IPv6 in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The context path, if `path` begins with it once more.
    pub(crate) fn repeated_context(&self, path: &str) -> Option<&str> {
        let rest = path.strip_prefix(&self.context)?;
        (!self.context.is_empty() && rest.starts_with('/')).then_some(&self.context)
    }

    /// What to ask this server for: `path` (which begins with `/`, and may carry an encoded query) below the context path,
    /// with `parameters`, which are encoded here.
    pub(crate) fn target<'a>(
        &self,
        path: &str,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<PathAndQuery> {
        let mut text = String::with_capacity(self.context.len() + path.len() + 128);
        text.push_str(&self.context);
        text.extend(utf8_percent_encode(path, PATH));
        let mut parameters = parameters.into_iter().peekable();
        if parameters.peek().is_some() {
            text.push(if path.contains('?') { '&' } else { '?' });
            let start = text.len();
            text = form_urlencoded::Serializer::for_suffix(text, start).extend_pairs(parameters).finish();
        }
        if text.len() > LONGEST_TARGET {
            return Err(Error::argument(format!(
                "path and query: {} bytes as they are sent, and {LONGEST_TARGET} is the most; send what is long as a form or \
                 body",
                text.len()
            )));
        }
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(text))
            .map_err(|e| Error::argument(format!("path: {e}; write it like \"/v1/cs/configs\"")))
    }
}

/// Whether `path` may follow the context path: it begins with `/`, and may carry a query that is encoded already.
///
/// Nothing in it may lead out of the context path, for this library, a proxy or the server: dot segments are refused in
/// every spelling that one of them might undo.
pub(crate) fn check_path(path: &str) -> Result<()> {
    if !path.starts_with('/') || path.contains("//") {
        // Nacos answers 500 to a "//" anywhere.
        return Err(Error::argument(
            "path: must begin with one slash and hold no \"//\"; write it like \"/v1/cs/configs\"",
        ));
    }
    if path.contains('#') || path.contains(|c: char| c.is_control() || c == ' ') {
        return Err(Error::argument(
            "path: holds '#', a space or a control character; percent-encode it, or use query",
        ));
    }
    let segments = path.split('?').next().unwrap_or_default();
    if segments.is_ascii() && !segments.contains(['%', '\\', ';']) && !segments.contains("/.") {
        return Ok(()); // as nearly always
    }
    if segments.contains('\\') {
        return Err(Error::argument("path: holds a backslash, which is read as a slash; percent-encode it"));
    }
    let decoded = decode(segments);
    // A servlet container leaves out what follows a ';' in a segment.
    let names = decoded.split(['/', '\\']).map(|segment| segment.split(';').next().unwrap_or_default());
    for name in names {
        // What is no UTF-8, and what takes no room, is left out by some.
        let is_left_out = |c: char| c.is_control() || c.is_whitespace() || c == '\u{fffd}' || is_invisible(c);
        if matches!(&*name.replace(is_left_out, ""), "." | "..") {
            return Err(Error::argument(
                "path: holds a \".\" or \"..\" segment (be it percent-encoded), which may lead out of the context path; \
                 write the path it leads to, and set context_path if that is another one",
            ));
        }
    }
    Ok(())
}

/// Percent-decoded until nothing is left to decode; what some servers take for a dot or a slash is one.
fn decode(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains('%') {
        let next = percent_decoded(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text.replace(['\u{ff0e}', '\u{2024}'], ".")
        .replace('\u{2025}', "..")
        .replace('\u{ff0f}', "/")
        .replace('\u{ff3c}', "\\")
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        // As Microsoft's servers know it: `%u002e`.
        if let [b'u' | b'U', digits @ ..] = tail
            && *first == b'%'
            && let Some(c) = digits.first_chunk::<4>().and_then(four)
        {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &tail[5..];
            continue;
        }
        let byte = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| 16 * high + low),
            _ => None,
        };
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&shortest(&out)).into_owned()
}

/// ASCII in more bytes than it needs is no UTF-8, but some decoders take it.
fn shortest(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, ..] = rest {
        let (byte, length) = match *rest {
            [high @ 0xc0..=0xc1, low @ 0x80..=0xbf, ..] => ((high & 1) << 6 | low & 0x3f, 2),
            [0xe0, high @ 0x80..=0x81, low @ 0x80..=0xbf, ..] => ((high & 1) << 6 | low & 0x3f, 3),
            [0xf0, 0x80, high @ 0x80..=0x81, low @ 0x80..=0xbf, ..] => ((high & 1) << 6 | low & 0x3f, 4),
            _ => (*first, 1),
        };
        out.push(byte);
        rest = &rest[length..];
    }
    out
}

fn four(digits: &[u8; 4]) -> Option<char> {
    let code = digits.iter().try_fold(0, |value, digit| Some(16 * value + u32::from(hex(*digit)?)))?;
    char::from_u32(code)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

/// Reads the list of servers and the context path as the user wrote them.
pub(crate) fn parse(list: &str, context_path: Option<&str>) -> Result<Vec<Server>> {
    let context = context(context_path.unwrap_or(DEFAULT_CONTEXT))?;
    // Nothing of the list is shown then: a password may hold what ends an entry, or an address.
    if list.contains('@') {
        return Err(Error::config(
            "server_addr: user and password do not belong into the address (there is an \"@\" in it); write it like \"10.0.0.1:8848\", and set username and password",
        ));
    }
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
    // A parameter may be a password.
    let (bare, surplus) = entry.split_at(entry.find(['?', '#']).unwrap_or(entry.len()));
    let shown = bare.escape_debug().to_string();
    let wrong = |why: &str| {
        Error::config(format!(
            "server_addr: \"{shown}\": {why}; write it like \"10.0.0.1:8848\" or \"https://host:443\""
        ))
    };
    if !surplus.is_empty() {
        let name = surplus.split('=').next().unwrap_or_default();
        let plain = name.chars().skip(1).all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let part = if plain && name.len() < 40 { name } else { &surplus[..1] };
        let rest = if part == surplus { "" } else { "…" };
        return Err(wrong(&format!("\"{part}{rest}\" does not belong into an address; leave it out")));
    }
    let (scheme, rest) = entry.split_once("://").unwrap_or(("http", entry));
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(wrong("only http and https are spoken"));
    }
    if let Some(bracketed) = bracketed(rest.trim_end_matches('/')) {
        return Err(Error::config(format!(
            "server_addr: \"{shown}\": an IPv6 address stands in brackets; write it like \"{bracketed}\""
        )));
    }
    let ascii = ascii(rest).map_err(|e| wrong(&format!("not a name of a host: {e}")))?;
    let uri: Uri = format!("{scheme}://{ascii}").parse().map_err(|_| wrong("not an address"))?;
    let authority = uri.authority().ok_or_else(|| wrong("no host"))?;
    if uri.path() != "/" {
        return Err(wrong("a path belongs into context_path"));
    }
    let host = authority.host();
    let port = match authority.as_str()[host.len()..].strip_prefix(':') {
        None => DEFAULT_PORT,
        Some(digits) => digits.parse().ok().filter(|p| *p != 0).ok_or_else(|| wrong("not a port"))?,
    };
    let bare = Host::parse(host).map_err(|e| wrong(&e.to_string()))?.to_string();
    let https = scheme == "https";
    Ok(Server { https, host: bare, port, context: context.into(), name: format!("{host}:{port}").into() })
}

/// How an IPv6 address without brackets is to be written. Its last part may be a port; it is taken for one.
fn bracketed(address: &str) -> Option<String> {
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    match address.rsplit_once(':') {
        Some((host, port)) if is_address(host) && port.parse::<u16>().is_ok() => Some(format!("[{host}]:{port}")),
        _ => is_address(address).then(|| format!("[{address}]:{DEFAULT_PORT}")),
    }
}

/// An address with a name of other letters than ASCII's as the DNS has it (IDNA).
fn ascii(address: &str) -> Result<Cow<'_, str>, url::ParseError> {
    if address.is_ascii() {
        return Ok(address.into());
    }
    let (host, behind) = address.split_at(address.find([':', '/']).unwrap_or(address.len()));
    Ok(format!("{}{behind}", Host::parse(host)?).into())
}

/// `""` and `"/"` mean none; anything else gets exactly one leading slash (Nacos answers 500 to a `//` anywhere).
fn context(text: &str) -> Result<String> {
    let inner = text.trim().trim_matches('/');
    if inner.is_empty() {
        return Ok(String::new());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if !inner.chars().all(plain) || inner.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(Error::config("context_path: not a path; write it like \"/nacos\", or \"/\" for none"));
    }
    if inner.len() > LONGEST_CONTEXT {
        return Err(Error::config(format!("context_path: longer than {LONGEST_CONTEXT} characters")));
    }
    Ok(format!("/{inner}"))
}
