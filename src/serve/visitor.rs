//! Whether a request may spend something: not if a browser marks it as another site's doing, nor if it was led here by a
//! name that is none of ours (DNS rebinding). Pure.

use std::net::IpAddr;

use hyper::{
    header::{HOST, HeaderMap, ORIGIN, REFERER},
    http::request::Parts,
};
use url::{Host, Url};

use crate::config::Server;

/// Why a request may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// Another site's page made it.
    Site,
    /// It names a host that is none of ours.
    Host,
}

/// None for who may.
pub fn stranger(parts: &Parts, server: &Server) -> Option<Stranger> {
    let host = match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().to_owned()),
        None => parts.headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()),
    };
    if host.is_some_and(|host| !is_ours(&format!("http://{host}/"), server)) {
        return Some(Stranger::Host);
    }
    is_foreign(&parts.headers, server).then_some(Stranger::Site)
}

/// Sec-Fetch-Site says it best (W3C Fetch Metadata); who does not send it may send where it came from.
fn is_foreign(headers: &HeaderMap, server: &Server) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return !["none", "same-origin"].map(str::as_bytes).contains(&site.as_bytes());
    }
    let named = [ORIGIN, REFERER].into_iter().filter_map(|name| headers.get(name));
    named.into_iter().any(|from| from.to_str().map_or(true, |from| !is_ours(from, server)))
}

/// An address is ours if its host is the public one, or the one that the daemon listens at. An address in numbers is no
/// name that somebody could have led here, so where the daemon listens at all of them, each is ours.
fn is_ours(url: &str, server: &Server) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let public = Url::parse(&server.public_url).ok();
    if public.as_ref().and_then(Url::host) == url.host() {
        return true;
    }
    let listens = server.listen.ip();
    let at = |ip: IpAddr| listens.is_unspecified() || ip == listens || ip.is_loopback() && listens.is_loopback();
    match url.host() {
        Some(Host::Ipv4(ip)) => at(ip.into()),
        Some(Host::Ipv6(ip)) => at(ip.into()),
        Some(Host::Domain(name)) => name == "localhost" && (listens.is_unspecified() || listens.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;
    use crate::config::Config;

    fn asked(listen: &str, public: &str, fields: &[(&str, &str)]) -> Option<Stranger> {
        let text = format!("[server]\nlisten = \"{listen}\"\npublic_url = \"{public}\"\n");
        let mut request = Request::get("/kettle/atom.xml");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        stranger(&request.body(()).unwrap().into_parts().0, &Config::parse(&text).unwrap().server)
    }

    #[test]
    fn a_name_that_leads_here_is_ours_only_if_it_is_the_public_one() {
        let host = |host| asked("127.0.0.1:8080", "https://feeds.example/tg", &[("host", host)]);
        for ours in ["feeds.example", "FEEDS.example:443", "127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            assert_eq!(host(ours), None, "{ours}");
        }
        for other in ["evil.example", "feeds.example.evil.example", "192.168.1.5", "", "a b", "localhost.evil.example"]
        {
            assert_eq!(host(other), Some(Stranger::Host), "{other}");
        }
    }

    #[test]
    fn who_listens_at_all_addresses_is_asked_by_each_and_by_no_name() {
        let host = |host| asked("0.0.0.0:8080", "http://feeds.example", &[("host", host)]);
        assert_eq!([host("192.168.1.5:8080"), host("localhost"), host("[fe80::1]")], [None; 3]);
        assert_eq!(host("router.example"), Some(Stranger::Host));
    }

    #[test]
    fn what_a_browser_marks_as_another_sites_is_refused() {
        let from =
            |name, value| asked("127.0.0.1:1", "http://feeds.example", &[("host", "feeds.example"), (name, value)]);
        for (name, value) in [("sec-fetch-site", "none"), ("sec-fetch-site", "same-origin"), ("accept", "*/*")] {
            assert_eq!(from(name, value), None, "{name}: {value}");
        }
        assert_eq!(from("referer", "http://feeds.example/"), None);
        assert_eq!(from("origin", "http://feeds.example"), None);
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "Strange"),
            ("origin", "null"),
            ("origin", "https://evil.example"),
            ("referer", "https://evil.example/page"),
        ] {
            assert_eq!(from(name, value), Some(Stranger::Site), "{name}: {value}");
        }
    }
}
