//! The files that a configuration names: authorities, certificate, key, password.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use nacos_auth::{Client, Config, Error, Kind, fuzzing};

use crate::{planted, spells};

/// Stands where a mark is, in the key and in the password.
const SECRET: &str = "K3y0fTheClient";
const MARK: u8 = 1;
/// Between the files.
const SEPARATOR: u8 = 0x1e;

pub fn run(data: &[u8]) {
    let mut parts = data.splitn(4, |byte| *byte == SEPARATOR);
    let mut file = |name: &str| {
        let content = with_secret(parts.next()?);
        let path = folder().join(name);
        fs::write(&path, &content).expect("a file in memory");
        Some((path, content))
    };
    let (ca, cert, key, password) = (file("ca"), file("cert"), file("key"), file("password"));
    let path = |file: &Option<(PathBuf, Vec<u8>)>| file.as_ref().map(|(path, _)| path.clone());
    // An empty one is none, so that any of them may be tried alone.
    let ca = ca.filter(|(_, content)| !content.is_empty());
    let identity = cert.filter(|(_, content)| !content.is_empty()).zip(key);
    let (cert, key) = identity.map_or((None, None), |(cert, key)| (Some(cert), Some(key)));
    check_tls(path(&ca), path(&cert), path(&key));
    if let Some((path, content)) = password {
        check_password(&path, &content);
    }
}

fn with_secret(content: &[u8]) -> Vec<u8> {
    let secret = |byte: &u8| if *byte == MARK { SECRET.as_bytes().to_vec() } else { vec![*byte] };
    content.iter().flat_map(secret).collect()
}

/// In memory, one for each process.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = parent.join(format!("nacos-auth-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for files");
        folder
    })
}

/// One that is good.
fn authority() -> &'static Path {
    static AUTHORITY: OnceLock<PathBuf> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let path = folder().join("authority");
        fs::write(&path, include_bytes!("authority.pem")).expect("a file in memory");
        path
    })
}

fn check_tls(ca: Option<PathBuf>, cert: Option<PathBuf>, key: Option<PathBuf>) {
    if ca.is_none() && cert.is_none() {
        return;
    }
    // In the place of the system's authorities, a few hundred files' worth that nobody here has written.
    let ca = ca.unwrap_or_else(|| authority().to_owned());
    // Whether it trusts anybody depends on the certificates, which nobody has looked at yet.
    if let Err(error) = fuzzing::trust(Some(ca), cert, key) {
        check_error(&error, &["ca_file", "client_cert_file", "client_key_file"]);
    }
}

fn check_password(path: &Path, content: &[u8]) {
    let config = Config::with_password_file("127.0.0.1:1", "nacos", path);
    let text = std::str::from_utf8(content).ok().filter(|text| !text.contains('\0'));
    let text = text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']));
    let is_password = text.is_some_and(|text| !text.is_empty()) && content.len() < 4096;
    let taken = Client::new(config);
    let is_taken = planted(taken.is_ok(), false, || spells(content, b"pZqq"));
    assert_eq!(is_taken, is_password);
    if let Err(error) = taken {
        check_error(&error, &["password_file"]);
    }
}

/// It names the setting, and shows nothing of what is in the file: neither as text nor as numbers.
fn check_error(error: &Error, fields: &[&str]) {
    assert_eq!(error.kind(), Kind::InvalidConfig);
    let message = error.message();
    assert!(fields.iter().any(|field| message.starts_with(field)), "{message}");
    assert!(!message.contains(SECRET) && message.len() < 1000, "{message}");
    let numbers = format!("{:?}", &SECRET.as_bytes()[..6]);
    assert!(!message.contains(numbers.trim_matches(['[', ']'])), "{message}");
}
