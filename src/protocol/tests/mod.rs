mod headers;
mod jwt;
mod login;
mod place;
mod quote;
mod rejection;
mod retry_after;
mod server;
