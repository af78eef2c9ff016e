use crate::protocol::server::{Server, check_path, parse};

fn urls(list: &str, context: Option<&str>) -> Vec<String> {
    let url = |s: &Server| {
        let scheme = if s.is_https() { "https" } else { "http" };
        format!("{scheme}://{}:{}{}", s.host(), s.port(), s.target("/v1/cs/configs", None).unwrap())
    };
    parse(list, context).unwrap().iter().map(url).collect()
}

#[test]
fn defaults_and_lists() {
    assert_eq!(urls("a", None), ["http://a:8848/nacos/v1/cs/configs"]);
    assert_eq!(
        urls(" a:1 ;https://b:443,, HTTP://[::1]:2", Some("x/")),
        ["http://a:1/x/v1/cs/configs", "https://b:443/x/v1/cs/configs", "http://[::1]:2/x/v1/cs/configs"]
    );
    assert_eq!(urls("a:80", Some("")), ["http://a:80/v1/cs/configs"]);
    assert_eq!(urls("https://a", Some("/")), ["https://a:8848/v1/cs/configs"]);
}

#[test]
fn mistakes_name_the_field_and_hide_passwords() {
    for bad in ["", " , ", "ftp://a", "a:0", "a:99999", "a:b", "http://a/nacos", "http://u:hunter2@a", "a b", ":1"] {
        let message = parse(bad, None).unwrap_err().to_string();
        assert!(message.starts_with("server_addr:") && !message.contains("hunter2"), "{bad}: {message}");
    }
    for bad in ["/a?b", "a//b", "a b", "/ä", "..", "/a/./b"] {
        assert!(parse("a", Some(bad)).unwrap_err().message().starts_with("context_path:"), "{bad}");
    }
}

#[test]
fn no_path_leads_out_of_the_context_path() {
    let dots = [
        ".",
        "..",
        "%2e",
        "%2E",
        ".%2e",
        "%2e.",
        "%2E%2e",
        "%252e%252e",
        "%25252e.",
        "..;x",
        ".;",
        "..%3bx=1",
        "..%00",
        "..%20",
    ];
    for dots in dots {
        for path in [
            format!("/{dots}"),
            format!("/{dots}/x"),
            format!("/{dots}?x=1"),
            format!("/v1/{dots}"),
            format!("/v1/{dots}/../x"),
            format!("/v1/cs/{dots}/{dots}/{dots}/x"),
            format!("/v1%2f{dots}%2Fx"),
            format!("/v1%5c{dots}%5Cx"),
            format!("/v1%252f{dots}%255cx"),
            format!("/v1%5c{dots}/x"),
        ] {
            let message = check_path(&path).expect_err(&path).to_string();
            assert!(message.starts_with("path: ") && message.contains("segment"), "{path}: {message}");
        }
        let backslashes = format!("/v1\\{dots}\\x");
        assert!(check_path(&backslashes).unwrap_err().message().starts_with("path: holds a backslash"));
    }
}

#[test]
fn other_paths_stay_as_they_are() {
    for path in [
        "/v1/cs/configs",
        "/v1/cs/configs?dataId=../a&x=..%2f..",
        "/v1/a.b/..c/d../...",
        "/v1/%2e%2ea/x;y=..",
        "/v1/a%2Fb%5Cc",
        "/v1/100%25",
        "/v1/%zz/%",
        "/ä",
    ] {
        check_path(path).expect(path);
        let target = parse("a", None).unwrap()[0].target(path, None).unwrap();
        assert!(target.path().starts_with("/nacos/"), "{target}");
    }
    let server = &parse("a", None).unwrap()[0];
    let target = |path, parameters: &[(&'static str, &'static str)]| {
        server.target(path, parameters.iter().copied()).unwrap().to_string()
    };
    assert_eq!(target("/v1/a%2Fb;x?dataId=../a", &[]), "/nacos/v1/a%2Fb;x?dataId=../a");
    assert_eq!(target("/v1/ä?x=1", &[("a b", "&=ü"), ("c", "")]), "/nacos/v1/%C3%A4?x=1&a+b=%26%3D%C3%BC&c=");
    assert_eq!(target("/v1/x", &[("a", "b")]), "/nacos/v1/x?a=b");
}

#[test]
fn paths_that_http_does_not_take_are_refused() {
    for path in ["", "x", "//x", "/a//b", "/a b", "/a#b", "/a\r\nb", "/a\tb", "/\u{85}", "/a\\b"] {
        assert!(check_path(path).unwrap_err().message().starts_with("path: "), "{path:?}");
    }
    assert!(check_path("/a?b=\\").is_ok());
}
