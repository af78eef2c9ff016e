//! The gzip format, RFC 1952: deflate streams in a frame.

use super::{Decoded, Fault};

pub(super) const MAGIC: &[u8] = &[0x1f, 0x8b];
const DEFLATE: u8 = 8;
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// Appends all members of `packed` to `out`, and stops as soon as its limit is passed. What follows the last member is padding.
pub(super) fn gunzip(mut packed: &[u8], out: &mut Decoded<'_>) -> Result<(), Fault> {
    loop {
        let (start, body) = (out.bytes.len(), skip_header(packed)?);
        let read = out.inflate(body, 0)?;
        if out.is_full() {
            return Ok(());
        }
        let (trailer, rest) = body[read..].split_first_chunk::<8>().ok_or(Fault::Truncated)?;
        let plain = &out.bytes[start..];
        // Of the length only 32 bits count.
        let expected = u64::from(plain.len() as u32) << 32 | u64::from(crc32(plain));
        if u64::from_le_bytes(*trailer) != expected {
            return Err(Fault::Damaged);
        }
        if !rest.starts_with(MAGIC) {
            return Ok(());
        }
        packed = rest;
    }
}

/// What comes behind the header of a member.
fn skip_header(packed: &[u8]) -> Result<&[u8], Fault> {
    if !packed.starts_with(&MAGIC[..packed.len().min(MAGIC.len())]) {
        return Err(Fault::Damaged);
    }
    let (fixed, mut rest) = packed.split_first_chunk::<10>().ok_or(Fault::Truncated)?;
    let (method, flags) = (fixed[2], fixed[3]);
    if method != DEFLATE {
        return Err(Fault::Damaged);
    }
    if flags & EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk().ok_or(Fault::Truncated)?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..).ok_or(Fault::Truncated)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or(Fault::Truncated)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CRC != 0 {
        rest = rest.get(2..).ok_or(Fault::Truncated)?;
    }
    Ok(rest)
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut value, mut bit) = (byte as u32, 0);
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| crc >> 8 ^ CRC_TABLE[usize::from(crc as u8 ^ byte)])
}
