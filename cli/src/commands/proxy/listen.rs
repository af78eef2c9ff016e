//! Where the proxy listens.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener as StdTcp, ToSocketAddrs},
    os::unix::{
        fs::FileTypeExt,
        net::{UnixListener as StdUnix, UnixStream as StdUnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::{fs::Mode, process::umask};
use tokio::net::{TcpListener, UnixListener};

use crate::exit::{Failure, Result};

/// An address as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(Vec<SocketAddr>),
    Unix(PathBuf),
}

impl Address {
    /// Reads `host:port` or `unix:PATH`. Without `remote` only this machine may be able to reach it.
    pub(crate) fn parse(text: &str, remote: bool) -> Result<Self> {
        let shown = text.escape_debug();
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(Failure::setting("listen: no path; write it like \"unix:/run/nacos-auth.sock\""));
            }
            return Ok(Self::Unix(path.into()));
        }
        let wrong = || {
            let form = "write it like \"127.0.0.1:8847\" or \"unix:/run/nacos-auth.sock\"";
            Failure::setting(format!("listen: \"{shown}\" is no address; {form}"))
        };
        let addresses: Vec<_> = text.to_socket_addrs().map_err(|_| wrong())?.collect();
        if addresses.is_empty() {
            return Err(wrong());
        }
        if !remote && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(Failure::setting(format!(
                "listen: \"{shown}\" can be reached from other machines, and all who reach it act as the proxy's user; write \
                 127.0.0.1 or unix:PATH, or allow it with --allow-remote"
            )));
        }
        Ok(Self::Tcp(addresses))
    }

    pub(crate) fn bind(&self) -> Result<Bound> {
        match self {
            Self::Tcp(addresses) => {
                let bind = || -> io::Result<_> {
                    let listener = StdTcp::bind(addresses.as_slice())?;
                    listener.set_nonblocking(true)?;
                    Ok((listener.local_addr()?, listener))
                };
                let failed = |e| Failure::local(format!("cannot listen on {}", addresses[0]), e);
                let (address, listener) = bind().map_err(failed)?;
                Ok(Bound::Tcp(listener, address))
            }
            Self::Unix(path) => {
                let listener = bind_unix(path);
                let listener =
                    listener.map_err(|e| Failure::local(format!("cannot listen on {}", path.display()), e))?;
                Ok(Bound::Unix(listener, SocketFile(path.clone())))
            }
        }
    }
}

fn bind_unix(path: &Path) -> io::Result<StdUnix> {
    // What a process left behind that ended without removing it.
    if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        match StdUnixStream::connect(path) {
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            _ => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
        }
    }
    let before = umask(Mode::RWXG | Mode::RWXO);
    let listener = StdUnix::bind(path);
    umask(before);
    let listener = listener?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A socket in the file system, which goes with its listener.
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

/// An address that is listened on.
pub(crate) enum Bound {
    Tcp(StdTcp, SocketAddr),
    Unix(StdUnix, SocketFile),
}

impl Bound {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Tcp(_, address) => address.to_string(),
            Self::Unix(_, file) => format!("unix:{}", file.0.display()),
        }
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(_, address) => Some(*address),
            Self::Unix(..) => None,
        }
    }

    /// For the runtime that this is called in.
    pub(super) fn into_listener(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener, _) => Listener::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener, file) => Listener::Unix(UnixListener::from_std(listener)?, file),
        })
    }
}

pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, #[allow(dead_code, reason = "removed with it")] SocketFile),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_reach_it() {
        for text in ["127.0.0.1:0", "[::1]:8847", "localhost:8847", "127.9.9.9:1"] {
            assert!(matches!(Address::parse(text, false), Ok(Address::Tcp(_))), "{text}");
        }
        assert_eq!(Address::parse("unix:/run/x", false).unwrap(), Address::Unix("/run/x".into()));
        for text in ["0.0.0.0:8847", "[::]:8847", "10.0.0.1:8847"] {
            let message = Address::parse(text, false).unwrap_err().to_string();
            assert!(message.contains(text) && message.contains("--allow-remote"), "{message}");
            assert!(Address::parse(text, true).is_ok(), "{text}");
        }
        for text in ["", "127.0.0.1", "127.0.0.1:99999", "unix:", ":8847", "8847"] {
            let message = Address::parse(text, true).unwrap_err().to_string();
            assert!(message.starts_with("listen: ") && message.contains("write it like"), "{text}: {message}");
        }
    }
}
