//! Content codings, as of RFC 9110 8.4.1: which there are, and how bytes get into them.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// A content coding that editions are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

/// Above 6 gzip takes longer without getting smaller.
const GZIP_LEVEL: u32 = 6;
const BROTLI_QUALITY: i32 = 6;
/// A window of 4 MiB, more than any feed is long.
const BROTLI_WINDOW_BITS: i32 = 22;
const ZSTD_LEVEL: i32 = 9;

impl Coding {
    /// The token of Accept-Encoding and Content-Encoding.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// Encodes `bytes`. The same bytes come out every time.
    pub fn encode(self, bytes: &Bytes) -> io::Result<Bytes> {
        match self {
            Self::Identity => Ok(bytes.clone()),
            Self::Gzip => gzip(bytes).map(Bytes::from),
            Self::Brotli => brotli(bytes).map(Bytes::from),
            Self::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL).map(Bytes::from),
        }
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW_BITS,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut encoded = Vec::new();
    brotli::BrotliCompress(&mut bytes, &mut encoded, &parameters)?;
    Ok(encoded)
}
