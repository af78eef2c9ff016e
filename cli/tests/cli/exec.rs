//! `exec`: the command has a token and a proxy, and ends as it would without.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use devserver::Server;

use crate::support::{Running, command, run, server, wait_for};

fn shell(server: &Server, script: &str) -> Command {
    let mut command = command(server);
    command.args(["exec", "--listen", "127.0.0.1:0", "--check", "200ms", "--", "sh", "-c", script]);
    command
}

#[test]
fn the_command_finds_a_token_and_a_proxy_which_go_with_it() {
    let server = server(100);
    let script = "cat $NACOS_AUTH_TOKEN_FILE; echo; ls $NACOS_AUTH_SOCKET; echo $NACOS_AUTH_ADDR; stat -c %a $NACOS_AUTH_TOKEN_FILE $NACOS_AUTH_SOCKET $(dirname $NACOS_AUTH_SOCKET)";
    let (status, out, err) = run(&mut shell(&server, script));
    assert_eq!((status, err.as_str()), (0, ""));
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0].split('.').count(), 3);
    assert!(lines[2].starts_with("127.0.0.1:"), "{out}");
    assert_eq!(lines[3..], ["600", "700", "700"]);
    assert!(!Path::new(lines[1]).parent().unwrap().exists());
    assert_eq!(server.counts().logins, 1);
}

#[test]
fn its_exit_status_is_the_commands() {
    let server = server(100);
    assert_eq!(run(&mut shell(&server, "exit 42")).0, 42);
    assert_eq!(run(&mut shell(&server, "kill -9 $$")).0, 137);
    for (program, status) in [("/nonexistent/program", 127), ("/etc/passwd", 126)] {
        let (code, _, err) = run(command(&server).args(["exec", "--", program]));
        assert_eq!(code, status);
        assert!(err.contains(program), "{err}");
    }
    let (status, _, err) = run(command(&server).args(["exec", "--listen", "0.0.0.0:0", "--", "true"]));
    assert_eq!(status, 2, "{err}");
    let (status, out, _) = run(command(&server).env("NACOS_PASSWORD", "x").args(["exec", "--", "echo", "ran"]));
    assert_eq!((status, out.as_str()), (4, ""));
}

#[test]
fn signals_are_passed_on() {
    let server = server(100);
    for (signal, status) in [("TERM", 3), ("INT", 4), ("HUP", 5), ("USR1", 6)] {
        let script = "trap 'exit 3' TERM; trap 'exit 4' INT; trap 'exit 5' HUP; trap 'exit 6' USR1; echo; \
                      while :; do sleep 0.05; done";
        let mut child = shell(&server, script).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child };
        lines.read_line(&mut String::new()).unwrap();
        running.signal(signal);
        assert_eq!(running.end(), Some(status), "{signal}");
    }
    let mut child = shell(&server, "echo; exec sleep 60").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut running = Running { child };
    lines.read_line(&mut String::new()).unwrap();
    running.signal("TERM");
    assert_eq!(running.end(), Some(128 + 15));
}

#[test]
fn curl_survives_five_expiries_and_a_new_secret() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no curl");
        return;
    }
    let server = server(2);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = format!(
        "url=/nacos/v1/cs/configs?dataId=demo\\&group=DEFAULT_GROUP; end=$(($(date +%s) + 12))
         while [ $(date +%s) -lt $end ]; do
           curl -s -o /dev/null -w '%{{http_code}}\\n' http://$NACOS_AUTH_ADDR$url >>{log}
           curl -s -o /dev/null -w '%{{http_code}}\\n' --unix-socket $NACOS_AUTH_SOCKET http://localhost$url >>{log}
           sleep 0.05
         done",
        log = log.display()
    );
    let mut running = Running { child: shell(&server, &script).stderr(Stdio::null()).spawn().unwrap() };
    let lines = || fs::read_to_string(&log).unwrap_or_default();
    wait_for("some answers", || lines().lines().count() > 20);
    server.set_secret(None).unwrap();
    assert_eq!(running.end(), Some(0));
    let lines = lines();
    let failures: Vec<_> = lines.lines().filter(|line| *line != "200").collect();
    assert!(lines.lines().count() > 50 && failures.is_empty(), "{} answers, {failures:?}", lines.lines().count());
    assert!(server.counts().logins >= 6, "{}", server.counts().logins);
}

#[test]
fn the_command_keeps_its_limit_of_descriptors() {
    let server = server(100);
    // Its own is the proxy's, which needs more of them.
    let inner = r#"ulimit -Sn; until grep -q "Max open files *$(ulimit -Hn) " /proc/$PPID/limits; do sleep 0.01; done"#;
    let command = command(&server);
    let program = command.get_program().to_owned();
    let mut outer = Command::new("sh");
    outer.args(["-c", r#"ulimit -Sn 200; exec "$0" exec -- sh -c "$1""#]).arg(program).arg(inner);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    let (status, out, err) = run(&mut outer);
    assert_eq!((status, out.trim(), err.as_str()), (0, "200", ""));
}

#[test]
fn a_folder_too_long_for_a_socket_costs_the_command_nothing() {
    let server = server(100);
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(120));
    fs::create_dir(&long).unwrap();
    let script = "test -s $NACOS_AUTH_TOKEN_FILE && test -S $NACOS_AUTH_SOCKET && \
                  stat -c %a $NACOS_AUTH_SOCKET $(dirname $NACOS_AUTH_SOCKET) && \
                  echo $NACOS_AUTH_TOKEN_FILE && echo $NACOS_AUTH_SOCKET";
    for variable in ["TMPDIR", "XDG_RUNTIME_DIR"] {
        let mut command = shell(&server, script);
        command.env_remove("XDG_RUNTIME_DIR").env(variable, &long);
        let (status, out, err) = run(&mut command);
        assert_eq!((status, err.as_str()), (0, ""), "{variable}: {out}");
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[..2], ["700", "700"]);
        assert!(Path::new(lines[2]).starts_with(&long), "{out}");
        for path in &lines[2..] {
            assert!(!Path::new(path).parent().unwrap().exists(), "{path}");
        }
    }
}
