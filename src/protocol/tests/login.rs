use std::time::Duration;

use crate::protocol::login::{Reason::*, *};

fn ask(api: Api, status: u16, body: &str) -> Result<IssuedToken, LoginRefused> {
    read(api, status, body.as_bytes(), &"hunter2".into())
}

#[test]
fn the_form_is_encoded_exactly_once() {
    assert_eq!(*form("a b", &"+%&@$=ü".into()), "username=a+b&password=%2B%25%26%40%24%3D%C3%BC");
}

#[test]
fn ttl_in_every_shape() {
    let ttl = |text: &str| {
        let body = format!(r#"{{"accessToken":"t"{text}}}"#);
        ask(Api::V1, 200, &body).unwrap().ttl
    };
    assert_eq!(ttl(r#","tokenTtl":18000"#), Some(Duration::from_secs(18000)));
    assert_eq!(ttl(r#","tokenTtl":"18000""#), Some(Duration::from_secs(18000)));
    assert_eq!(ttl(r#","tokenTtl":1.5"#), Some(Duration::from_millis(1500)));
    assert_eq!(ttl(r#","tokenTtl":1e300"#), Some(Duration::MAX));
    assert_eq!(ttl(r#","tokenTtl":9223372036854775808"#).unwrap().as_secs(), 1 << 63);
    for none in ["", r#","tokenTtl":0"#, r#","tokenTtl":-1"#, r#","tokenTtl":null"#, r#","tokenTtl":"soon""#] {
        assert_eq!(ttl(none), None, "{none}");
    }
}

#[test]
fn every_kind_of_refusal() {
    for (api, status, body, reason) in [
        (Api::V1, 403, "unknown user!", Refused),
        (Api::V1, 500, "caused: User x not found;", Fault),
        (Api::V3, 500, r#"{"message":"No message available"}"#, Fault),
        (Api::V3, 404, "<html>", MissingApi),
        (Api::V3, 405, "", MissingApi),
        (Api::V1, 410, "{}", MissingApi),
        (Api::V3, 410, "{}", NotNacos),
        (Api::V3, 500, "caused: No static resource nacos/v3/auth/user/login.;", NotNacos),
        (Api::V1, 429, "", Overloaded),
        (Api::V1, 503, "", Overloaded),
        (Api::V1, 302, "", NotNacos),
        (Api::V1, 200, "<html>", NotNacos),
        (Api::V1, 200, "", NotNacos),
        (Api::V1, 200, r#"{"accessToken":"eyJ"#, NotNacos),
        (Api::V1, 200, r#"{"accessToken":"","tokenTtl":NaN}"#, NotNacos),
        (Api::V1, 200, "{\"accessToken\":\"a\\r\\nb\"}", NotNacos),
        (Api::V3, 200, r#"{"code":23000,"message":"Current Nacos auth plugin type is not `nacos`"}"#, Refused),
        (Api::V1, 200, r#"{"code":401,"message":"Login failed"}"#, Refused),
        (Api::V1, 200, r#"{"accessToken":""}"#, Refused),
        (Api::V1, 200, "[1]", NotNacos),
        (Api::V1, 200, r#"{"accessToken":42}"#, NotNacos),
    ] {
        assert_eq!(ask(api, status, body).unwrap_err().reason, reason, "{status} {body}");
    }
}

#[test]
fn unusual_successes() {
    assert_eq!(ask(Api::V1, 200, r#"{"code":200,"data":"Bearer abc"}"#).unwrap().token.expose(), "abc");
    let disabled = ask(Api::V1, 200, r#"{"accessToken":"AUTH_DISABLED","tokenTtl":1715002590}"#).unwrap();
    assert_eq!(disabled.token.expose(), "AUTH_DISABLED");
}

#[test]
fn half_a_token_is_not_quoted() {
    for body in [r#"{"accessToken":"9f8e7d6c5b4a"#, r#"{"tokenTtl":1,"accessToken": "9f8e7d6c5b4a" x"#] {
        for status in [200, 403, 500] {
            let refused = read(Api::V1, status, body.as_bytes(), &"hunter2".into()).unwrap_err();
            assert!(!refused.said.contains("9f8e"), "{status} {}", refused.said);
        }
    }
}
