//! The engine of calls that block: everything happens on the caller's thread.

use super::{
    Request, Response,
    connect::Connector,
    connection::{Connection, Exchange},
    error::{Error, ErrorKind, Phase},
    pool::Pool,
};
use crate::wait::Limits;

/// Sends `request` over an idle connection, or a new one if there is none that the server has not closed meanwhile.
pub(super) fn exchange(
    pool: &Pool,
    connector: &Connector,
    request: &Request,
    limits: &Limits<'_>,
) -> Result<Response, Error> {
    let _permit = pool.acquire(request.options.max_connections, limits)?;
    if request.options.reuse {
        let tls_version = connector.tls.current().version;
        while let Some(mut connection) = pool.take_idle(&request.endpoint, tls_version) {
            match connection.exchange(request, limits) {
                // Whoever closes connections may be about to move.
                Exchange::Unsent => connector.forget(&request.endpoint),
                done => return finish(pool, connector, connection, done),
            }
        }
    }
    let mut connection = match connector.connect(request, limits) {
        Err(error) if error.kind == ErrorKind::NoDescriptors && pool.has_idle() => {
            // Those may be in the way.
            pool.close_idle(|_| true);
            connector.connect(request, limits)?
        }
        other => other?,
    };
    let done = connection.exchange(request, limits);
    finish(pool, connector, connection, done)
}

fn finish(pool: &Pool, connector: &Connector, connection: Connection, exchange: Exchange) -> Result<Response, Error> {
    match exchange {
        Exchange::Answered(response) => {
            if connection.is_reusable() {
                pool.put_back(connection);
            }
            Ok(response)
        }
        Exchange::Failed(error) => {
            if error.kind == ErrorKind::Broken {
                // The other idle connections may have broken with it.
                pool.close_idle(|other| other.endpoint == connection.endpoint);
                connector.forget(&connection.endpoint);
            }
            Err(error)
        }
        Exchange::Unsent => Err(Error::new(Phase::Connect, ErrorKind::Broken, "the server closed the new connection")),
    }
}
