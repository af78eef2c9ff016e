//! `token`, `request`, and what is generated.

use std::{fs, io::Write, process::Stdio};

use crate::support::{bare, command, run, server, text};

#[test]
fn a_token_is_printed_in_three_shapes() {
    let server = server(100);
    let (status, plain, err) = run(command(&server).arg("token"));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(plain.trim().split('.').count(), 3);
    let (_, header, _) = run(command(&server).args(["token", "--header"]));
    assert!(header.starts_with("Authorization: Bearer ") && header.ends_with('\n'), "{header}");
    let (_, header, _) = run(command(&server).args(["token", "--header", "--token-in", "header"]));
    assert!(header.starts_with("accessToken: "), "{header}");
    let (_, json, _) = run(command(&server).args(["token", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["token"].as_str().unwrap().split('.').count(), 3);
    let end = humantime::parse_rfc3339(json["expirationTimestamp"].as_str().unwrap()).unwrap();
    let left = end.duration_since(std::time::SystemTime::now()).unwrap().as_secs();
    assert!((60..=100).contains(&left), "{left}");
}

#[test]
fn exit_statuses_tell_why_and_messages_end_with_the_cause() {
    let server = server(100);
    for (name, value, status, cause) in [
        ("NACOS_PASSWORD", "secretword", 4, "wrong-credentials"),
        ("NACOS_SERVER_ADDR", "127.0.0.1:1", 3, "connection-refused"),
        ("NACOS_CONTEXT_PATH", "/elsewhere", 3, "wrong-context-path"),
    ] {
        let (code, out, err) = run(command(&server).env(name, value).args(["token", "--request-timeout", "5s"]));
        assert_eq!((code, out.as_str()), (status, ""), "{name}={value}: {err}");
        assert!(err.trim_end().ends_with(&format!("({cause})\n  see docs/causes.md#{cause}")), "{name}={value}: {err}");
        assert!(!err.contains("secretword"), "{err}");
    }
}

#[test]
fn a_request_goes_through_whatever_becomes_of_the_token() {
    let server = server(100);
    let query = ["-q", "dataId=demo", "-q", "group=DEFAULT_GROUP"];
    let (status, out, err) = run(command(&server).args(["request", "get", "/v1/cs/configs"]).args(query));
    assert_eq!((status, out.as_str(), err.as_str()), (0, "hello", ""));

    let data = ["-d", "dataId=中文", "-d", "group=G", "-d", "content=a&b=1 + 1"];
    let (status, out, _) = run(command(&server).args(["request", "POST", "/v1/cs/configs"]).args(data));
    assert_eq!((status, out.as_str()), (0, "true"));
    let (_, out, _) =
        run(command(&server).args(["request", "GET", "/v1/cs/configs", "-q", "dataId=中文", "-q", "group=G"]));
    assert_eq!(out, "a&b=1 + 1");

    let (status, out, err) = run(command(&server).args(["request", "GET", "/v1/cs/configs?dataId=none&group=G"]));
    assert_eq!((status, out.trim()), (1, "config data not exist"));
    assert!(err.contains("GET /v1/cs/configs at") && err.contains("HTTP 404") && !err.contains("dataId"), "{err}");
}

#[test]
fn a_body_comes_from_a_file_or_standard_input() {
    let server = server(100);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("form");
    fs::write(&file, "dataId=f&group=G&content=from+a+file").unwrap();
    let form = ["-H", "Content-Type: application/x-www-form-urlencoded"];
    let post = || {
        let mut command = command(&server);
        command.args(["request", "POST", "/v1/cs/configs"]).args(form).arg("--data-file");
        command
    };
    assert_eq!(run(post().arg(&file)).1, "true");
    let mut child = post().arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"dataId=s&group=G&content=from+a+pipe").unwrap();
    assert_eq!(text(&child.wait_with_output().unwrap().stdout), "true");
    for (data_id, content) in [("f", "from a file"), ("s", "from a pipe")] {
        let path = format!("/v1/cs/configs?dataId={data_id}&group=G");
        assert_eq!(run(command(&server).args(["request", "GET", &path])).1, content);
    }
    let (status, _, err) = run(post().arg("/nonexistent"));
    assert_eq!(status, 2);
    assert!(err.contains("/nonexistent"), "{err}");
}

#[test]
fn a_request_that_makes_no_sense_is_refused_before_it_is_sent() {
    let server = server(100);
    for (args, word) in [
        (&["G ET", "/v1"] as &[&str], "method: "),
        (&["GET", "v1"], "path: "),
        (&["GET", "/v1/../x"], "path: "),
        (&["GET", "/v1", "-H", "Authorization: Bearer secretword"], "token_in"),
        (&["GET", "/v1", "-H", "Content-Length: 3"], "content-length"),
        (&["GET", "/v1", "-q", "accessToken=secretword"], "accessToken"),
        (&["GET", "/v1", "-q", "x"], "NAME=VALUE"),
        (&["GET", "/v1", "-H", "x"], "NAME: VALUE"),
        (&["POST", "/v1", "-d", "a=b", "--data-file", "x"], "cannot be used with"),
    ] {
        let (status, _, err) = run(command(&server).arg("request").args(args));
        assert_eq!(status, 2, "{args:?}: {err}");
        assert!(err.contains(word) && !err.contains("secretword"), "{args:?}: {err}");
    }
    assert_eq!(server.counts().requests, 0);
}

#[test]
fn completions_and_man_pages_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        let (status, out, _) = run(bare().args(["completions", shell]));
        assert_eq!(status, 0);
        assert!(out.contains("nacos-auth") && out.contains("server-addr"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(bare().arg("man").arg(folder.path())).0, 0);
    for (page, word) in [("nacos-auth.1", "Exit status"), ("nacos-auth-exec.1", "NACOS_AUTH_TOKEN_FILE")] {
        let page = fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(page.contains(word), "{page}");
    }
}
