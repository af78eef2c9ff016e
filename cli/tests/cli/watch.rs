//! `watch`, where there is no terminal.

use std::{io::Read, process::Stdio};

use crate::support::{Running, command, run, server, wait_for};

#[test]
fn lines_tell_of_logins_refusals_and_ends() {
    let server = server(100);
    let mut child = command(&server).args(["watch", "--every", "100ms"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut running = Running { child };
    wait_for("a login", || server.counts().logins == 1);
    server.set_secret(None).unwrap();
    wait_for("a second one", || server.counts().logins == 2);
    let mut out = String::new();
    while !out.contains("1 after refusals") {
        let mut some = [0; 4096];
        let length = stdout.read(&mut some).unwrap();
        assert!(length > 0, "{out}");
        out += &String::from_utf8_lossy(&some[..length]);
    }
    running.signal("INT");
    assert_eq!(running.end(), Some(0));
    assert!(out.contains("good for 9") && out.contains("Invalid signature (token-expired)"), "{out}");
    assert!(out.contains("logins 2 (1 first, 0 renewals, 1 after refusals), 0 failed"), "{out}");
    assert!(!out.contains('\x1b'), "{out}");
}

#[test]
fn a_wrong_password_is_shown_and_not_printed() {
    let server = server(100);
    let (status, out, _) = run(command(&server).env("NACOS_PASSWORD", "secretword").args(["watch", "--for", "3s"]));
    assert_eq!(status, 0);
    assert!(out.contains("(wrong-credentials)") && !out.contains("secretword"), "{out}");
}
