//! `doctor`: what the library finds, on the screen, as JSON and as an exit status.

use std::fs;

use crate::support::{command, run, server};

#[test]
fn the_exit_status_is_the_severity() {
    let server = server(18000);
    let (status, out, err) =
        run(command(&server).args(["doctor", "GET", "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"]));
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("ok"), "{out}");
    let (status, out, _) = run(command(&server).env("NACOS_PASSWORD", "secretword").arg("doctor"));
    assert_eq!(status, 1, "{out}");
    assert!(out.contains("wrong-credentials") && !out.contains("secretword") && !out.contains('\x1b'), "{out}");
    server.set_ttl(5);
    let (status, out, _) = run(command(&server).arg("doctor"));
    assert_eq!(status, 6, "{out}");
}

#[test]
fn json_is_one_document_and_a_token_of_the_users_is_looked_at() {
    let server = server(18000);
    let folder = tempfile::tempdir().unwrap();
    let (_, token, _) = run(command(&server).arg("token"));
    let file = folder.path().join("token");
    fs::write(&file, &token).unwrap();
    server.set_secret(None).unwrap();
    let (status, out, _) = run(command(&server).args(["doctor", "--json", "--token-file"]).arg(&file));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, json["severity"].as_str()), (1, Some("error")), "{out}");
    assert!(!out.contains(token.trim()), "{out}");
    let (status, _, err) = run(command(&server).args(["doctor", "GET"]));
    assert_eq!(status, 2, "{err}");
    let (status, _, err) = run(command(&server).args(["doctor", "--token-file", "/nonexistent"]));
    assert!(status == 2 && err.contains("/nonexistent"), "{err}");
}
