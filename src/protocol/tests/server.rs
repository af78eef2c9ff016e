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
fn an_ipv6_address_without_brackets_is_shown_with_them() {
    for (entry, shown) in [
        ("::1:8848", "[::1]:8848"),
        ("::1", "[::1]:8848"),
        ("http://2001:db8::5:9848", "[2001:db8::5]:9848"),
        ("2001:db8:0:0:0:0:0:5", "[2001:db8:0:0:0:0:0:5]:8848"),
        ("fe80::a", "[fe80::a]:8848"),
    ] {
        let message = parse(&format!("a,{entry}"), None).unwrap_err().to_string();
        assert!(message.starts_with("server_addr:") && message.contains(&format!("like \"{shown}\"")), "{message}");
    }
    let message = parse("a:1:2", None).unwrap_err().to_string();
    assert!(!message.contains("bracket"), "{message}");
}

#[test]
fn what_other_programs_put_behind_an_address_is_named() {
    for (entry, part) in [
        ("a:8848?weight=3", "\"?weight…\""),
        ("nacos://a:8848?username=nacos&password=hunter2", "\"?username…\""),
        ("https://a:443/?x", "\"?x\""),
        ("a:8848#main", "\"#main\""),
        ("a:8848/nacos#/login?hunter2", "\"#…\""),
        ("a?hunter2 b", "\"?…\""),
        ("a?", "\"?\""),
    ] {
        let message = parse(&format!("b,{entry}"), None).unwrap_err().to_string();
        let says = format!("{part} does not belong into an address; leave it out");
        assert!(message.starts_with("server_addr:") && message.contains(&says), "{entry}: {message}");
        assert!(!message.contains("hunter2") && !message.contains("nacos:nacos"), "{entry}: {message}");
    }
}

#[test]
fn a_host_of_other_letters_is_looked_up_as_the_dns_has_it() {
    assert_eq!(urls("bücher.example", Some("/")), ["http://xn--bcher-kva.example:8848/v1/cs/configs"]);
    let mixed = urls("https://BÜCHER.example:443/,xn--bcher-kva.example:1,例え.テスト:80", Some("/"));
    assert_eq!(
        mixed,
        [
            "https://xn--bcher-kva.example:443/v1/cs/configs",
            "http://xn--bcher-kva.example:1/v1/cs/configs",
            "http://xn--r8jz45g.xn--zckzah:80/v1/cs/configs"
        ]
    );
    for bad in ["bü cher.example", "bücher..example/x", "ü@a", "http://ü:x"] {
        assert!(parse(bad, None).unwrap_err().message().starts_with("server_addr:"), "{bad}");
    }
}

#[test]
fn a_path_that_repeats_the_context_path_is_seen() {
    let repeats = |context, path| parse("a", context).unwrap()[0].repeated_context(path).map(str::to_owned);
    assert_eq!(repeats(None, "/nacos/v1/cs/configs").as_deref(), Some("/nacos"));
    assert_eq!(repeats(Some("/a/b"), "/a/b/v1").as_deref(), Some("/a/b"));
    for (context, path) in [(None, "/v1/nacos/x"), (None, "/nacosx/v1"), (None, "/nacos"), (Some("/"), "/nacos/v1")] {
        assert_eq!(repeats(context, path), None, "{context:?} {path}");
    }
}

#[test]
fn what_is_too_long_is_said_to_be() {
    let server = &parse("a", None).unwrap()[0];
    let (long, value) = (format!("/{}", "a".repeat(70_000)), "v".repeat(70_000));
    for (path, query) in [(&*long, None), ("/v1", Some(("name", &*value)))] {
        let error = server.target(path, query).unwrap_err();
        assert!(error.message().starts_with("path and query: 70"), "{error}");
        assert!(error.message().contains("65534"), "{error}");
    }
    server.target("/v1", Some(("name", &*"v".repeat(65_000)))).unwrap();
    parse("a", Some(&"a".repeat(1024))).unwrap();
    let error = parse("a", Some(&"a".repeat(1025))).unwrap_err();
    assert!(error.message().starts_with("context_path:") && error.message().contains("1024"), "{error}");
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
        ".%09.",
        "%c0%ae%c0%ae",
        ".\u{200b}.",
        ".%e2%80%8b.",
        "%ef%bb%bf..",
        ".%c2%ad",
        "..%ff",
        "%C0%AE.",
        "%e0%80%ae%e0%80%ae",
        "%f0%80%80%ae.",
        "%25c0%25ae.",
        "%u002e%u002e",
        "%U002E.",
        "%25u002e.",
        "%uff0e%uFF0E",
        "\u{ff0e}\u{ff0e}",
        ".\u{ff0e}",
        "%EF%BC%8E%ef%bc%8e",
        "%ef%bc%8e",
        "\u{2025}",
        "\u{2024}.",
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
            format!("/v1/{dots}%c0%afx"),
            format!("/v1/{dots}%e0%80%afx"),
            format!("/v1%u002f{dots}%u002Fx"),
            format!("/v1\u{ff0f}{dots}\u{ff0f}x"),
            format!("/v1/{dots}%ef%bc%8fx"),
            format!("/v1/{dots}%c1%9cx"),
            format!("/v1/{dots}%u005cx"),
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
        "/v1/%u002/%u/%uzzzz",
        "/v1/a%u002e%u002e/a\u{ff0e}\u{ff0e}",
        "/v1/%c0%c0%e0/%e4%b8%ad",
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

#[test]
fn a_server_is_recognised_by_its_address_and_by_any_url_of_it() {
    let list = parse("a.example,http://b.example,https://c.example:443,[::1]:9000", None).unwrap();
    for (text, at) in [
        ("a.example", 0),
        ("A.example:8848", 0),
        ("http://a.example:8848/nacos/v1/cs/configs?dataId=x", 0),
        ("http://b.example", 1),
        ("b.example:8848", 1),
        ("https://c.example", 2),
        ("https://c.example/nacos", 2),
        ("c.example:443", 2),
        ("[::1]:9000", 3),
        ("http://[::1]:9000/", 3),
    ] {
        assert_eq!(list.iter().position(|server| server.is(text)), Some(at), "{text}");
    }
    for text in ["", "elsewhere", "a.example:1", "http://", "://", "[::1]", "a.example,elsewhere x"] {
        assert!(list.iter().all(|server| !server.is(text)), "{text}");
    }
}

#[test]
fn a_password_in_an_address_is_hidden_wherever_it_would_be_cut() {
    for password in
        ["hunter2", "hun,ter2", "hun;ter2", "hun?ter2", "hun#ter2", "hun/ter2", "hun@ter2", "hun:ter2", "ü hun"]
    {
        for list in [
            format!("http://nacos:{password}@a:8848"),
            format!("nacos:{password}@a"),
            format!("b, http://nacos:{password}@a/nacos?x=1"),
            format!("http://nacos:{password}@a:1,c:0"),
            format!("ftp://nacos:{password}@a,c"),
            format!("a:8848?password={password}@"),
            format!("{password}:0,nacos@b"),
        ] {
            let message = parse(&list, None).unwrap_err().to_string();
            assert!(message.starts_with("server_addr:"), "{message}");
            assert!(!message.contains("hun") && !message.contains("ter2"), "{list}: {message}");
            assert!(message.contains("user and password do not belong into the address"), "{list}: {message}");
        }
    }
}
