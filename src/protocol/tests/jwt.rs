//! What tokens say of themselves.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::protocol::jwt::{self, Claims};

fn token(header: &str, claims: &str) -> String {
    format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn those_of_a_nacos_have_a_user_and_an_end() {
    let claims = jwt::read(&token(r#"{"alg":"HS256"}"#, r#"{"sub":"nacos","exp":1700000000}"#)).unwrap();
    let exp = Some(std::time::Duration::from_secs(1_700_000_000));
    assert_eq!(claims, Claims { exp, sub: Some("nacos".into()), iss: None, is_of_nacos: true });
}

#[test]
fn those_of_others_are_told_from_them() {
    let read = |header: &str, claims: &str| jwt::read(&token(header, claims)).map(|claims| claims.is_of_nacos);
    assert_eq!(read(r#"{"alg":"RS256"}"#, r#"{"sub":"x","exp":1}"#), Some(false));
    assert_eq!(read(r#"{"alg":"HS256"}"#, r#"{"sub":"x","exp":1,"iss":"y"}"#), Some(false));
    assert_eq!(read(r#"{"alg":"HS256"}"#, r#"{"sub":"x"}"#), Some(false));
}

#[test]
fn whatever_else_it_is_is_no_jwt() {
    for text in ["", "a", "a.b", "a.b.c", "e30.e30", "e30.e30.c.d", "W10.e30.c", "\u{e4}.e30.c"] {
        assert_eq!(jwt::read(text), None, "{text}");
    }
    assert_eq!(jwt::read(&token("{}", &format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000)))), None);
    for exp in ["-1", "1e400", "\"soon\"", "null", "1e30"] {
        let claims = jwt::read(&token(r#"{"alg":"HS256"}"#, &format!(r#"{{"sub":"x","exp":{exp}}}"#)));
        assert!(claims.is_none_or(|claims| claims.exp.is_none() && !claims.is_of_nacos), "{exp}");
    }
}
