use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{protocol::carriage::Carriage, secret::Secret};

#[test]
fn each_carriage_has_its_place() {
    for (carriage, header, parameter) in [
        (Carriage::Bearer, Some(("authorization", "Bearer t")), None),
        (Carriage::Header, Some(("accesstoken", "t")), None),
        (Carriage::Query, None, Some(("accessToken", "t"))),
    ] {
        let (mut headers, token) = (HeaderMap::new(), Secret::from("t"));
        assert_eq!(carriage.attach(&token, &mut headers).unwrap(), parameter);
        assert_eq!(headers.iter().next().map(|(n, v)| (n.as_str(), v.to_str().unwrap())), header);
        assert!(headers.values().all(HeaderValue::is_sensitive));
    }
}

#[test]
fn what_would_beat_our_token_is_refused() {
    let check = |c: Carriage, n: &'static str, v: &'static str| {
        c.check_header(&HeaderName::from_static(n), &HeaderValue::from_static(v)).is_ok()
    };
    assert!(!check(Carriage::Bearer, "authorization", "Basic x"));
    assert!(check(Carriage::Header, "authorization", "Basic x"));
    assert!(!check(Carriage::Query, "authorization", "bearer x"));
    assert!(!check(Carriage::Query, "accesstoken", "x"));
    assert!(check(Carriage::Bearer, "accept", "x"));
    assert!(Carriage::Bearer.check_parameter("accesstoken").is_err());
    assert!(Carriage::Bearer.check_parameter("dataId").is_ok());
}
