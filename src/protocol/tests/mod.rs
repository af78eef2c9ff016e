mod carriage;
mod headers;
mod login;
mod quote;
mod rejection;
mod server;
