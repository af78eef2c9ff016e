//! Takes connections of clients, and lets go of them in the end.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc::Receiver, watch},
};

use super::{
    Proxy,
    figures::Count,
    listen::{Bound, Listener},
    wire::Wire,
};

/// How long a client may take for the head of a request, and between two of them.
const HEAD: Duration = Duration::from_secs(75);
/// The largest head.
const LARGEST_HEAD: usize = 64 << 10;
/// After a connection could not be taken, for want of descriptors say.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves on all of `bound` until the first of `stops`, then lets what is under way end within `drain`, or until the second. True if all of it has.
pub(super) async fn serve(
    proxy: Arc<Proxy>,
    bound: Vec<Bound>,
    most_clients: usize,
    stops: &mut Receiver<()>,
    drain: Duration,
) -> io::Result<bool> {
    let places = Arc::new(Semaphore::new(most_clients));
    let graceful = Arc::new(GracefulShutdown::new());
    let (stopper, stopped) = watch::channel(());
    let mut listening = Vec::new();
    for bound in bound {
        let listener = bound.into_listener()?;
        let (proxy, places, graceful, stopped) = (proxy.clone(), places.clone(), graceful.clone(), stopped.clone());
        listening.push(tokio::spawn(accept(proxy, listener, places, graceful, stopped)));
    }
    stops.recv().await;
    drop(stopper);
    for task in listening {
        _ = task.await;
    }
    let Some(graceful) = Arc::into_inner(graceful) else { return Ok(false) };
    let ended = tokio::select! {
        ended = tokio::time::timeout(drain, graceful.shutdown()) => ended.is_ok(),
        Some(()) = stops.recv() => false,
    };
    Ok(ended)
}

async fn accept(
    proxy: Arc<Proxy>,
    listener: Listener,
    places: Arc<Semaphore>,
    graceful: Arc<GracefulShutdown>,
    mut stopped: watch::Receiver<()>,
) {
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await.expect("never closed");
            Ok::<_, io::Error>(match &listener {
                Listener::Tcp(listener) => {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    (Client::Tcp(stream), place)
                }
                Listener::Unix(listener, _) => (Client::Unix(listener.accept().await?.0), place),
            })
        };
        tokio::select! {
            _ = stopped.changed() => return,
            accepted = accepted => match accepted {
                Ok((Client::Tcp(stream), place)) => attend(proxy.clone(), stream, place, &graceful),
                Ok((Client::Unix(stream), place)) => attend(proxy.clone(), stream, place, &graceful),
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
        }
    }
}

enum Client {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

fn attend<S>(proxy: Arc<Proxy>, stream: S, place: OwnedSemaphorePermit, graceful: &GracefulShutdown)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (wire, record) = Wire::new(stream);
    let handler = proxy.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (proxy, record) = (handler.clone(), record.clone());
        async move { Ok::<_, Infallible>(proxy.answer(request, &record).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(wire), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        let _client = proxy.figures.going(Count::Clients);
        // A client that goes away is nobody's trouble.
        _ = watched.await;
    });
}
