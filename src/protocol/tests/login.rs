use std::time::Duration;

use crate::{
    Cause,
    protocol::login::{Reason::*, *},
};

fn ask(status: u16, body: &str) -> Result<IssuedToken, LoginRefused> {
    read(status, body.as_bytes(), &"hunter2".into())
}

#[test]
fn the_form_is_encoded_exactly_once() {
    assert_eq!(*form("a b", &"+%&@$=ü".into()), "username=a+b&password=%2B%25%26%40%24%3D%C3%BC");
}

#[test]
fn a_byte_order_mark_before_an_answer_is_no_part_of_it() {
    assert_eq!(ask(200, "\u{feff}{\"accessToken\":\"t\"}").unwrap().token.expose(), "t");
    let words = r#"{"code":403,"message":"access denied","header":null,"data":"user not found!"}"#;
    let [bare, marked] = ["", "\u{feff}"].map(|mark| ask(403, &format!("{mark}{words}")).unwrap_err());
    assert_eq!((marked.is_verdict, marked.said), (bare.is_verdict, bare.said));
}

#[test]
fn ttl_in_every_shape() {
    let ttl = |text: &str| {
        let body = format!(r#"{{"accessToken":"t"{text}}}"#);
        ask(200, &body).unwrap().ttl
    };
    assert_eq!(ttl(r#","tokenTtl":18000"#), Some(Duration::from_secs(18000)));
    assert_eq!(ttl(r#","tokenTtl":"18000""#), Some(Duration::from_secs(18000)));
    assert_eq!(ttl(r#","tokenTtl":1.5"#), Some(Duration::from_millis(1500)));
    assert_eq!(ttl(r#","tokenTtl":1e300"#), Some(Duration::MAX));
    assert_eq!(ttl(r#","tokenTtl":9223372036854775808"#).unwrap().as_secs(), 1 << 63);
    // What rounds to nothing is nothing.
    let nothing =
        [r#","tokenTtl":1e-300"#, r#","tokenTtl":1e-10"#, r#","tokenTtl":"0.0000000001""#, r#","tokenTtl":5e-324"#];
    for none in nothing {
        assert_eq!(ttl(none), None, "{none}");
    }
    for none in ["", r#","tokenTtl":0"#, r#","tokenTtl":-1"#, r#","tokenTtl":null"#, r#","tokenTtl":"soon""#] {
        assert_eq!(ttl(none), None, "{none}");
    }
}

#[test]
fn words_that_tell_why() {
    let cause = |status, body: &str| ask(status, body).unwrap_err().known;
    for (status, body, expected) in [
        (500, "caused: User x not found;", Some(Cause::UnknownUser)),
        (403, r#"{"timestamp":"t","status":403,"error":"E","message":"Access Denied"}"#, Some(Cause::UnknownUser)),
        (
            403,
            r#"{"code":10001,"message":"access denied","data":"User not found! Please check user exist or password is right!"}"#,
            None,
        ),
        (500, "caused: nobody;", Some(Cause::UnknownUser)),
        (500, "caused: null;", None),
        (500, "caused: Read timed out;", None),
        (500, "caused: java.lang.NullPointerException: null;", None),
        (403, "user not found!", None),
        (403, "unknown user!", None),
        (403, "LOGIN_LIMITE_ERROR,Frequent login, please try again later", Some(Cause::Throttled)),
        (
            400,
            "caused: Please config `nacos.core.auth.plugin.nacos.token.secret.key`;",
            Some(Cause::ServerSecretMissing),
        ),
        (
            500,
            "The specified key byte array is 0 bits which is not secure enough for any JWT HMAC-SHA algorithm.",
            Some(Cause::ServerSecretMissing),
        ),
        (
            200,
            r#"{"code":23000,"message":"Current Nacos auth plugin type is not `nacos`"}"#,
            Some(Cause::OtherAuthType),
        ),
        (500, "caused: No static resource nacos/v3/auth/user/login.;", Some(Cause::ConsolePort)),
        (403, "<html>Please configure your browser</html>", None),
        (403, r#"{"message":"Access Denied"}"#, None),
    ] {
        assert_eq!(cause(status, body), expected, "{status} {body}");
    }
}

#[test]
fn every_kind_of_refusal() {
    let framework = |status: u16, message: &str| {
        format!(
            r#"{{"timestamp":"t","status":{status},"error":"E","message":"{message}","path":"/nacos/v3/auth/user/login"}}"#
        )
    };
    // Of a Nacos, which has judged the credentials.
    for (status, body, reason) in [
        (403, "unknown user!".into(), Refused),
        (403, "user not found!".into(), Refused),
        (500, "caused: User x not found;".into(), Fault),
        (500, "caused: x;".into(), Fault),
        (500, framework(500, "No message available"), Fault),
        (500, framework(500, "Handle API Compatibility failed, please see log for detail."), Fault),
        (403, framework(403, "Access Denied"), Refused),
        (403, framework(403, "User not found! Please check user exist or password is right!"), Refused),
        (403, r#"{"status":403,"error":"Forbidden","path":"/nacos/v3/auth/user/login"}"#.into(), Refused),
        (403, "LOGIN_LIMITE_ERROR,Frequent login, please try again later".into(), Overloaded),
        (403, "Mailbox has closed".into(), Refused),
        (400, framework(400, "Please config `nacos.core.auth.plugin.nacos.token.secret.key`"), Refused),
        (500, "caused: No static resource nacos/v3/auth/user/login.;".into(), NotNacos),
        (429, String::new(), Overloaded),
        (500, r#"{"code":30000,"message":"server error","data":"x"}"#.into(), Fault),
        (
            403,
            r#"{"code":10001,"message":"access denied","data":"User not found! Please check user exist or password is right!"}"#.into(),
            Refused,
        ),
        (400, r#"{"code":10000,"message":"parameter missing","data":"Required parameter 'password'"}"#.into(), Refused),
        (403, "token expired!".into(), Refused),
        (403, "User not found! Please check user exist or password is right!".into(), Refused),
        (200, r#"{"code":23000,"message":"Current Nacos auth plugin type is not `nacos`"}"#.into(), Refused),
        (200, r#"{"code":401,"message":"Login failed"}"#.into(), Refused),
        (200, r#"{"accessToken":""}"#.into(), Refused),
    ] {
        let refused = ask(status, &body).unwrap_err();
        assert_eq!((refused.reason, refused.is_verdict), (reason, true), "{status} {body}");
    }
    // Of whatever else: another path may do better.
    for (status, body, reason) in [
        (404, "<html>".into(), MissingApi),
        (404, framework(404, "No message available"), MissingApi),
        (405, String::new(), MissingApi),
        (501, "<html>".into(), MissingApi),
        (410, "{}".into(), MissingApi),
        (403, framework(403, "unknown user!"), MissingApi),
        (403, "<html>Access Denied</html>".into(), Refused),
        (401, String::new(), Refused),
        (400, "Bad Request".into(), Refused),
        (403, r#"{"message":"no Route matched with those values"}"#.into(), Refused),
        (403, r#"{"code":403,"message":"Forbidden"}"#.into(), Refused),
        (500, "<html>".into(), Fault),
        // Words that gateways use as well, in shapes that no login of a Nacos has.
        (403, "RBAC: access denied".into(), Refused),
        (403, "access denied by plugin".into(), Refused),
        (401, "Access denied due to missing subscription key".into(), Refused),
        (401, r#"{"error":"invalid_token","error_description":"Bad credentials"}"#.into(), Refused),
        (403, r#"{"message":"invalid token"}"#.into(), Refused),
        (403, r#"{"message":"user not found!"}"#.into(), Refused),
        (403, r#"{"code":30000,"message":"route not found"}"#.into(), Refused),
        (401, r#"{"message":"user not found"}"#.into(), Refused),
        (401, framework(401, "Unauthorized"), Refused),
        (401, "unknown user!".into(), Refused),
        (403, framework(401, "login first"), Refused),
        (500, r#"{"code":500,"message":"No static resource nacos/v3/auth/user/login."}"#.into(), NotNacos),
        (500, r#"{"message":"please config a route"}"#.into(), Fault),
        // Nacos has no login that says so. A page or a document with 502 and 504 is a gateway's, whatever wrote it.
        (503, framework(503, "Unable to find instance"), Overloaded),
        (502, framework(502, "Unable to find instance"), Gateway),
        (504, framework(504, "x"), Gateway),
        (502, "<html>".into(), Gateway),
        (503, String::new(), Gateway),
        (
            503,
            r#"{"timestamp":"t","path":"/","status":503,"error":"Service Unavailable","requestId":"1"}"#.into(),
            Gateway,
        ),
        (504, "upstream request timeout".into(), Gateway),
        (522, "<html>".into(), Gateway),
        (302, String::new(), NotNacos),
        (200, r#"{"message":"locked"}"#.into(), Refused),
        (201, "{}".into(), Refused),
        (200, r#"{"code":30000,"message":"route not found"}"#.into(), Refused),
        (200, r#"{"code":30000,"message":"route not found","data":null}"#.into(), NotNacos),
        (200, r#"{"code":401,"message":"Login failed, token missing"}"#.into(), Refused),
        (200, r#"{"code":403,"message":"user not found!"}"#.into(), Refused),
        (200, r#"{"code":0,"data":{},"message":"ok"}"#.into(), NotNacos),
        (200, "<html>".into(), NotNacos),
        (200, String::new(), NotNacos),
        (200, r#"{"accessToken":"eyJ"#.into(), NotNacos),
        (200, r#"{"accessToken":"","tokenTtl":NaN}"#.into(), NotNacos),
        (200, "{\"accessToken\":\"a\\r\\nb\"}".into(), NotNacos),
        (200, "[1]".into(), NotNacos),
        (200, r#"{"accessToken":42}"#.into(), NotNacos),
    ] {
        let refused = ask(status, &body).unwrap_err();
        assert_eq!((refused.reason, refused.is_verdict), (reason, false), "{status} {body}");
    }
}

#[test]
fn unusual_successes() {
    assert_eq!(ask(200, r#"{"code":200,"data":"Bearer abc"}"#).unwrap().token.expose(), "abc");
    let disabled = ask(200, r#"{"accessToken":"AUTH_DISABLED","tokenTtl":1715002590}"#).unwrap();
    assert_eq!(disabled.token.expose(), "AUTH_DISABLED");
}

#[test]
fn half_a_token_is_not_quoted() {
    for body in [r#"{"accessToken":"9f8e7d6c5b4a"#, r#"{"tokenTtl":1,"accessToken": "9f8e7d6c5b4a" x"#] {
        for status in [200, 403, 500] {
            let refused = read(status, body.as_bytes(), &"hunter2".into()).unwrap_err();
            assert!(!refused.said.contains("9f8e"), "{status} {}", refused.said);
        }
    }
}

#[test]
fn a_user_name_in_another_charset_costs_no_token() {
    for name in [&b"m\xfcller"[..], b"\xb9\xdc\xc0\xed\xd4\xb1", b"\xff"] {
        let answer = [br#"{"accessToken":"t0k.en","tokenTtl":18000,"username":""#, name, br#""}"#].concat();
        let issued = read(200, &answer, &"hunter2".into()).unwrap();
        assert_eq!((issued.token.expose(), issued.ttl), ("t0k.en", Some(Duration::from_secs(18_000))));
    }
    assert!(read(200, b"{\"accessToken\":\"t\xfck\"}", &"hunter2".into()).is_err(), "in the token it does");
}
