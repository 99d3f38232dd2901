//! Listening, and what a connection may take: time and a seat.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    pin,
    sync::{Notify, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    Peer, Site,
    answer::Answer,
    bounded::Bounded,
    client::Client,
    handle,
    seats::{Seat, Seats},
};

/// The site as it is at each moment; replaced whole.
pub type Sites = watch::Receiver<Arc<Site>>;

/// For a response that the reader is slow to take.
const WRITE_TIME: Duration = Duration::from_secs(60);
/// Connections that wait to be accepted: a thousand may come at once, and who finds no place tries again after a second.
const BACKLOG: i32 = 4096;
/// What the kernel holds of a response that is not taken. It would be megabytes, and slow readers by the hundred would
/// use up what all connections share.
const SEND_BUFFER_BYTES: usize = 128 << 10;
/// For the requests that are running when the server stops.
const STOP_TIME: Duration = Duration::from_secs(10);
/// For the first request of a connection that was accepted just before the stop: it is on its way, most likely.
const FIRST_WORD_TIME: Duration = Duration::from_secs(1);
/// After accepting failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Of a connection. A request's head has to fit.
const BUFFER_BYTES: usize = 32 << 10;

/// Serves until `shutdown` resolves; then takes no more connections and finishes the running requests, for at most
/// ten seconds. Ready in between. Each request is answered by the site of that moment, so that a site is replaced
/// without any connection being closed.
pub async fn run(listener: TcpListener, mut sites: Sites, shutdown: impl Future<Output = ()>) {
    prepare(&listener);
    let first = current(&sites);
    let seats = Seats::new(first.config.limits.connections, first.config.limits.per_address);
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    pin!(shutdown);
    first.set_ready(true);
    drop(first);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            () = replaced(&mut sites) => {
                let limits = &current(&sites).config.limits;
                seats.resize(limits.connections, limits.per_address);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(seat) = seat(&seats, &current(&sites), peer) {
                    connections.spawn(serve(stream, peer, sites.clone(), stopping.clone(), seat));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "connection cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    current(&sites).set_ready(false);
    drop((listener, stop));
    let finished = timeout(STOP_TIME, async { while connections.join_next().await.is_some() {} }).await;
    if finished.is_err() {
        tracing::warn!(connections = connections.len(), "requests cut off, since they did not end in time");
    }
}

fn current(sites: &Sites) -> Arc<Site> {
    sites.borrow().clone()
}

/// Resolves when there is another site; never once nobody is left to replace it.
async fn replaced(sites: &mut Sites) {
    if sites.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Best effort: what is not set stays as the system has it. Accepted connections inherit the buffer's size.
fn prepare(listener: &TcpListener) {
    let backlog = rustix::net::listen(listener, BACKLOG);
    let buffer = rustix::net::sockopt::set_socket_send_buffer_size(listener, SEND_BUFFER_BYTES);
    if let Some(error) = backlog.err().or(buffer.err()) {
        tracing::debug!(%error, "the listening socket stays as it is");
    }
}

/// A seat for who is connected. Without one the connection is closed at once: better than to let a reader wait.
fn seat(seats: &Arc<Seats>, site: &Site, peer: SocketAddr) -> Option<Seat> {
    let taken = seats.take(Client::connected(peer.ip(), &site.config.server.trusted_proxies));
    let refused = |refusal: &super::seats::Refusal| {
        site.metrics.refused(refusal.as_str());
        tracing::debug!(%peer, limit = refusal.as_str(), "connection refused");
    };
    taken.inspect_err(refused).ok()
}

async fn serve(stream: TcpStream, peer: SocketAddr, sites: Sites, stopping: watch::Receiver<()>, seat: Seat) {
    // Best effort: without it small answers are only a little later.
    let _ = stream.set_nodelay(true);
    let head_time = Duration::from_secs(current(&sites).config.limits.header_seconds);
    let seat = &seat;
    let answer = move |mut request: Request<Incoming>| {
        let site = current(&sites);
        async move {
            seat.asked();
            request.extensions_mut().insert(Peer(peer));
            let answer = handle(&site, request).await;
            seat.answered();
            answer
        }
    };
    let ended = tokio::select! {
        ended = converse(stream, head_time, answer, stopping) => ended,
        () = seat.given_up() => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Answers requests until the peer or `stopping` ends it; that is when the other end of `stopping` is dropped.
async fn converse<S, A, F>(
    stream: S,
    head_time: Duration,
    answer: A,
    mut stopping: watch::Receiver<()>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answer>,
{
    let heard = Notify::new();
    let service = service_fn(|request| {
        heard.notify_one();
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        // Without a timer hyper has no timeouts at all.
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .max_buf_size(BUFFER_BYTES)
        .half_close(true)
        .serve_connection(TokioIo::new(Bounded::new(stream, WRITE_TIME)), service);
    pin!(connection);
    tokio::select! {
        ended = &mut connection => return ended,
        _ = stopping.changed() => {}
    }
    // hyper closes a connection at once from which it has read nothing yet, and the reader would be left without an answer.
    tokio::select! {
        ended = &mut connection => return ended,
        _ = timeout(FIRST_WORD_TIME, heard.notified()) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        task::JoinHandle,
        time::Instant,
    };

    use hyper::Response;

    use super::{super::body::Body, *};

    const HEAD_TIME: Duration = Duration::from_secs(15);

    /// The client's end of a connection, and how the server's end ends.
    fn connect(body: &'static [u8]) -> (DuplexStream, JoinHandle<hyper::Result<()>>) {
        let (ours, theirs) = duplex(64);
        let ended = tokio::spawn(async move {
            let (_stop, stopping) = watch::channel(());
            converse(ours, HEAD_TIME, |_| async move { Response::new(Body::from(body)) }, stopping).await
        });
        (theirs, ended)
    }

    #[tokio::test(start_paused = true)]
    async fn who_connects_and_says_nothing_is_let_go() {
        let (_client, ended) = connect(b"");
        let start = Instant::now();
        ended.await.unwrap().unwrap_err();
        assert_eq!(start.elapsed().as_secs(), HEAD_TIME.as_secs());
    }

    /// A connection that is told to stop before the client has said anything.
    fn connect_and_stop() -> (DuplexStream, JoinHandle<hyper::Result<()>>) {
        let (ours, theirs) = duplex(64);
        let (stop, stopping) = watch::channel(());
        drop(stop);
        let answer = |_| async { Response::new(Body::from("ok")) };
        (theirs, tokio::spawn(converse(ours, HEAD_TIME, answer, stopping)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_comes_with_the_stop_is_answered_and_the_connection_closed() {
        let (mut client, ended) = connect_and_stop();
        sleep(FIRST_WORD_TIME / 2).await;
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        ended.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_does_not_hold_up_a_stop() {
        let (_client, ended) = connect_and_stop();
        let start = Instant::now();
        let _ = ended.await.unwrap();
        assert_eq!(start.elapsed(), FIRST_WORD_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_is_cut_off() {
        let (mut client, ended) = connect(b"");
        let start = Instant::now();
        let trickle = async {
            while client.write_all(b"G").await.is_ok() {
                sleep(Duration::from_secs(4)).await;
            }
        };
        let (_, ended) = tokio::join!(trickle, ended);
        ended.unwrap().unwrap_err();
        assert!(start.elapsed() < HEAD_TIME * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_stays_idle_after_a_request_is_closed() {
        let (mut client, ended) = connect(b"ok");
        let start = Instant::now();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(start.elapsed().as_secs(), HEAD_TIME.as_secs());
        let _ = ended.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_the_answer_is_let_go() {
        let (mut client, ended) = connect(&[b'x'; 4096]);
        let start = Instant::now();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        ended.await.unwrap().unwrap_err();
        assert_eq!(start.elapsed().as_secs(), WRITE_TIME.as_secs());
    }
}
