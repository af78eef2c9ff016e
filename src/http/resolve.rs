//! Names of hosts, looked up on threads of their own: a lookup may hang for half a minute and cannot be interrupted. A hung
//! one costs its own callers only.

use std::{
    net::{IpAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::error::{Error, ErrorKind, Phase};
use crate::sys::lock::Mutex;
use crate::{
    sys::{descriptor, thread},
    wait::{Executor, Promise},
};

/// How long an answer is good for.
const REMEMBERED: Duration = Duration::from_secs(5);
/// How long a lookup under way is joined by others. One that takes longer may be hung; the next caller begins another.
const JOINED: Duration = Duration::from_secs(1);
/// How many lookups of one name, and of all names, may be under way.
const OF_ONE_NAME: usize = 4;
const OF_ALL: usize = 64;
/// How many names are remembered.
const NAMES: usize = 64;

type Answer = Result<Vec<IpAddr>, Error>;

/// Looks names up, and remembers them for a few seconds.
pub(crate) struct Resolver {
    names: Mutex<Vec<Name>>,
    under_way: Arc<AtomicUsize>,
    look_up: LookUp,
}

pub(super) type LookUp = fn(&str) -> std::io::Result<Vec<IpAddr>>;

struct Name {
    host: String,
    /// The last lookup, and when it began.
    last: Promise<Answer>,
    began: Instant,
    under_way: Arc<AtomicUsize>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::with(system)
    }
}

/// By the C library. It reads variables of the environment of its own now and then (`RES_OPTIONS`), so no name is looked
/// up where an address will do.
fn system(host: &str) -> std::io::Result<Vec<IpAddr>> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        if !found.contains(&address.ip()) {
            found.push(address.ip());
        }
    }
    Ok(found)
}

impl Resolver {
    pub(super) fn with(look_up: LookUp) -> Self {
        Self { names: Mutex::default(), under_way: Arc::default(), look_up }
    }

    /// The addresses of `host`: there at once, or promised to a caller of this `executor`.
    pub(super) fn addresses(&self, host: &str, executor: Executor) -> Promise<Answer> {
        if let Ok(address) = host.parse::<IpAddr>() {
            let promise = Promise::new();
            promise.fulfil(Ok(vec![address]));
            return promise;
        }
        let mut names = self.names.lock();
        let known = names.iter().position(|name| name.host == host).map(|at| names.remove(at));
        let under_way = known.as_ref().map_or_else(Arc::default, |name| name.under_way.clone());
        if let Some(name) = known {
            let good = match name.last.value() {
                Some(answer) => answer.is_ok() && name.began.elapsed() < REMEMBERED,
                None => name.began.elapsed() < JOINED || !self.has_room(&name.under_way),
            };
            if good {
                let last = name.last.clone();
                names.push(name);
                return last;
            }
        }
        let promise = Promise::new();
        let (last, began) = (promise.clone(), Instant::now());
        names.push(Name { host: host.into(), last, began, under_way: under_way.clone() });
        if names.len() > NAMES {
            names.remove(0);
        }
        drop(names);
        self.begin(host, &promise, under_way, executor);
        promise
    }

    /// Something has changed at `host`: it is looked up anew when it is next needed.
    pub(super) fn forget(&self, host: &str) {
        self.names.lock().retain(|name| name.host != host || name.last.value().is_none());
    }

    fn has_room(&self, of_name: &AtomicUsize) -> bool {
        of_name.load(Ordering::Relaxed) < OF_ONE_NAME && self.under_way.load(Ordering::Relaxed) < OF_ALL
    }

    fn begin(&self, host: &str, promise: &Promise<Answer>, of_name: Arc<AtomicUsize>, executor: Executor) {
        if self.under_way.load(Ordering::Relaxed) >= OF_ALL {
            let cause = format!("{OF_ALL} name lookups are under way and do not end");
            promise.fulfil(Err(Error::new(Phase::Resolve, ErrorKind::Slow, cause)));
            return;
        }
        let counts = [self.under_way.clone(), of_name];
        counts.iter().for_each(|count| _ = count.fetch_add(1, Ordering::Relaxed));
        let (host, promise, look_up) = (host.to_owned(), promise.clone(), self.look_up);
        thread::run_apart("nacos-dns", executor == Executor::Caller, move || {
            promise.fulfil(answer(&host, look_up(&host)));
            counts.iter().for_each(|count| _ = count.fetch_sub(1, Ordering::Relaxed));
        });
    }
}

fn answer(host: &str, found: std::io::Result<Vec<IpAddr>>) -> Answer {
    match found {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses),
        Ok(_) => Err(Error::new(Phase::Resolve, ErrorKind::Broken, format!("{host} has no address"))),
        // A resolver that cannot open a socket says only that it failed for now.
        Err(e) if descriptor::is_exhausted(&e) || descriptor::Event::new().is_err() => {
            Err(Error::no_descriptors(Phase::Resolve))
        }
        Err(e) => Err(Error::new(Phase::Resolve, ErrorKind::Broken, format!("{host}: {e}"))),
    }
}
