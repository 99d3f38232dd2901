//! `feedbridge health`: how the daemon of this configuration is, for containers and for timers.

use std::{net::SocketAddr, process::ExitCode};

use serde_json::Value;
use tokio::runtime;

use crate::{
    config::Config,
    daemon::{Failure, password},
    fetch,
};

/// Asks the daemon, prints how it is and what is amiss, and says it by the exit code: 0 `ok`, 1 `degraded`, 2 `down` or
/// no answer. With `live`: 0 unless it is down, for who restarts what fails.
pub fn run(config: Result<Config, Failure>, live: bool) -> ExitCode {
    let (status, lines) = match config.and_then(|config| ask(&config)) {
        Ok(report) => (report["status"].as_str().unwrap_or("down").to_owned(), amiss(&report)),
        Err(reason) => ("down".to_owned(), vec![reason]),
    };
    println!("{status}");
    lines.iter().for_each(|line| println!("{line}"));
    match status.as_str() {
        "ok" => ExitCode::SUCCESS,
        "degraded" if live => ExitCode::SUCCESS,
        "degraded" => ExitCode::from(1),
        _ => ExitCode::from(2),
    }
}

fn ask(config: &Config) -> Result<Value, Failure> {
    let url = format!("http://{}/health", reachable(config.server.listen));
    let password = password(config)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let body =
        runtime.block_on(fetch::local(&url, password.as_deref())).map_err(|reason| format!("{url}: {reason}"))?;
    serde_json::from_slice(&body).map_err(|error| format!("{url} answers with no report: {error}"))
}

/// A line for each channel about which somebody should do something.
fn amiss(report: &Value) -> Vec<String> {
    let channels = report["channels"].as_array().into_iter().flatten();
    let line = |channel: &Value| {
        let [name, state, advice] = ["name", "state", "advice"].map(|key| channel[key].as_str());
        Some(format!("{}: {}: {}", name?, state?, advice?))
    };
    channels.filter_map(line).collect()
}

/// An address to which one can connect: a daemon that listens on all of them is on the loopback one.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    listen
}
