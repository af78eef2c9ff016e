mod headers;
mod login;
mod place;
mod quote;
mod rejection;
mod retry_after;
mod server;
