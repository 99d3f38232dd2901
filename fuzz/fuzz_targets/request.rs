//! Any target and header fields get an answer, over an empty store: the first line is the target, each further one
//! a field.
#![no_main]

use std::sync::{Arc, OnceLock};

use feedbridge::{
    status::Board,
    config::{Config, Tokens},
    metrics::Metrics,
    serve::{Peer, Site, handle},
    store::{Local, Store},
};
use hyper::{Request, header::{HeaderName, HeaderValue}};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

struct World {
    open: Arc<Site>,
    guarded: Arc<Site>,
    runtime: Runtime,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory for the store").keep();
        let store: Arc<dyn Store> = Arc::new(Local::open(&directory).expect("a new store opens"));
        let site = || {
            let config = Arc::new(Config::shipped());
            let board = Arc::new(Board::new(config.channels.iter().map(|channel| channel.name.clone())));
            Site::new(config, store.clone(), board, Arc::new(Metrics::new(chrono::DateTime::UNIX_EPOCH)))
        };
        let tokens = Tokens::parse("0123456789abcdef", "tokens".as_ref()).expect("a good token");
        World {
            open: Arc::new(site()),
            guarded: Arc::new(site().with_tokens(Some(tokens))),
            runtime: Builder::new_current_thread().enable_all().build().expect("a runtime"),
        }
    })
}

fn request(bytes: &[u8]) -> Option<Request<String>> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut request = Request::get(lines.next()?).header("host", "x");
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(&line[colon + 1..]).ok()?);
    }
    request.extension(Peer(([127, 0, 0, 1], 1).into())).body(String::new()).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let world = world();
    for site in [&world.open, &world.guarded] {
        let Some(request) = request(bytes) else { return };
        let answer = world.runtime.block_on(handle(site, request));
        assert_ne!(answer.status().as_u16(), 500);
        assert!(answer.headers().contains_key("x-content-type-options"));
    }
});
