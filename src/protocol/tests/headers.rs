use crate::{Kind, Request};

#[test]
fn headers_that_frame_a_message_or_belong_to_a_connection_are_refused() {
    for name in [
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "Upgrade",
        "Expect",
        "TE",
        "Trailer",
        "HTTP2-Settings",
    ] {
        for name in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
            let error = Request::post("/v1/cs/configs").unwrap().header(&name, "x").err().expect(&name);
            assert_eq!(error.kind(), Kind::InvalidArgument);
            let begin = format!("headers: \"{}\" ", name.to_lowercase());
            assert!(error.message().starts_with(&begin) && error.message().contains("leave it out"), "{error}");
        }
    }
}

#[test]
fn other_headers_are_the_callers() {
    for name in ["Accept", "Content-Type", "Accept-Encoding", "Cookie", "X-Host", "Content-MD5", "Via", "Authorization"]
    {
        assert!(Request::get("/v1/x").unwrap().header(name, "x").is_ok(), "{name}");
    }
}
