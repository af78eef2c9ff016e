//! The accept loop: opens and closes the port, starts connections and cuts them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc as blocking};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::connection::{self, Shared};

/// Connections that wait for being accepted.
const BACKLOG: i32 = 1024;

/// Refuse connections for `down`, and cut those that exist.
struct Restart {
    down: Duration,
    /// Told when nothing of the old life is left.
    done: blocking::Sender<()>,
}

/// The thread that serves. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    restarts: Option<mpsc::UnboundedSender<Restart>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listen on this port of 127.0.0.1, or a free one if it is 0. `shared` is made when the port is known.
    pub(crate) fn start(port: u16, shared: impl FnOnce(u16) -> Shared) -> io::Result<(Self, Arc<Shared>)> {
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        socket.listen(BACKLOG)?;
        let socket = std::net::TcpListener::from(socket);
        let address = socket.local_addr()?;
        let shared = Arc::new(shared(address.port()));
        let (restarts, commands) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("devserver".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                if let Err(error) = runtime.block_on(serve(socket, address, &shared, commands)) {
                    eprintln!("devserver on {address} stopped: {error}");
                }
            }
        })?;
        Ok((Self { address, restarts: Some(restarts), thread: Some(thread) }, shared))
    }

    /// Returns when every connection is cut and new ones are refused.
    pub(crate) fn restart(&self, down: Duration) {
        let (done, wait) = blocking::channel();
        if let Some(restarts) = &self.restarts
            && restarts.send(Restart { down, done }).is_ok()
        {
            let _ = wait.recv();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.restarts.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    socket: std::net::TcpListener,
    address: SocketAddr,
    shared: &Arc<Shared>,
    mut restarts: mpsc::UnboundedReceiver<Restart>,
) -> io::Result<()> {
    let mut listener = TcpListener::from_std(socket)?;
    let mut connections = JoinSet::new();
    let (cut, _) = watch::channel(());
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Fails if the process is out of files, or the caller is gone already: both pass.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                shared.world.lock().counts.connections += 1;
                connections.spawn(connection::serve(stream, Arc::clone(shared), cut.subscribe()));
            }
            Some(_) = connections.join_next() => {}
            restart = restarts.recv() => {
                let Some(restart) = restart else { return Ok(()) };
                if restart.down.is_zero() {
                    cut_all(&cut, &mut connections).await;
                    let _ = restart.done.send(());
                    continue;
                }
                drop(listener);
                cut_all(&cut, &mut connections).await;
                // Bound but not listening: the port stays ours and refuses.
                let socket = bind(address)?;
                if !stay_down(restart, &mut restarts).await {
                    return Ok(());
                }
                socket.listen(BACKLOG)?;
                listener = TcpListener::from_std(socket.into())?;
            }
        }
    }
}

async fn cut_all(cut: &watch::Sender<()>, connections: &mut JoinSet<()>) {
    cut.send_replace(());
    while connections.join_next().await.is_some() {}
}

/// Until the time is over; a further restart begins a new one. False if the server is to stop.
async fn stay_down(mut restart: Restart, restarts: &mut mpsc::UnboundedReceiver<Restart>) -> bool {
    loop {
        let _ = restart.done.send(());
        tokio::select! {
            () = tokio::time::sleep(restart.down) => return true,
            next = restarts.recv() => match next {
                Some(next) => restart = next,
                None => return false,
            },
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into()).map_err(|error| cannot_listen(address, &error))?;
    Ok(socket)
}

/// Which port it is that cannot be had.
pub(crate) fn cannot_listen(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}; port 0 takes a free one"))
}
