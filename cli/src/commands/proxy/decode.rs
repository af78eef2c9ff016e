//! Compressed refusals, made readable for the library.

use std::{borrow::Cow, io::Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::HeaderValue;

/// As much as the library reads of a refusal.
const READ: u64 = 4096;

pub(super) fn beginning<'a>(coding: Option<&HeaderValue>, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let read = |decoder: &mut dyn Read| {
        let mut text = Vec::new();
        // What comes before a break counts.
        _ = decoder.take(READ).read_to_end(&mut text);
        Cow::Owned(text)
    };
    match coding.and_then(|coding| coding.to_str().ok()).map(str::to_ascii_lowercase).as_deref() {
        Some("gzip" | "x-gzip") => read(&mut MultiGzDecoder::new(bytes)),
        Some("deflate") => read(&mut ZlibDecoder::new(bytes)),
        _ => Cow::Borrowed(bytes),
    }
}
