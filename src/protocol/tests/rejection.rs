use crate::{
    protocol::{
        login,
        rejection::{READ, Rejection::*, classify},
    },
    secret::Secret,
};

#[test]
fn words_of_every_release() {
    for (status, body, class) in [
        (200, "token expired!", None),
        (404, "config data not exist", None),
        (403, "unknown user!", Some(Identity)),
        (403, r#"{"status":403,"message":"user not found!"}"#, Some(Identity)),
        (403, r#"{"message":"Code: 401, Message: token expired!."}"#, Some(Identity)),
        (403, "Invalid signature", Some(Identity)),
        (403, "unsupported signature algorithm", Some(Identity)),
        (403, "invalid token, username is empty", Some(Identity)),
        (401, "<html>Authorization Required</html>", Some(Unknown)),
        (401, "", Some(Unknown)),
        (401, r#"{"error":{"code":401,"status":"UNAUTHENTICATED"}}"#, Some(Unknown)),
        (401, r#"{"errorCode":"UNAUTHENTICATED","message":"no token"}"#, Some(Identity)),
        (401, "session expired!", Some(Identity)),
        (401, "Your session expired", Some(Unknown)),
        (401, r#"{"code":"error code: 401"}"#, Some(Unknown)),
        (403, "Error code: 403", Some(Unknown)),
        (
            403,
            r#"{"code":10001,"message":"access denied","data":"Code: 401, Message: token expired!."}"#,
            Some(Identity),
        ),
        (
            403,
            r#"{"code":10001,"message":"access denied","data":"Code: 403, Message: authorization failed!."}"#,
            Some(Permission),
        ),
        (
            403,
            r#"{"code":10001,"message":"access denied","data":"Code: 401, Message: No valid OIDC token found."}"#,
            Some(Identity),
        ),
        (500, "Server failed,JWT expired at 2026", Some(Identity)),
        (500, "token invalid!", None),
        (403, "authorization failed!", Some(Permission)),
        (403, "Code: 403, Message: authorization failed!.", Some(Permission)),
        (403, "Invalid server identity key or value, Please make sure", Some(Misconfigured)),
        (403, "", Some(Unknown)),
        (403, "<html>Forbidden</html>", Some(Unknown)),
    ] {
        assert_eq!(classify(status, body.as_bytes()), class, "{status} {body}");
    }
}

/// What Spring Boot makes of `message` for those who prefer HTML.
fn whitelabel(message: &str) -> String {
    format!(
        "<html><body><h1>Whitelabel Error Page</h1><p>This application has no explicit mapping for /error, so you are \
         seeing this as a fallback.</p><div id='created'>now</div><div>There was an unexpected error (type=Forbidden, \
         status=403).</div><div>{message}</div></body></html>"
    )
}

#[test]
fn a_page_gives_no_reason_unless_it_is_the_servers_own() {
    for page in [
        // Of Python's http.server, and of what was written after it.
        "<html><body><h1>Error response</h1><p>Error code: {}</p><p>Message: Forbidden.</p></body></html>",
        "<html><body>Error code: {}, Message: Forbidden.</body></html>",
        "<!DOCTYPE html><html>Your session expired! Please configure your browser: unknown user, token expired</html>",
        "\u{feff}\n <?xml version='1.0'?><Error>authorization failed: JWT expired ({})</Error>",
    ] {
        for status in [401, 403] {
            let page = page.replace("{}", &status.to_string());
            assert_eq!(classify(status, page.as_bytes()), Some(Unknown), "{status} {page}");
        }
        assert_eq!(classify(500, page.as_bytes()), None, "{page}");
    }
    for (message, class) in [
        ("token expired!", Identity),
        ("Code: 401, Message: token expired!.", Identity),
        ("authorization failed!", Permission),
        ("Code: 403, Message: authorization failed!.", Permission),
        ("No message available", Unknown),
    ] {
        assert_eq!(classify(403, whitelabel(message).as_bytes()), Some(class), "{message}");
    }
}

#[test]
fn only_the_first_4_kib_are_read_and_any_bytes_will_do() {
    let mut body = vec![0xff; READ];
    body.extend(b"token expired!");
    assert_eq!(classify(403, &body), Some(Unknown));
}

/// Status and words of each row in the tables of a section of the page on 403.
fn rows(section: &str) -> Vec<(u16, String)> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/403.md")).unwrap();
    let text =
        page.split("\n#").find_map(|part| part.trim_start_matches([' ', '#']).strip_prefix(section)).expect(section);
    let cells = |row: &str| Some((row.split('|').nth(1)?.trim().parse().ok()?, row.split('`').nth(1)?.to_owned()));
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    assert!(!rows.is_empty(), "{section}");
    rows.into_iter().map(|row| cells(row).expect(row)).collect()
}

#[test]
fn the_page_on_403_says_what_the_library_reads() {
    for (section, class) in [
        ("The token is no good", Identity),
        ("The user may not do that", Permission),
        ("The server lacks a setting", Misconfigured),
        ("Neither", Unknown),
    ] {
        for (status, words) in rows(section) {
            for body in [words.clone(), format!(r#"{{"status":{status},"message":"{words}"}}"#)] {
                assert_eq!(classify(status, body.as_bytes()), Some(class), "{section}: {status} {body}");
            }
        }
    }
    for (status, words) in rows("When the login itself is refused") {
        let refused = login::read(status, words.as_bytes(), &Secret::from("hunter2")).unwrap_err();
        let console = words.contains("No static resource");
        let words = words.split('"').rfind(|part| part.contains(' ')).unwrap_or(&words);
        assert!(
            (refused.known == Some(crate::Cause::ConsolePort)) == console && (console || refused.said.contains(words)),
            "{status} {words}: {refused:?}"
        );
    }
}
