//! `watch`, where there is no terminal.

use std::thread;
use std::time::Duration;

use crate::support::{command, run, server};

#[test]
fn lines_tell_of_logins_refusals_and_ends() {
    let server = server(100);
    let (status, out, err) = thread::scope(|scope| {
        let watching = scope.spawn(|| run(command(&server).args(["watch", "--every", "100ms", "--for", "6s"])));
        thread::sleep(Duration::from_secs(2));
        server.set_secret(None).unwrap();
        watching.join().unwrap()
    });
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("good for 9") && out.contains("Invalid signature (token-expired)"), "{out}");
    assert!(out.contains("logins 2 (1 first, 0 renewals, 1 after refusals), 0 failed"), "{out}");
    assert!(!out.contains('\x1b'), "{out}");
}

#[test]
fn a_wrong_password_is_shown_and_not_printed() {
    let server = server(100);
    let (status, out, _) = run(command(&server).env("NACOS_PASSWORD", "secretword").args(["watch", "--for", "1s"]));
    assert_eq!(status, 0);
    assert!(out.contains("(wrong-credentials)") && !out.contains("secretword"), "{out}");
}
