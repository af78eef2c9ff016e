//! Where settings come from, and what is said of wrong ones.

use std::{fs, process::Command};

use crate::support::{bare, command, run, server};

#[test]
fn every_wrong_setting_names_itself_its_place_and_the_right_form() {
    type Case = (&'static [(&'static str, &'static str)], &'static [&'static str], &'static [&'static str]);
    let cases: &[Case] = &[
        (&[], &[], &["server_addr: not set", "--server-addr", "NACOS_SERVER_ADDR"]),
        (
            &[("NACOS_SERVER_ADDR", "ftp://x")],
            &[],
            &["server_addr: \"ftp://x\"", "write it like", "set by NACOS_SERVER_ADDR"],
        ),
        (&[], &["--server-addr", "a:b"], &["server_addr: ", "set by --server-addr"]),
        (&[], &["--server-addr", "u:secretword@a"], &["server_addr: ", "set username and password"]),
        (
            &[("NACOS_CONTEXT_PATH", "a b")],
            &["--server-addr", "a"],
            &["context_path: ", "\"/nacos\"", "NACOS_CONTEXT_PATH"],
        ),
        (
            &[("NACOS_TOKEN_IN", "bearer")],
            &["--server-addr", "a"],
            &["token_in: \"bearer\"", "header", "NACOS_TOKEN_IN"],
        ),
        (&[("NACOS_PROXY", "x")], &["--server-addr", "a"], &["proxy: ", "http://host:3128", "NACOS_PROXY"]),
        (&[("NACOS_CA_FILE", "/nonexistent")], &["--server-addr", "a"], &["ca_file: cannot read", "NACOS_CA_FILE"]),
        (&[("NACOS_CLIENT_CERT_FILE", "/x")], &["--server-addr", "a"], &["client_key_file", "NACOS_CLIENT_CERT_FILE"]),
        (&[("NACOS_TLS_SERVER_NAME", "a b")], &["--server-addr", "a"], &["tls_server_name: ", "NACOS_TLS_SERVER_NAME"]),
        (
            &[("NACOS_REQUEST_TIMEOUT", "soon")],
            &["--server-addr", "a"],
            &["request_timeout: \"soon\"", "write it like"],
        ),
        (&[("NACOS_REQUEST_TIMEOUT", "0s")], &["--server-addr", "a"], &["request_timeout: \"0s\""]),
        (
            &[("NACOS_PASSWORD_FILE", "/x")],
            &["--server-addr", "a"],
            &["password and password_file", "NACOS_PASSWORD_FILE"],
        ),
        (&[("NACOS_TOKEN", "secretword")], &["--server-addr", "a"], &["password and token", "NACOS_TOKEN"]),
        (&[("NACOS_USERNAME", "")], &["--server-addr", "a"], &["username: not set", "--username"]),
        (&[("NACOS_PASSWORD", "")], &["--server-addr", "a"], &["password: not set", "no terminal", "--password-file"]),
        (
            &[],
            &["--server-addr", "a", "--profile", "x", "--config", "/dev/null"],
            &["profile: ", "[profiles.x]", "no profiles"],
        ),
        (&[], &["--server-addr", "a", "--config", "/nonexistent"], &["config: cannot read /nonexistent"]),
        (&[], &["--server-addr", "a", "--profile", "x"], &["config: cannot read", "nacos-auth/config.toml"]),
    ];
    for (variables, args, words) in cases {
        let mut command = bare();
        command.env("NACOS_USERNAME", "me").env("NACOS_PASSWORD", "secretword").envs(variables.iter().copied());
        let (status, out, err) = run(command.arg("token").args(*args));
        assert_eq!((status, out.as_str()), (2, ""), "{variables:?} {args:?}: {err}");
        assert!(words.iter().all(|word| err.contains(word)), "{variables:?} {args:?}: {err}");
        assert!(err.contains("(invalid-config)\n  see docs/causes.md#invalid-config"), "{err}");
        assert!(!err.contains("secretword"), "{err}");
    }
}

#[test]
fn a_wrong_profile_names_its_file_and_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    for (text, words) in [
        ("[profiles.default]\npassword = \"secretword\"", ["password: does not belong", "password_file"]),
        ("[profiles.default]\ntoken = \"secretword\"", ["token: does not belong", "NACOS_TOKEN"]),
        ("[profiles.default]\nserver = \"a\"", ["server: there is no such setting", "server_addr"]),
        ("[profiles.default]\nserver_addr = 1", ["server_addr: is no text", "profile default"]),
        ("[profiles.default]\nserver_addr = \"ftp://x\"", ["server_addr: \"ftp://x\"", "profile default"]),
        ("profile = \"x\"\n[profiles.a]\n[profiles.b]", ["no [profiles.x]", "a, b"]),
        ("[profiles.default]\npassword = \"secretword", ["line 2", "config: "]),
        ("[profile.default]", ["line 1", "profile"]),
    ] {
        fs::write(&file, text).unwrap();
        let mut command = bare();
        command.env("NACOS_USERNAME", "me").env("NACOS_PASSWORD", "hidden");
        let (status, _, err) = run(command.args(["token", "--config"]).arg(&file));
        assert_eq!(status, 2, "{text}: {err}");
        assert!(words.iter().all(|word| err.contains(word)), "{text}: {err}");
        assert!(err.contains("config.toml") && !err.contains("secretword"), "{err}");
    }
}

#[test]
fn options_come_before_the_environment_and_that_before_the_file() {
    let server = server(100);
    let address = server.address().to_string();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("nacos-auth")).unwrap();
    fs::write(folder.path().join("nacos-auth/password"), "nacos\n").unwrap();
    let profile =
        format!("[profiles.test]\nserver_addr = \"{address}\"\nusername = \"nacos\"\npassword_file = \"password\"");
    fs::write(folder.path().join("nacos-auth/config.toml"), format!("profile = \"test\"\n{profile}")).unwrap();
    let with_file = || {
        let mut command = bare();
        command.env("XDG_CONFIG_HOME", folder.path()).arg("token");
        command
    };
    let status = |command: &mut Command| run(command).0;
    assert_eq!(status(&mut with_file()), 0);
    assert_eq!(status(with_file().env("NACOS_SERVER_ADDR", "127.0.0.1:1")), 3);
    assert_eq!(status(with_file().env("NACOS_SERVER_ADDR", "127.0.0.1:1").args(["--server-addr", &address])), 0);
    assert_eq!(status(with_file().env("NACOS_PASSWORD", "wrong")), 4);
    assert_eq!(status(with_file().args(["--profile", "other"])), 2);
    // A token for somebody who names a user is not the user's.
    assert_eq!(status(with_file().env("NACOS_TOKEN", "T").args(["--username", "nacos"])), 0);
    let (_, out, _) = run(with_file().env("NACOS_TOKEN", "T"));
    assert_eq!(out, "T\n");
}

#[test]
fn a_password_on_the_command_line_works_and_is_warned_of() {
    let server = server(100);
    let (status, out, err) = run(command(&server).args(["token", "--password", "nacos"]));
    assert_eq!(status, 0, "{err}");
    assert!(err.contains("warning") && err.contains("--password-file"), "{err}");
    assert_eq!(out.lines().count(), 1);
}
