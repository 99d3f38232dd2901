//! Listening, and what a connection may take: time and a seat.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    pin,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Site, bounded::Bounded, handle};

/// Open connections; those beyond wait in the listener's backlog.
const CONNECTIONS: usize = 1024;
/// For the head of a request, and between two requests.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// For a response that the reader is slow to take.
const WRITE_TIME: Duration = Duration::from_secs(60);
/// For the requests that are running when the server stops.
const STOP_TIME: Duration = Duration::from_secs(10);
/// After accepting failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Of a connection. A request's head has to fit.
const BUFFER_BYTES: usize = 64 << 10;

/// Serves until `shutdown` resolves; then takes no more connections and finishes the running requests, for at most
/// ten seconds. Ready in between.
pub async fn run(listener: TcpListener, site: Arc<Site>, shutdown: impl Future<Output = ()>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    pin!(shutdown);
    site.set_ready(true);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &seats) => accepted,
        };
        match accepted {
            Ok((stream, seat)) => {
                connections.spawn(serve(stream, site.clone(), stopping.clone(), seat));
            }
            Err(error) => {
                tracing::warn!(%error, "connection cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    site.set_ready(false);
    drop((listener, stop));
    let finished = timeout(STOP_TIME, async { while connections.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        tracing::warn!(connections = connections.len(), "requests cut off, since they did not end in time");
    }
}

async fn accept(listener: &TcpListener, seats: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let seat = seats.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, seat))
}

async fn serve(stream: TcpStream, site: Arc<Site>, mut stopping: watch::Receiver<()>, _seat: OwnedSemaphorePermit) {
    // Best effort: without it small answers are only a little later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(handle(&site, request).await) }
    });
    let connection = http1::Builder::new()
        // Without a timer hyper has no timeouts at all.
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(BUFFER_BYTES)
        .half_close(true)
        .serve_connection(TokioIo::new(Bounded::new(stream, WRITE_TIME)), service);
    pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // Resolves when the other end is dropped.
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}
