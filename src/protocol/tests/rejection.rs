use crate::protocol::rejection::{READ, Rejection::*, classify};

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

#[test]
fn only_the_first_4_kib_are_read_and_any_bytes_will_do() {
    let mut body = vec![0xff; READ];
    body.extend(b"token expired!");
    assert_eq!(classify(403, &body), Some(Unknown));
}
