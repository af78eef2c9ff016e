//! Content codings: answers that a server or a gateway has compressed, asked or not.

mod gunzip;

use std::borrow::Cow;

use ::http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH},
};
use miniz_oxide::inflate::{
    TINFLStatus,
    core::{
        DecompressorOxide, decompress,
        inflate_flags::{TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF},
    },
};
use zeroize::Zeroize;

use super::{
    Response,
    connection::LONGEST_REFUSAL,
    error::{Error, ErrorKind, Phase},
};

/// A body in this status is a piece of the compressed one, which nobody can decode.
const PARTIAL_CONTENT: u16 = 206;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// Appends what `packed` holds to `out`, and stops as soon as that is longer than `limit`.
    fn decode(self, packed: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Gzip => gunzip::gunzip(packed, limit, out),
            Self::Deflate => match inflate(packed, TINFL_FLAG_PARSE_ZLIB_HEADER, limit, out) {
                // The name stands for the zlib format; some servers leave out its frame.
                Err(Fault::Damaged) => {
                    out.clear();
                    inflate(packed, 0, limit, out).map(drop)
                }
                done => done.map(drop),
            },
        }
    }
}

/// Why there is no more to decode.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Truncated,
    Damaged,
}

/// Appends the deflate stream at the beginning of `packed` to `out`, which is its window too, so that no copy of a token is
/// left behind; how many bytes it took. Stops as soon as `out` is longer than `limit`.
fn inflate(packed: &[u8], flags: u32, limit: usize, out: &mut Vec<u8>) -> Result<usize, Fault> {
    let flags = flags | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    let (start, mut read, mut written) = (out.len(), 0, 0);
    loop {
        // Room for what nearly all need; only what is longer has to move.
        let room = if written == 0 { packed.len().saturating_mul(4).max(4096) } else { 2 * written };
        out.resize((start + room).min(limit + 1), 0);
        let (status, r, w) = decompress(&mut state, &packed[read..], &mut out[start..], written, flags);
        (read, written) = (read + r, written + w);
        if status == TINFLStatus::HasMoreOutput && start + written <= limit {
            continue;
        }
        out.truncate(start + written);
        return match status {
            TINFLStatus::Done | TINFLStatus::HasMoreOutput => Ok(read),
            TINFLStatus::FailedCannotMakeProgress => Err(Fault::Truncated),
            _ => Err(Fault::Damaged),
        };
    }
}

/// Leaves of the caller's `Accept-Encoding` what can be decoded here.
pub(super) fn restrict(headers: &mut HeaderMap) {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return;
    }
    let asked: Vec<_> = elements(headers, ACCEPT_ENCODING.as_str()).collect();
    let name = |element: &str| element.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut kept: Vec<_> =
        asked.iter().filter(|e| Coding::parse(&name(e)).is_some() || name(e) == "identity").cloned().collect();
    if kept.is_empty() && asked.iter().any(|e| name(e) == "*") {
        kept = asked.iter().filter(|e| name(e) == "*").map(|e| e.replacen('*', "gzip", 1)).collect();
    }
    let text = if kept.is_empty() { "identity".into() } else { kept.join(", ") };
    // Made of a value that was one.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("identity")));
}

/// The elements of a header that is a list, over all its lines.
fn elements<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|element| element.trim().to_owned()).filter(|e| !e.is_empty())
}

/// The codings of a body in the order in which they were applied; `None` if one of them is not known here.
fn codings(headers: &HeaderMap) -> Option<Vec<Coding>> {
    elements(headers, CONTENT_ENCODING.as_str())
        .filter(|name| !name.eq_ignore_ascii_case("identity"))
        .map(|name| Coding::parse(&name))
        .collect()
}

/// The answer as it was before it was compressed, without the headers that tell of that. Sizes count decoded: what goes
/// beyond `largest` is an error, a refusal's surplus is left out. What is compressed in a way that is not known here, or
/// is a part of something compressed, stays as it is; so does an empty body, as it comes with HEAD and 304.
pub(super) fn decode(mut response: Response, largest: usize) -> Result<Response, Error> {
    if response.body.is_empty() || response.status == PARTIAL_CONTENT {
        return Ok(response);
    }
    let codings = codings(&response.headers).filter(|codings| !codings.is_empty());
    let Some(codings) = codings else { return Ok(response) };
    let is_refusal = response.status >= 400;
    let limit = if is_refusal { LONGEST_REFUSAL } else { largest };
    for coding in codings.into_iter().rev() {
        let packed = std::mem::take(&mut response.body);
        let mut body = Vec::new();
        match coding.decode(&packed, limit, &mut body) {
            Ok(()) if body.len() > limit && !is_refusal => {
                let cause = format!("an answer of more than {limit} bytes");
                return Err(Error::new(Phase::Answer, ErrorKind::TooLarge, cause));
            }
            // Only its beginning has been read.
            Err(Fault::Truncated) if is_refusal && packed.len() >= LONGEST_REFUSAL => {}
            Err(fault) => {
                let why = if fault == Fault::Truncated { "ends too early" } else { "is damaged" };
                let cause = format!("the answer came compressed ({}), and what came {why}", coding.name());
                return Err(Error::new(Phase::Answer, ErrorKind::Undecodable, cause));
            }
            Ok(()) => {}
        }
        body.truncate(limit);
        if let Ok(mut packed) = packed.try_into_mut() {
            packed.zeroize(); // as good as a token, if one is in it
        }
        response.body = body.into();
    }
    response.headers.remove(CONTENT_ENCODING);
    response.headers.remove(CONTENT_LENGTH);
    Ok(response)
}

/// The beginning of a body that a caller has received, at most `limit` bytes if it is gzip. HTTP libraries decode an answer
/// unless their user asks for gzip by a header of his own.
pub(crate) fn beginning(body: &[u8], limit: usize) -> Cow<'_, [u8]> {
    if !body.starts_with(gunzip::MAGIC) {
        return body.into();
    }
    let mut plain = Vec::new();
    let _ = gunzip::gunzip(body, limit, &mut plain); // perhaps only the beginning is there
    plain.into()
}
