use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{protocol::place::TokenPlace, secret::Secret};

#[test]
fn each_place_is_where_the_token_goes() {
    for (place, header, parameter) in [
        (TokenPlace::Authorization, Some(("authorization", "Bearer t")), None),
        (TokenPlace::Header, Some(("accesstoken", "t")), None),
        (TokenPlace::Query, None, Some(("accessToken", "t"))),
    ] {
        let (mut headers, token) = (HeaderMap::new(), Secret::from("t"));
        assert_eq!(place.attach(&token, &mut headers).unwrap(), parameter);
        assert_eq!(headers.iter().next().map(|(n, v)| (n.as_str(), v.to_str().unwrap())), header);
        assert!(headers.values().all(HeaderValue::is_sensitive));
    }
}

#[test]
fn what_would_beat_our_token_is_refused() {
    let check = |c: TokenPlace, n: &'static str, v: &'static str| {
        c.check_header(&HeaderName::from_static(n), &HeaderValue::from_static(v)).is_ok()
    };
    assert!(!check(TokenPlace::Authorization, "authorization", "Basic x"));
    assert!(check(TokenPlace::Header, "authorization", "Basic x"));
    assert!(!check(TokenPlace::Query, "authorization", "bearer x"));
    assert!(!check(TokenPlace::Query, "accesstoken", "x"));
    assert!(check(TokenPlace::Authorization, "accept", "x"));
    assert!(TokenPlace::Authorization.check_parameter("accesstoken").is_err());
    assert!(TokenPlace::Authorization.check_parameter("dataId").is_ok());
}
