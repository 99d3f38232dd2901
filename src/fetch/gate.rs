//! What may be dialled of what others name: files of posts, callbacks of subscribers. It is decided where names are resolved
//! for dialling, so that no answer of a name server can change in between.

use std::{
    error::Error,
    io, iter,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{
    address::is_public,
    lookup::{Lookups, Resolver},
};

/// A name has other addresses only.
#[derive(Debug, thiserror::Error)]
#[error("leads to no public address")]
struct NotPublic;

/// Whether that is why a request was not made.
pub fn is_not_public(error: &reqwest::Error) -> bool {
    let first: &(dyn Error + 'static) = error;
    let causes = iter::successors(Some(first), |error| (*error).source());
    let mut inner = causes.filter_map(|cause| cause.downcast_ref::<io::Error>()?.get_ref());
    inner.any(|inner| inner.is::<NotPublic>())
}

/// Lets through what may be dialled.
#[derive(Clone)]
pub struct Gate {
    allow_private: bool,
    names: Arc<Lookups>,
}

impl Gate {
    /// With look-ups of its own by `resolver`.
    pub fn new(allow_private: bool, resolver: &Resolver) -> Self {
        Self { allow_private, names: Lookups::new(Arc::clone(resolver)) }
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }

    /// Hosts that are written as addresses, which never come to the resolver.
    pub fn pass(&self, url: &Url) -> Result<(), String> {
        match literal(url) {
            Some(address) if !self.allows(address) => Err("leads to an address that is not public".to_owned()),
            _ => Ok(()),
        }
    }

    /// The addresses of a name that may be dialled; `PermissionDenied` if it has others only.
    pub async fn addresses(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let found = self.names.addresses(name).await?.into_iter();
        let allowed: Vec<SocketAddr> =
            found.filter(|address| self.allows(*address)).map(|address| SocketAddr::new(address, 0)).collect();
        if allowed.is_empty() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, NotPublic));
        }
        Ok(allowed)
    }
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = self.clone();
        Box::pin(async move {
            let addresses = gate.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The address, where the host is written as one: no resolver is asked about it.
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}
