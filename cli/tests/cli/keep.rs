//! `keep`: whoever reads the file at any time finds a token that servers take.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::support::{Running, bare, command, run, server, wait_for};

#[test]
fn the_file_holds_a_good_token_over_expiries_and_a_new_secret() {
    let server = server(4);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let child = command(&server).args(["keep", "--check", "200ms", "--file"]).arg(&file).stderr(Stdio::null()).spawn();
    let mut running = Running { child: child.unwrap() };
    wait_for("a first token", || file.exists());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let takes = |token: &str| {
        let mut reader = bare();
        reader.env("NACOS_SERVER_ADDR", server.address().to_string()).env("NACOS_TOKEN", token);
        run(reader.args(["request", "GET", "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"])).0 == 0
    };
    let (began, mut tokens, mut changed) = (Instant::now(), Vec::new(), false);
    while began.elapsed() < Duration::from_secs(13) {
        let token = fs::read_to_string(&file).unwrap();
        // Who reads shortly before a token's end, and is slow, reads again.
        if !takes(&token) {
            let other = fs::read_to_string(&file).unwrap();
            assert!(other != token && takes(&other), "unusable after {:?}", began.elapsed());
        }
        if tokens.last() != Some(&token) {
            tokens.push(token);
        }
        if !changed && began.elapsed() > Duration::from_secs(6) {
            changed = true;
            server.set_secret(None).unwrap();
            wait_for("a token of the new secret", || takes(&fs::read_to_string(&file).unwrap()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(tokens.len() >= 4, "{}", tokens.len());
    running.signal("TERM");
    assert_eq!(running.end(), Some(0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn it_waits_for_a_server_and_for_credentials() {
    let server = server(100);
    server.set_password("nacos", "other");
    let folder = tempfile::tempdir().unwrap();
    let (file, password) = (folder.path().join("token"), folder.path().join("password"));
    fs::write(&password, "nacos").unwrap();
    let mut keep = bare();
    keep.env("NACOS_SERVER_ADDR", server.address().to_string()).env("NACOS_USERNAME", "nacos");
    keep.env("NACOS_PASSWORD_FILE", &password).args(["keep", "--file"]).arg(&file).stderr(Stdio::null());
    let mut running = Running { child: keep.spawn().unwrap() };
    wait_for("a refused login", || server.counts().login_failures > 0);
    assert!(!file.exists());
    fs::write(&password, "other").unwrap();
    wait_for("a token", || file.exists());
    running.signal("INT");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn a_file_that_cannot_be_written_is_refused_at_once() {
    let server = server(100);
    for path in ["/nonexistent/token", "/", "/tmp", "/proc/token", ""] {
        let (status, _, err) = run(command(&server).args(["keep", "--file", path]));
        assert!(status == 2 && err.contains(path), "{path}: {err}");
    }
    assert_eq!(server.counts().logins, 0);
}
