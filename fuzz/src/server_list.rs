//! Addresses of servers, context paths, and addresses of proxies, as users write them.

use nacos_auth::{
    Error, Kind,
    fuzzing::{self, Address},
};
use url::Url;

use crate::{answer::line, planted, spells};

/// Stands where a mark is.
const SECRET: &str = "s3cr3tWord";
const MARK: char = '\u{1}';

/// Three lines: the list, the context path (`-`: none given), the proxy.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.replace(MARK, SECRET);
    let (list, rest) = line(text.as_bytes());
    let (context, proxy) = line(rest);
    let text = |bytes| std::str::from_utf8(bytes).expect("cut at a line end");
    check_servers(text(list), Some(text(context)).filter(|context| *context != "-"));
    check_proxy(text(proxy));
}

fn check_servers(list: &str, context: Option<&str>) {
    match fuzzing::addresses(list, context) {
        Ok(servers) => {
            assert!(!servers.is_empty() && servers.len() <= list.split([',', ';']).count());
            for server in &servers {
                check_server(server, context);
            }
        }
        Err(error) => check_error(&error, list),
    }
}

fn check_server(server: &Address, context: Option<&str>) {
    let Address { https, host, port, name, target } = server;
    let port = planted(*port, 0, || spells(host, b"zqzq"));
    assert!(port > 0 && !host.is_empty() && name.ends_with(&format!(":{port}")));
    assert!(name.chars().chain(target.chars()).all(|c| c.is_ascii_graphic() && c != '@'), "{server:?}");
    assert!(target.starts_with('/') && !target.contains("//"), "{target}");
    // Some letters stand for what separates the entries of a list; no such host is found anywhere.
    if host.contains([',', ';']) {
        return;
    }
    // Written down and read again it is the same, whichever way: the two engines ask the same server.
    let written = format!("{}://{host}:{port}", if *https { "https" } else { "http" });
    let again = fuzzing::addresses(&written, context).expect("a server's own name");
    let Address { host: host_again, port: port_again, .. } = &again[0];
    assert_eq!((again.len(), host_again, *port_again), (1, host, port));
    let url = fuzzing::url(*https, host, port, target).expect("a target that HTTP takes");
    let url = Url::parse(&url).unwrap_or_else(|e| panic!("{url}: {e}"));
    assert_eq!((url.host_str(), url.port_or_known_default()), (Some(host.as_str()), Some(port)), "{url}");
    assert_eq!(url.path(), target);
}

/// It names the setting, and nothing that may be a password: what stands before an `@`, or is a parameter.
fn check_error(error: &Error, list: &str) {
    assert_eq!(error.kind(), Kind::InvalidConfig);
    let message = error.message();
    assert!(message.starts_with("server_addr: ") || message.starts_with("context_path: "), "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
    let is_hidden = |at: usize| {
        let entry = list[..at].rfind([',', ';']).map_or(0, |end| end + 1);
        let surplus = list[entry..at].find(['?', '#']).map_or("", |from| &list[entry + from..at]);
        list.contains('@') || surplus.contains('=')
    };
    let all_hidden = list.match_indices(SECRET).all(|(at, _)| is_hidden(at));
    assert!(!all_hidden || !message.contains(SECRET), "{message}");
}

fn check_proxy(address: &str) {
    match fuzzing::proxy(address) {
        Ok((host, _)) => assert!(!host.is_empty()),
        Err(error) => {
            assert_eq!(error.kind(), Kind::InvalidConfig);
            assert!(error.message().starts_with("proxy: ") && !error.message().contains(SECRET), "{error}");
        }
    }
}
