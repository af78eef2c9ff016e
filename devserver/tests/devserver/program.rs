//! The program, as a shell starts it.

use std::net::TcpListener;
use std::process::Command;

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for option in ["--port", "--control-port"] {
        let port = address.port().to_string();
        let output =
            Command::new(env!("CARGO_BIN_EXE_nacos-devserver")).args([option, &port, "--stdin"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&format!("nacos-devserver: cannot listen on {address}: ")), "{said}");
    }
}
