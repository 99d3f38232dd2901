//! A stream whose peer has to take what is written in bounded time: a slow reader holds no connection for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// So much taken earns the time anew: a film may take an hour, but nobody holds a connection by trickling.
const STRETCH: usize = 256 << 10;

/// Fails writes that are not through `limit` after the first of them had to wait. hyper flushes when its buffer is
/// empty, so that is the time for a response, beyond what the kernel buffers, or for each [`STRETCH`] of a long one.
pub struct Bounded<S> {
    stream: S,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    /// Bytes taken since the time began.
    taken: usize,
}

impl<S> Bounded<S> {
    pub fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, deadline: None, taken: 0 }
    }

    /// Counts what was written.
    fn counted(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.taken += bytes;
            if self.taken >= STRETCH {
                (self.taken, self.deadline) = (0, None);
            }
        }
        written
    }

    fn or_late<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        let written = self.counted(written);
        self.or_late(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        let written = self.counted(written);
        self.or_late(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            (self.taken, self.deadline) = (0, None);
        }
        self.or_late(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_trickles_is_given_up_after_the_limit() {
        let (ours, mut theirs) = duplex(16);
        let start = Instant::now();
        let trickle = tokio::spawn(async move {
            let mut byte = [0];
            while theirs.read_exact(&mut byte).await.is_ok() {
                sleep(Duration::from_secs(5)).await;
            }
        });
        let error = Bounded::new(ours, LIMIT).write_all(&[0; 1024]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), LIMIT.as_secs());
        trickle.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_starts_anew_after_a_flush() {
        let (ours, mut theirs) = duplex(16);
        let mut bounded = Bounded::new(ours, LIMIT);
        for _ in 0..4 {
            let slowly = async {
                sleep(LIMIT / 2).await;
                theirs.read_exact(&mut [0; 32]).await.unwrap();
            };
            let write = async {
                bounded.write_all(&[0; 32]).await.unwrap();
                bounded.flush().await.unwrap();
            };
            tokio::join!(write, slowly);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_answer_that_is_taken_steadily_may_last_longer() {
        let (ours, mut theirs) = duplex(64 << 10);
        let start = Instant::now();
        let take = tokio::spawn(async move {
            let mut taken = vec![0; 64 << 10];
            while theirs.read_exact(&mut taken).await.is_ok() {
                sleep(Duration::from_secs(10)).await;
            }
        });
        Bounded::new(ours, LIMIT).write_all(&vec![0; 4 << 20]).await.unwrap();
        assert!(start.elapsed() > 5 * LIMIT);
        take.abort();
    }
}
