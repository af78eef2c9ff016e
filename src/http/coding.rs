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
        inflate_flags::{
            TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
        },
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
/// More codings than anybody applies to one body are not undone.
const MOST_CODINGS: usize = 4;
/// How much is decoded before the next look whether the call is over.
const PIECE: usize = 16 * 1024;

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
}

/// Why there is no more to decode.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Truncated,
    Damaged,
    /// The call is over. What a server sends may decode to nothing for minutes.
    OutOfTime,
    /// There is no room for so many bytes.
    NoMemory(usize),
}

/// What comes out of a decoder. It is the decoder's window too, so that no copy of a token is left behind.
struct Decoded<'a> {
    bytes: Vec<u8>,
    limit: usize,
    is_over: &'a dyn Fn() -> bool,
    state: Box<DecompressorOxide>,
}

impl<'a> Decoded<'a> {
    fn new(limit: usize, is_over: &'a dyn Fn() -> bool) -> Self {
        Self { bytes: Vec::new(), limit, is_over, state: Box::default() }
    }

    /// Appends what `packed` holds, and stops as soon as the limit is passed.
    fn decode(&mut self, coding: Coding, packed: &[u8]) -> Result<(), Fault> {
        match coding {
            Coding::Gzip => gunzip::gunzip(packed, self),
            Coding::Deflate => match self.inflate(packed, TINFL_FLAG_PARSE_ZLIB_HEADER) {
                // The name stands for the zlib format; some servers leave out its frame.
                Err(Fault::Damaged) => {
                    self.bytes.clear();
                    self.inflate(packed, 0).map(drop)
                }
                done => done.map(drop),
            },
        }
    }

    fn is_full(&self) -> bool {
        self.bytes.len() > self.limit
    }

    /// The same with the deflate stream at the beginning of `packed`; how many bytes it took.
    fn inflate(&mut self, packed: &[u8], flags: u32) -> Result<usize, Fault> {
        let Self { bytes, limit, is_over, state } = self;
        let flags = flags | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        state.init();
        let (start, mut read, mut written) = (bytes.len(), 0, 0);
        loop {
            if is_over() {
                return Err(Fault::OutOfTime);
            }
            let room = match written {
                // What nearly all need: only what is longer has to move.
                0 if bytes.capacity() == 0 => packed.len().saturating_mul(4).max(4096),
                // One of many streams: room has to be filled, too.
                0 => 256,
                _ => 2 * written,
            };
            let size = (start + room).min(*limit + 1);
            bytes.try_reserve(size.saturating_sub(bytes.len())).map_err(|_| Fault::NoMemory(size))?;
            bytes.resize(size, 0);
            let rest = &packed[read..];
            let (piece, more) = match rest.len() > PIECE {
                true => (&rest[..PIECE], TINFL_FLAG_HAS_MORE_INPUT),
                false => (rest, 0),
            };
            let (status, r, w) = decompress(state, piece, &mut bytes[start..], written, flags | more);
            (read, written) = (read + r, written + w);
            match status {
                TINFLStatus::NeedsMoreInput => continue,
                TINFLStatus::HasMoreOutput if start + written <= *limit => continue,
                _ => bytes.truncate(start + written),
            }
            return match status {
                TINFLStatus::Done | TINFLStatus::HasMoreOutput => Ok(read),
                TINFLStatus::FailedCannotMakeProgress => Err(Fault::Truncated),
                _ => Err(Fault::Damaged),
            };
        }
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
/// is a part of something compressed, stays as it is; so does an empty body, as it comes with HEAD and 304. It ends when the
/// call `is_over`.
pub(super) fn decode(mut response: Response, largest: usize, is_over: impl Fn() -> bool) -> Result<Response, Error> {
    if response.body.is_empty() || response.status == PARTIAL_CONTENT {
        return Ok(response);
    }
    let codings = codings(&response.headers).filter(|codings| (1..=MOST_CODINGS).contains(&codings.len()));
    let Some(codings) = codings else { return Ok(response) };
    let is_refusal = response.status >= 400;
    let limit = if is_refusal { LONGEST_REFUSAL } else { largest };
    for coding in codings.into_iter().rev() {
        let packed = std::mem::take(&mut response.body);
        let mut decoded = Decoded::new(limit, &is_over);
        match decoded.decode(coding, &packed) {
            Ok(()) if decoded.is_full() && !is_refusal => {
                return Err(Error::too_large(limit));
            }
            // Only its beginning has been read.
            Err(Fault::Truncated) if is_refusal && packed.len() >= LONGEST_REFUSAL => {}
            Err(Fault::OutOfTime) => {
                return Err(Error::new(Phase::Answer, ErrorKind::Timeout, "the answer takes too long to decode"));
            }
            Err(Fault::NoMemory(size)) => return Err(Error::no_memory(size)),
            Err(fault) => {
                let why = if fault == Fault::Truncated { "ends too early" } else { "is damaged" };
                let cause = format!("the answer came compressed ({}), and what came {why}", coding.name());
                return Err(Error::new(Phase::Answer, ErrorKind::Undecodable, cause));
            }
            Ok(()) => {}
        }
        let mut body = decoded.bytes;
        response.truncated |= body.len() > limit;
        body.truncate(limit);
        if let Ok(mut packed) = packed.try_into_mut() {
            packed.zeroize(); // as good as a token, if one is in it
        }
        response.body = body.into();
    }
    // Removing would put the last one into the gap.
    let mut kept = HeaderMap::with_capacity(response.headers.keys_len());
    for (name, value) in &response.headers {
        if name != CONTENT_ENCODING && name != CONTENT_LENGTH {
            kept.append(name.clone(), value.clone());
        }
    }
    response.headers = kept;
    Ok(response)
}

/// The beginning of a body that a caller has received, at most `limit` bytes if it is gzip. HTTP libraries decode an answer
/// unless their user asks for gzip by a header of his own.
pub(crate) fn beginning(body: &[u8], limit: usize) -> Cow<'_, [u8]> {
    if !body.starts_with(gunzip::MAGIC) {
        return body.into();
    }
    let mut decoded = Decoded::new(limit, &|| false);
    // Perhaps only the beginning is there.
    let _ = decoded.decode(Coding::Gzip, &body[..body.len().min(LONGEST_REFUSAL)]);
    decoded.bytes.into()
}
