//! Details of the client; what it is for stands in the situations.

use super::*;

#[test]
fn without_a_server_calls_wait_for_the_next_attempt_if_their_deadline_allows() {
    let f = fixture(SOON, Box::new(|_| Err(Fault::Connect)), Box::new(|_| Err(Fault::Connect)));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::Connect);
    let began = Instant::now();
    let hasty = f.client.token_within(Duration::from_millis(100), None).unwrap_err();
    assert_eq!(hasty.kind(), Kind::Connect);
    assert!(hasty.retry_after().is_some() && began.elapsed() < Duration::from_millis(90));
    let before = f.logins();
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::Connect);
    assert_eq!(f.logins(), before + 1, "one attempt more");
}

#[test]
fn a_broken_connection_is_retried_once_and_only_if_that_does_no_harm() {
    for (method, sent) in [("GET", 2), ("DELETE", 2), ("POST", 1)] {
        let f = fixture(SOON, tokens().0, Box::new(|_| Err(Fault::Io)));
        let error = f.client.request(Request::new(method, "/v1/x").unwrap()).err().unwrap();
        assert_eq!(error.kind(), Kind::Io);
        assert_eq!(f.requests(), sent, "{method}");
    }
}

#[test]
fn a_caller_with_its_own_http_stack_is_advised() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    let token = f.client.token().unwrap();
    let report =
        |generation, status, body: &str| f.client.report_rejected(generation, status, body.as_bytes()).unwrap();
    assert_eq!(report(token.generation, 200, "token expired!"), Advice::Return);
    assert_eq!(report(token.generation, 403, "authorization failed!"), Advice::Return);
    assert!(f.client.live().handle.cache.get().is_some());
    assert_eq!(report(token.generation, 403, "token expired!"), Advice::Replay);
    assert!(f.client.live().handle.cache.get().is_none());
    let next = f.client.token().unwrap();
    assert_eq!((next.secret.expose(), f.logins()), ("t2", 2));
    assert_eq!(report(token.generation, 403, "token expired!"), Advice::Replay, "late: no login");
    assert_eq!((f.client.token().unwrap().generation, f.logins()), (next.generation, 2));
}

#[test]
fn a_path_that_repeats_the_context_path_is_told_where_nothing_is_there() {
    let answered = |status, body, path: &str| {
        let f = fixture(SOON, tokens().0, says(status, body));
        f.client.request(Request::get(path).unwrap()).map(|answer| answer.status())
    };
    for (status, body) in [(404, ""), (404, r#"{"error":"Not Found"}"#), (500, "No static resource nacos/v1")] {
        let error = answered(status, body, "/nacos/v1/cs/configs?dataId=secret").unwrap_err();
        assert_eq!((error.kind(), error.http_status()), (Kind::InvalidArgument, Some(status)));
        let message = error.message();
        assert!(message.contains("/nacos/nacos") && message.contains("leave \"/nacos\" out"), "{message}");
        assert!(message.contains("context_path") && !message.contains("secret"), "{message}");
        assert_eq!(answered(status, body, "/v1/cs/configs").unwrap(), status, "another path is another matter");
    }
    // Whoever has such a path gets what is there.
    for (status, body) in [(200, ""), (404, "config data not exist"), (500, ""), (400, "")] {
        assert_eq!(answered(status, body, "/nacos/v1/cs/configs").unwrap(), status);
    }
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_name_of_the_argument() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    let refused = |request: Result<Request>| {
        let error = request.and_then(|r| f.client.request(r).map(|_| ())).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
        error.message().split(':').next().unwrap().to_owned()
    };
    assert_eq!(refused(Request::new("GE T", "/x")), "method");
    for path in ["x", "", "//x", "/a//b", "/a b", "/a#b", "/a\r\nb"] {
        assert_eq!(refused(Request::get(path)), "path", "{path:?}");
    }
    let get = || Request::get("/x").unwrap();
    assert_eq!(refused(get().header("a", "b\r\nc: d")), "headers");
    assert_eq!(refused(get().header("a b", "c")), "headers");
    assert_eq!(refused(get().header("Authorization", "Bearer x")), "headers");
    assert_eq!(refused(Ok(get().query("accessToken", "x"))), "query and form");
    assert_eq!(refused(Request::get("/x?accessToken=x")), "query and form");
    assert_eq!(refused(get().form([("accessToken", "x")])), "query and form");
    assert_eq!(f.requests(), 0);
}
