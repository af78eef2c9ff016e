//! What a caller puts into a request: method, path, query, headers, form.

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE};
use nacos_auth::{Error, Kind, Request, Secret, TokenPlace, fuzzing};
use url::{Url, form_urlencoded};

use crate::{planted, spells};

const TOKEN: &str = "eyJ.token.eyJ";
/// Stands where a mark is.
const SECRET: &str = "s3cr3tWord";
const MARK: char = '\u{1}';
const CONTEXTS: [Option<&str>; 4] = [None, Some(""), Some("/a/b"), Some("nacos")];
const PLACES: [TokenPlace; 4] = [TokenPlace::Auto, TokenPlace::Authorization, TokenPlace::Header, TokenPlace::Query];

/// The first line: a digit for the place, one for the context path, the method, a space, the path. Each line that follows
/// begins with what it is of: `?name=value` the query, `:name=value` the headers, `&name=value` the form.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.replace(MARK, SECRET);
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default();
    let digit = |at: usize| usize::from(first.as_bytes().get(at).map_or(0, |digit| digit % 4));
    let (place, context) = (PLACES[digit(0)], CONTEXTS[digit(1)]);
    let (method, path) = first.get(2..).unwrap_or_default().split_once(' ').unwrap_or(("GET", "/v1/cs/configs"));
    let (mut query, mut form, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let pair = |text: &'_ str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let Some((kind, Some(pair))) = line.split_at_checked(1).map(|(kind, rest)| (kind, pair(rest))) else {
            continue;
        };
        match kind {
            "?" => query.push(pair),
            ":" => headers.push(pair),
            "&" => form.push(pair),
            _ => {}
        }
    }
    let built = build(method, path, &query, &headers, &form)
        .and_then(|request| fuzzing::outgoing(request, "server", context, &Secret::from(TOKEN), place));
    match built {
        Err(error) => check_error(&error, path, &headers),
        Ok((target, headers)) => {
            let target = planted(target.clone(), String::from("/"), || spells(path, b"/vzq"));
            let prefix = match context.unwrap_or("/nacos").trim_matches('/') {
                "" => String::new(),
                inner => format!("/{inner}"),
            };
            check_target(&target, &prefix, path, &query, place);
            check_headers(&headers, place);
            assert!(form.iter().all(|(name, _)| !name.eq_ignore_ascii_case("accessToken")));
        }
    }
}

fn build(
    method: &str,
    path: &str,
    query: &[(String, String)],
    headers: &[(String, String)],
    form: &[(String, String)],
) -> Result<Request, Error> {
    let mut request = Request::new(method, path)?;
    for (name, value) in query {
        request = request.query(name, value);
    }
    for (name, value) in headers {
        request = request.header(name, value)?;
    }
    if !form.is_empty() {
        request = request.form(form.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    }
    Ok(request)
}

/// Below the context path for everybody who reads it, with the very parameters that were given, and the token once.
fn check_target(target: &str, prefix: &str, path: &str, query: &[(String, String)], place: TokenPlace) {
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target:?}");
    assert!(target.starts_with(&format!("{prefix}/")) && !target.contains('#'), "{target}");
    let url = Url::parse(&format!("http://server{target}")).expect("a URL");
    assert!(url.path().starts_with(&format!("{prefix}/")), "{target} leads to {url}");
    let path_part = target.split('?').next().expect("the first");
    for way in [Way::Servlet, Way::Proxy, Way::Twice] {
        let led = resolved(path_part, way);
        assert!(led.starts_with(prefix.trim_start_matches('/')), "{target} leads to {led} ({way:?})");
    }
    let given = path.split_once('?').map_or("", |(_, encoded)| encoded);
    let mut expected: Vec<_> = form_urlencoded::parse(given.as_bytes()).into_owned().collect();
    expected.extend(query.iter().cloned());
    if place == TokenPlace::Query {
        expected.push(("accessToken".into(), TOKEN.into()));
    }
    let sent: Vec<_> = form_urlencoded::parse(url.query().unwrap_or_default().as_bytes()).into_owned().collect();
    assert_eq!(sent, expected, "{target}");
    let tokens = sent.iter().filter(|(name, _)| name.eq_ignore_ascii_case("accessToken")).count();
    assert_eq!(tokens, usize::from(place == TokenPlace::Query), "{target}");
}

/// How somebody on the way reads a path.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Parameters of segments are left out, then it is decoded, then dots are resolved.
    Servlet,
    /// Decoded, then resolved.
    Proxy,
    /// By both.
    Twice,
}

/// Where a path leads, without the slash it begins with.
fn resolved(path: &str, way: Way) -> String {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let bare =
        |text: &str| text.split('/').map(|s| s.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("/");
    let text = match way {
        Way::Servlet => decode(&bare(path)),
        Way::Proxy => decode(path),
        Way::Twice => decode(&bare(&decode(path))),
    };
    let mut names: Vec<&str> = Vec::new();
    for name in text.split(['/', '\\']) {
        match name {
            "" | "." => {}
            ".." => _ = names.pop(),
            other => names.push(other),
        }
    }
    names.join("/")
}

/// The token rides once, nothing frames the message, and no value ends the line it stands on.
fn check_headers(headers: &http::HeaderMap, place: TokenPlace) {
    for own in [CONTENT_LENGTH, TRANSFER_ENCODING, HOST, CONNECTION, UPGRADE] {
        assert!(!headers.contains_key(&own), "{own}");
    }
    let values = |name: &HeaderName| headers.get_all(name).iter().map(|v| v.as_bytes().to_vec()).collect::<Vec<_>>();
    let (bearer, own) = (values(&AUTHORIZATION), values(&HeaderName::from_static("accesstoken")));
    match place {
        TokenPlace::Auto | TokenPlace::Authorization => {
            assert_eq!((bearer, own.len()), (vec![format!("Bearer {TOKEN}").into_bytes()], 0));
        }
        TokenPlace::Header => assert_eq!(own, [TOKEN.as_bytes()]),
        TokenPlace::Query => assert!(own.is_empty()),
    }
    for value in headers.values() {
        assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{value:?}");
    }
}

/// It names the argument, and shows no value: of a header, a parameter or a field.
fn check_error(error: &Error, path: &str, headers: &[(String, String)]) {
    assert_eq!(error.kind(), Kind::InvalidArgument);
    let message = error.message();
    let arguments = ["method: ", "path: ", "headers: ", "query and form: "];
    assert!(arguments.iter().any(|argument| message.starts_with(argument)), "{message}");
    // A path is shown without its query, and of what was meant to be the name of a header what may be one.
    let is_shown = |text: &str, ends: &[char]| text.split(ends).next().is_some_and(|text| text.contains(SECRET));
    let in_name = headers.iter().any(|(name, _)| is_shown(name, &[':', '=', ' ', '\r']));
    assert!(is_shown(path, &['?']) || in_name || !message.contains(SECRET), "{message}");
}
