//! What readers may take: connections, time and requests; and whose word on a reader's address is believed.

use std::net::IpAddr;

use ipnet::IpNet;

use super::section::Section;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections, all together.
    pub connections: usize,
    /// Open connections of one address (of one /64, for IPv6).
    pub per_address: usize,
    /// For the head of a request, and between two requests of a connection.
    pub header_seconds: u64,
    /// Of one address; as many at once, if it was quiet for a minute before.
    pub requests_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, per_address: 100, header_seconds: 15, requests_per_minute: 600 }
    }
}

pub fn limits(section: Section<'_>) -> Limits {
    let usual = Limits::default();
    let limits = Limits {
        connections: section.integer("connections", 1..=1_000_000).map_or(usual.connections, |n| n as usize),
        per_address: section.integer("per_address", 1..=1_000_000).map_or(usual.per_address, |n| n as usize),
        header_seconds: section.integer("header_seconds", 1..=600).unwrap_or(usual.header_seconds),
        requests_per_minute: section
            .integer("requests_per_minute", 1..=1_000_000)
            .map_or(usual.requests_per_minute, |n| n as u32),
    };
    section.finish();
    limits
}

/// `server.trusted_proxies`; this machine, if it is not given: the daemon listens there behind a proxy by default.
pub fn trusted_proxies(section: &Section<'_>) -> Vec<IpNet> {
    let Some(words) = section.texts("trusted_proxies") else {
        return ["127.0.0.0/8", "::1/128"].iter().filter_map(|net| net.parse().ok()).collect();
    };
    let mut proxies = Vec::new();
    for word in &words {
        let net = word.text.parse::<IpNet>().or_else(|_| word.text.parse::<IpAddr>().map(IpNet::from));
        match net {
            Ok(net) => proxies.push(net),
            Err(_) => section.refuse(word, "must be an address or a network, as in 192.0.2.7 or 10.0.0.0/8".into()),
        }
    }
    proxies
}
