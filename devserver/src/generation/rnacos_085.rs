//! r-nacos 0.8.5: the whole of `Authorization` is a token, `Bearer` included.

use super::rnacos;
use crate::dialect::{Authorization, Dialect};

pub(super) const DIALECT: Dialect = Dialect {
    version: "0.8.5",
    authorization: Authorization::Whole,
    ttl: 3600,
    identity_headers: false,
    ..rnacos::DIALECT
};
