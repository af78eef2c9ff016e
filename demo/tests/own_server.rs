//! At a server of the user's own: what is said before anything happens, who may do what, and that nothing stays behind.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use devserver::{Options, Server};
use nacos_auth::{Client, Config, Request};
use rustix::process::{Pid, Signal, kill_process};

const PUBLISHES: &str = "publishes the configuration nacos-auth-demo in DEFAULT_GROUP";

fn server() -> Server {
    Server::start(Options::default()).expect("a server")
}

/// The demo for so many seconds, with a program that needs no server.
fn demo(server: &Server, user: &str, seconds: u32) -> Child {
    let script = r#"echo "token generation=1 requests=1 replays=0"; sleep "$1"
        echo "done requests=1 tokens=1 replays=0 failures=0""#;
    Command::new(env!("CARGO_BIN_EXE_nacos-demo"))
        .args(["--server", &server.address().to_string(), "--username", user, "--seconds", &seconds.to_string()])
        .arg(format!("--program=sh=sh -c '{script}' sh"))
        .env("NACOS_PASSWORD", user)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the demo")
}

struct Ended {
    said: String,
    complained: String,
    code: Option<i32>,
}

fn end(mut demo: Child, mut said: String) -> Ended {
    let mut complained = String::new();
    demo.stdout.take().map(|mut pipe| pipe.read_to_string(&mut said));
    demo.stderr.take().unwrap().read_to_string(&mut complained).unwrap();
    Ended { said, complained, code: demo.wait().unwrap().code() }
}

/// The configuration that the demo publishes, if it is there.
fn there(server: &Server) -> Option<String> {
    let client = Client::new(Config::new(&server.address().to_string(), "nacos", "nacos")).unwrap();
    let read =
        Request::get("/v1/cs/configs").unwrap().query("dataId", "nacos-auth-demo").query("group", "DEFAULT_GROUP");
    let answer = client.request(read).unwrap();
    (answer.status() == 200).then(|| String::from_utf8(answer.body().to_vec()).unwrap())
}

#[test]
fn it_says_that_it_publishes_and_deletes_and_does() {
    let server = server();
    let ended = end(demo(&server, "nacos", 3), String::new());
    assert_eq!(ended.code, Some(0), "{}{}", ended.said, ended.complained);
    assert!(ended.said.starts_with(PUBLISHES), "{}", ended.said);
    assert!(ended.said.ends_with("deleted nacos-auth-demo\n"), "{}", ended.said);
    assert_eq!(there(&server), None);
}

#[test]
fn a_user_who_may_only_read_only_reads() {
    for content in [None, Some("written by nacos-demo"), Some("by somebody else")] {
        let server = server();
        content.inspect(|content| server.publish("nacos-auth-demo", "DEFAULT_GROUP", content));
        let ended = end(demo(&server, "reader", 3), String::new());
        assert_eq!(ended.code, Some(0), "{}{}", ended.said, ended.complained);
        let expected = match content {
            Some("by somebody else") => "nacos-auth-demo is there already, and not of this program: it is only read",
            _ => "reader may not publish (HTTP 403, no permission to write): nacos-auth-demo is only read",
        };
        assert!(ended.said.contains(expected) && !ended.said.contains("deleted"), "{}", ended.said);
        assert_eq!(there(&server).as_deref(), content);
    }
}

#[test]
fn what_somebody_else_has_published_stays() {
    let server = server();
    server.publish("nacos-auth-demo", "DEFAULT_GROUP", "mine");
    let ended = end(demo(&server, "nacos", 3), String::new());
    assert_eq!(ended.code, Some(0), "{}{}", ended.said, ended.complained);
    assert_eq!(there(&server).as_deref(), Some("mine"));
}

#[test]
fn what_a_run_that_was_killed_left_behind_is_deleted() {
    let server = server();
    server.publish("nacos-auth-demo", "DEFAULT_GROUP", "written by nacos-demo");
    assert_eq!(end(demo(&server, "nacos", 3), String::new()).code, Some(0));
    assert_eq!(there(&server), None);
}

#[test]
fn a_user_who_may_not_even_read_is_told_so() {
    let server = server();
    let ended = end(demo(&server, "poor", 3), String::new());
    assert_eq!(ended.code, Some(1));
    assert!(ended.complained.contains("cannot read nacos-auth-demo at "), "{}", ended.complained);
    assert!(ended.complained.contains("HTTP 403: "), "{}", ended.complained);
}

#[test]
fn an_interrupted_run_deletes_what_it_published() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let server = server();
        let mut demo = demo(&server, "nacos", 600);
        let mut lines = BufReader::new(demo.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("sh: requests 1") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
        }
        assert_eq!(there(&server).as_deref(), Some("written by nacos-demo"));
        kill_process(Pid::from_child(&demo), signal).unwrap();
        lines.read_to_string(&mut said).unwrap();
        let ended = end(demo, said);
        assert_eq!(ended.code, Some(130), "{}{}", ended.said, ended.complained);
        assert!(
            ended.said.contains("INTERRUPTED") && ended.said.ends_with("deleted nacos-auth-demo\n"),
            "{}",
            ended.said
        );
        assert_eq!(there(&server), None);
    }
}

#[test]
fn an_interrupted_run_that_has_not_got_so_far_deletes_it_too() {
    let server = server();
    // The server takes the publication, and answers late.
    server.add_fault(
        serde_json::from_str(r#"{"on":"request","kind":"delay","delay_ms":1000,"paths":["/nacos/v1/cs/configs"]}"#)
            .unwrap(),
    );
    let mut demo = demo(&server, "nacos", 600);
    let mut lines = BufReader::new(demo.stdout.take().unwrap());
    let mut said = String::new();
    lines.read_line(&mut said).unwrap();
    assert!(said.starts_with(PUBLISHES), "{said}");
    let limit = Instant::now() + Duration::from_secs(60);
    while server.counts().bodies == 0 {
        assert!(Instant::now() < limit, "nothing is published");
        thread::sleep(Duration::from_millis(20));
    }
    server.clear_faults();
    kill_process(Pid::from_child(&demo), Signal::INT).unwrap();
    lines.read_to_string(&mut said).unwrap();
    assert_eq!(end(demo, said).code, Some(130));
    assert_eq!(there(&server), None);
}
