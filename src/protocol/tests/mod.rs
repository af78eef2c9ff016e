mod place;
mod headers;
mod login;
mod quote;
mod rejection;
mod server;
mod retry_after;
