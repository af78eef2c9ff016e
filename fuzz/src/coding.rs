//! Answers that come compressed.

use std::{cell::RefCell, io::Read};

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status, read::MultiGzDecoder};
use http::HeaderValue;
use nacos_auth::fuzzing::{beginning, decode};

use crate::{answer::Answer, planted, spells};

/// A refusal longer than this is cut.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// The number behind the status limits the body; the first header is the list of codings. With a second one the body is
/// plain, and packed here.
pub fn run(data: &[u8]) {
    let Answer { status, choice, headers, body } = Answer::read(data);
    let Some(Ok(codings)) = headers.first().map(|text| HeaderValue::from_bytes(text)) else { return };
    let limit = choice.max(1);
    if headers.len() > 1 {
        return check_round_trip(status, &codings, body, limit);
    }
    let decoded = decode(status, &codings, body, limit);
    check_beginning(body);
    let Ok(plain) = decoded else { return check_foreign(&codings, status, body, limit, None) };
    let is_as_it_was = plain == body;
    let longest = if status >= 400 { LONGEST_REFUSAL } else { limit };
    assert!(plain.len() <= longest || is_as_it_was, "{} of {longest} bytes", plain.len());
    check_foreign(&codings, status, body, limit, Some(&plain));
}

/// Whatever another decoder takes is taken here too, and is the same.
fn check_foreign(codings: &HeaderValue, status: u16, body: &[u8], limit: usize, plain: Option<&[u8]>) {
    if status >= 400 || status == 206 || body.is_empty() {
        return;
    }
    let mut other = vec![0; limit.min(1 << 20) + 1];
    let read = match codings.as_bytes() {
        b"gzip" => gunzipped(body, &mut other),
        b"deflate" => inflated(body, &mut other),
        _ => return,
    };
    if let Some(length) = read.filter(|length| *length <= limit) {
        assert_eq!(plain, Some(&other[..length]), "another decoder reads it so");
    }
}

fn gunzipped(body: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let room = out.len();
    out.clear();
    MultiGzDecoder::new(body).take(room as u64).read_to_end(out).ok().filter(|length| *length < room)
}

/// Not by a reader, which does not tell an end that comes too early.
fn inflated(body: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut decoder = Decompress::new(true);
    let status = decoder.decompress(body, out, FlushDecompress::Finish).ok()?;
    (status == Status::StreamEnd).then_some(decoder.total_out() as usize)
}

/// The beginning of what somebody else has received is never longer than asked for, and no panic.
fn check_beginning(body: &[u8]) {
    let read = beginning(body, 100);
    assert!(read.len() <= 101 || read == body);
}

fn check_round_trip(status: u16, codings: &HeaderValue, body: &[u8], limit: usize) {
    let Ok(text) = codings.to_str() else { return };
    let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let (mut packed, mut largest) = (body.to_vec(), body.len());
    for name in &names {
        packed = match name.to_ascii_lowercase().as_str() {
            "gzip" => members(&packed),
            "x-gzip" => gzip(&packed),
            "deflate" if packed.len().is_multiple_of(2) => zlib(&packed),
            "deflate" => raw(&packed),
            _ => return,
        };
        largest = largest.max(packed.len());
    }
    if names.len() > 4 || status == 206 || status >= 400 {
        return;
    }
    match decode(status, codings, &packed, limit) {
        Ok(plain) => assert_eq!(planted(&plain[..], b"?", || spells(&plain, b"PQPQ")), body),
        Err(why) => assert!(largest > limit, "{why}"), // at some stage
    }
    // Wherever it is cut, that is noticed, or nothing is missing.
    for end in (1..packed.len()).step_by(packed.len() / 8 + 1) {
        if let (Ok(plain), false) = (decode(status, codings, &packed[..end], limit), names.is_empty()) {
            assert!(
                body.starts_with(&plain) && names.iter().all(|name| name.eq_ignore_ascii_case("gzip")),
                "cut unseen"
            );
        }
    }
}

/// In two members, as what is written piece by piece.
fn members(plain: &[u8]) -> Vec<u8> {
    let (one, two) = plain.split_at(plain.len() / 3);
    if one.is_empty() { gzip(two) } else { [gzip(one), gzip(two)].concat() }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(plain);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    packed.extend(raw(plain));
    packed.extend(crc.sum().to_le_bytes());
    packed.extend((plain.len() as u32).to_le_bytes());
    packed
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    thread_local!(static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), true)));
    PACKER.with_borrow_mut(|packer| deflated(packer, plain))
}

fn raw(plain: &[u8]) -> Vec<u8> {
    thread_local!(static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false)));
    PACKER.with_borrow_mut(|packer| deflated(packer, plain))
}

/// By one that is used again: its tables are most of the work for a few bytes.
fn deflated(packer: &mut Compress, plain: &[u8]) -> Vec<u8> {
    packer.reset();
    // What cannot be packed becomes a little longer.
    let mut packed = Vec::with_capacity(plain.len() + plain.len() / 8 + 64);
    let status = packer.compress_vec(plain, &mut packed, FlushCompress::Finish).expect("memory");
    assert_eq!(status, Status::StreamEnd);
    packed
}
