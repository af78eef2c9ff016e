//! Servers that answer as no server should, to logins and to requests, over real connections and the public API.
//!
//! Whatever comes, a call ends by its deadline, takes a bounded amount of memory, and brings a complete answer or an
//! error: never a part of an answer as if it were the whole, and never the answer to another request.

mod chunks;
mod cut;
mod early;
mod flood;
mod heads;
mod interim;
mod large;
mod late;
mod memory;
mod odd;
mod redirects;
mod server;
mod slow;
mod surplus;
mod tls;
mod told;
mod way;
