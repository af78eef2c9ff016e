//! Stub until merged.
use http::HeaderName;

use crate::error::Result;

pub(crate) fn check_framing(_: &HeaderName) -> Result<()> {
    Ok(())
}
