//! One request and its answer: over an idle connection, or a new one.

use std::sync::Arc;

use super::{
    Endpoint, Options, Response,
    connect::Connector,
    connection::{Connection, Exchange, Message},
    error::{Error, ErrorKind},
    pool::Pool,
};
use crate::wait::Limits;

/// Sends `message` over an idle connection, or a new one if there is none that the server has not closed meanwhile; it is taken
/// when it is sent.
pub(super) async fn exchange(
    (pool, connector): (&Pool, &Connector),
    message: &mut Option<Message>,
    (endpoint, options): (&Arc<Endpoint>, Options),
    limits: &Limits<'_>,
) -> Result<Response, Error> {
    let mut lost_connection = false;
    let permit = match options.max_connections {
        Some(most) => Some(pool.acquire(most, limits).await?),
        None => None,
    };
    if options.reuse {
        let tls_version = connector.tls.current().version;
        while let Some(mut connection) = pool.take_idle(endpoint, tls_version, limits.executor) {
            match connection.exchange(message, options.largest_answer, limits).await {
                Exchange::Unsent => {
                    lost_connection |= connection.was_just_in_use();
                    // Whoever closes connections may be about to move.
                    connector.forget(endpoint);
                }
                done => {
                    let response = finish(pool, connector, connection, options, done)?;
                    drop(permit);
                    return Ok(Response { lost_connection, ..response });
                }
            }
        }
    }
    let mut connection = connect(pool, connector, endpoint, options, limits).await?;
    let done = connection.exchange(message, options.largest_answer, limits).await;
    let response = finish(pool, connector, connection, options, done)?;
    drop(permit);
    Ok(Response { lost_connection, ..response })
}

async fn connect(
    pool: &Pool,
    connector: &Connector,
    endpoint: &Arc<Endpoint>,
    options: Options,
    limits: &Limits<'_>,
) -> Result<Connection, Error> {
    // In a box, since most requests need none of it.
    let connect = || Box::pin(connector.connect(endpoint, options.connect_timeout, limits));
    match connect().await {
        Err(error) if error.kind == ErrorKind::Exhausted && pool.has_idle() => {
            // Those may be in the way.
            pool.close_idle(|_| true);
            connect().await
        }
        other => other,
    }
}

fn finish(
    pool: &Pool,
    connector: &Connector,
    connection: Connection,
    options: Options,
    exchange: Exchange,
) -> Result<Response, Error> {
    match exchange {
        Exchange::Answered(response) => {
            if let Some(most) = options.max_connections
                && connection.is_reusable()
            {
                pool.put_back(connection, most);
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
        Exchange::Unsent => Err(connection.why_unsent()),
    }
}
