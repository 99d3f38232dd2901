//! Whose request it is, as far as limits go. Pure.

use std::net::{IpAddr, Ipv6Addr};

use hyper::HeaderMap;
use ipnet::IpNet;

/// An IPv4 address, or the first half of an IPv6 one: a household or a server has a whole /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Client(IpAddr);

impl Client {
    /// Who is connected, whoever it is.
    pub fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
            address => Self(address),
        }
    }

    /// Who is connected; None for a trusted proxy, which stands for many.
    pub fn connected(peer: IpAddr, trusted: &[IpNet]) -> Option<Self> {
        (!is_trusted(peer, trusted)).then(|| Self::at(peer))
    }

    /// Who asks: the connected peer, or what trusted proxies say in X-Forwarded-For. Each proxy adds whom it heard, on
    /// the right, so the right-most address that is not a trusted proxy's is the last one that is no mere claim.
    /// None when trusted proxies name nobody.
    pub fn asking(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<Self> {
        if let Some(client) = Self::connected(peer, trusted) {
            return Some(client);
        }
        let lines = headers.get_all("x-forwarded-for").iter();
        // Bytes and plain commas: neither a quote nor foreign letters of the client's may hide what a proxy added.
        let words: Vec<&[u8]> = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).collect();
        // Beyond a word that is no address nothing is known.
        let addresses = words.into_iter().rev().map_while(address);
        addresses.into_iter().find(|address| !is_trusted(*address, trusted)).map(Self::at)
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|net| net.contains(&address))
}

/// `192.0.2.1`, `2001:db8::1`, and with a port as some proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
fn address(word: &[u8]) -> Option<IpAddr> {
    let word = std::str::from_utf8(word).ok()?.trim();
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    bare.parse().ok().or_else(|| word.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn asking(peer: &str, forwarded: &[&str]) -> Option<Client> {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        Client::asking(peer.parse().unwrap(), &headers, &trusted)
    }

    fn client(address: &str) -> Option<Client> {
        Some(Client::at(address.parse().unwrap()))
    }

    #[test]
    fn forwarded_addresses_count_only_from_listed_proxies() {
        assert_eq!(asking("192.0.2.9", &["198.51.100.1"]), client("192.0.2.9"));
        assert_eq!(asking("127.0.0.1", &["198.51.100.1"]), client("198.51.100.1"));
        assert_eq!(asking("::ffff:127.0.0.1", &["198.51.100.1"]), client("198.51.100.1"));
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts_whatever_a_client_claims() {
        assert_eq!(asking("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.2.3.4"]), client("198.51.100.1"));
        assert_eq!(asking("127.0.0.1", &["1.1.1.1", "198.51.100.1:80", "10.2.3.4"]), client("198.51.100.1"));
        for claim in ["nonsense", "\"1.1.1.1", "\"", "ÿ"] {
            assert_eq!(asking("127.0.0.1", &[&format!("{claim}, 198.51.100.1")]), client("198.51.100.1"), "{claim}");
        }
        assert_eq!(asking("127.0.0.1", &["1.1.1.1, unknown"]), None);
        assert_eq!(asking("127.0.0.1", &[]), None);
    }

    #[test]
    fn ipv6_addresses_of_one_network_are_one_client() {
        assert_eq!(asking("2001:db8:0:1::1", &[]), client("2001:db8:0:1:ffff::2"));
        assert_ne!(asking("2001:db8:0:1::1", &[]), client("2001:db8:0:2::1"));
        assert_eq!(asking("127.0.0.1", &["[2001:db8::7]:4711"]), client("2001:db8::"));
    }
}
