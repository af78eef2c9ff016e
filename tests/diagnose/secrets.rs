//! Nothing that a finding shows is a secret, and an examination ends.

use nacos_auth::{Cancel, Kind, Secret};

use super::*;

const PASSWORD: &str = "pass-word-that-nobody-shows-7";

#[test]
fn no_secret_is_shown_whatever_the_server_says() {
    let server = server(Generation::V2);
    server.set_user("nacos", PASSWORD, true);
    let everything = format!(
        r#"{{"status":403,"error":"Forbidden","message":"user not found! {PASSWORD} eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyJ9.c2lnbmF0dXJl"}}"#
    );
    for on in [On::Login, On::Request] {
        server.clear_faults();
        server.add_fault(status(on, 403, &everything));
        let options = DiagnoseOptions {
            request: Some(("GET", "/v1/cs/configs?dataId=query-that-is-not-shown&group=g")),
            token: Some(Secret::from("given-token-that-nobody-shows")),
            ..DiagnoseOptions::default()
        };
        let config = Config::new(&server.address().to_string(), "nacos", PASSWORD);
        let diagnosis = diagnose(config, &options).unwrap();
        let shown = format!("{} {} {diagnosis:?}", diagnosis.to_text(), diagnosis.to_json());
        for secret in [PASSWORD, "given-token-that-nobody-shows", "eyJhbGci", "query-that-is-not-shown"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        assert!(diagnosis.severity() == Severity::Error);
    }
}

#[test]
fn it_can_be_ended() {
    let server = server(Generation::V2);
    server.add_fault(Fault::new(On::All, FaultKind::Hang));
    let cancel = Cancel::new();
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            cancel.trigger();
        });
        let options = DiagnoseOptions { cancel: Some(&cancel), ..DiagnoseOptions::default() };
        assert_eq!(diagnose(config(&server), &options).unwrap_err().kind(), Kind::Cancelled);
    });
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn it_ends_by_itself_whatever_hangs() {
    let servers = [(); 4].map(|()| server(Generation::V2));
    servers.iter().for_each(|server| server.add_fault(Fault::new(On::All, FaultKind::Hang)));
    let address = servers.each_ref().map(|server| server.address().to_string()).join(",");
    let began = std::time::Instant::now();
    let options = DiagnoseOptions { timeout: Duration::from_secs(3), ..DiagnoseOptions::default() };
    let diagnosis = diagnose(at(&address), &options).unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let found = names(&diagnosis, Severity::Warning);
    assert!(found.contains(&"no-answer"), "{found:?}");
}

#[test]
fn two_servers_that_hang_leave_the_third_its_time() {
    let servers = [(); 3].map(|()| server(Generation::V2));
    servers[..2].iter().for_each(|server| server.add_fault(Fault::new(On::All, FaultKind::Hang)));
    let address = servers.each_ref().map(|server| server.address().to_string()).join(",");
    let began = std::time::Instant::now();
    let diagnosis = examine(at(&address));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_names(&diagnosis, &["no-answer"]);
    assert!(
        diagnosis.to_text().contains(&format!("{}: takes the token", servers[2].address())),
        "{}",
        diagnosis.to_text()
    );
}

#[test]
fn each_finding_is_told_when_it_is_made() {
    let server = server(Generation::V2);
    let told = std::cell::RefCell::new(Vec::new());
    let tell = |finding: &nacos_auth::Finding| told.borrow_mut().push(finding.seen().to_owned());
    let options = DiagnoseOptions { on_finding: Some(&tell), ..DiagnoseOptions::default() };
    let diagnosis = diagnose(config(&server), &options).unwrap();
    let seen: Vec<_> = diagnosis.findings().iter().map(|finding| finding.seen().to_owned()).collect();
    assert_eq!(*told.borrow(), seen);
    assert!(seen.len() >= 4);
    let json: serde_json::Value = serde_json::from_str(&diagnosis.to_json()).unwrap();
    assert_eq!(json["severity"], "ok");
    assert_eq!(json["findings"].as_array().unwrap().len(), seen.len());
    assert_eq!(json["findings"][0]["cause"], "healthy");
}
