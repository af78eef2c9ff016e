//! Nacos 2.3.2: 2.5.1 but for little.

use super::v2;
use crate::dialect::{Dialect, LoginWhenOff};
use crate::http::JSON_UTF8;

pub(super) const DIALECT: Dialect = Dialect {
    version: "2.3.2",
    login_when_off: LoginWhenOff::AuthDisabled,
    missing_config_type: Some(JSON_UTF8),
    ..v2::DIALECT
};
