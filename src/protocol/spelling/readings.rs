//! The readings of a text in which a secret may be found, and how the two are made alike.

use zeroize::Zeroizing;

use super::{Bytes, SHORTEST, Text};

/// In every reading of it that differs from the others.
pub(super) fn haystacks(form: &[u8]) -> impl Iterator<Item = Text> {
    let base64 = |c: char| match c {
        '-' => Some('+'),
        '_' => Some('/'),
        _ if c.is_whitespace() => None,
        _ => Some(c.to_ascii_lowercase()),
    };
    let text = String::from_utf8_lossy(form);
    let in_latin_1 = (!form.is_ascii()).then(|| plain(latin_1(form)));
    let packed = collect(text.len(), text.chars().filter_map(base64));
    let in_decimals = decimals(form).map(|bytes| plain(latin_1(&bytes)));
    let in_hex = without_0x(form).map(|digits| skeleton(&digits));
    let as_seen = seen(&text).into_iter().flat_map(|text| [plain(text.chars()), skeleton(text.as_bytes())]);
    [plain(text.chars()), skeleton(form), packed]
        .into_iter()
        .chain(in_latin_1)
        .chain(in_decimals)
        .chain(in_hex)
        .chain(as_seen)
}

/// The text as a reader sees it, if that is another: without tags and what is invisible, and with letters of one width.
fn seen(text: &str) -> Option<Text> {
    let differs = |c: char| c == '<' || is_invisible(c) || narrow(c) != c;
    if !text.contains(differs) {
        return None;
    }
    let mut seen = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tag = rest.strip_prefix('<').filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'));
        if let Some(end) = tag.and_then(|tag| tag.find(['<', '>']).filter(|end| tag[*end..].starts_with('>'))) {
            rest = &rest[end + 2..];
            continue;
        }
        if !is_invisible(c) {
            seen.push(narrow(c));
        }
        rest = &rest[c.len_utf8()..];
    }
    Some(seen)
}

/// The letter of ASCII that a wide one is.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// Whether it takes no room: what joins, separates and directs letters.
pub(in crate::protocol) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// What a list of numbers stands for, as in `[84, 114, -61]`: bytes, as Java prints them too. A NUL stands between those that do
/// not belong together.
fn decimals(form: &[u8]) -> Option<Bytes> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(form.len()));
    let mut rest = form;
    while let [first, tail @ ..] = rest {
        let digits = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if digits == 0 {
            rest = tail;
            continue;
        }
        // Between numbers it is no sign.
        let is_negative = match form[..form.len() - rest.len()] {
            [.., before, b'-'] => !before.is_ascii_alphanumeric(),
            [b'-'] => true,
            _ => false,
        };
        let number = rest[..digits]
            .iter()
            .take(4)
            .try_fold(0i16, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')));
        let number = number.map(|number| if is_negative && number <= 128 { -number } else { number });
        match number {
            Some(number @ -128..=255) if first.is_ascii_digit() => bytes.push(number as u8),
            _ => bytes.push(0),
        }
        rest = &rest[digits..];
    }
    bytes.iter().filter(|byte| **byte != 0).nth(SHORTEST - 1).is_some().then_some(bytes)
}

/// Hexadecimal numbers as bare digits, if there are any: `0x54 0x72`.
fn without_0x(form: &[u8]) -> Option<Bytes> {
    let is_mark = |at: usize| form[at] == b'0' && matches!(form.get(at + 1), Some(b'x' | b'X'));
    if !(0..form.len()).any(is_mark) {
        return None;
    }
    let mut digits = Zeroizing::new(Vec::with_capacity(form.len()));
    let mut at = 0;
    while at < form.len() {
        if is_mark(at) {
            at += 2;
        } else {
            digits.push(form[at]);
            at += 1;
        }
    }
    Some(digits)
}

/// In one case (by way of capitals, as `ß` is `SS` there), and with a space for `+`, which is one in a form.
pub(super) fn plain(chars: impl Iterator<Item = char> + Clone) -> Text {
    let mut room = 0;
    chars.clone().for_each(|c| folded(c, |c| room += c.len_utf8()));
    let mut text = Zeroizing::new(String::with_capacity(room));
    chars.for_each(|c| folded(c, |c| text.push(c)));
    text
}

fn folded(c: char, mut each: impl FnMut(char)) {
    match c {
        '+' => each(' '),
        // Nearly all there is, and quickly done.
        '\0'..='\x7f' => each(c.to_ascii_lowercase()),
        _ => c.to_uppercase().flat_map(char::to_lowercase).for_each(each),
    }
}

/// Letters and digits of ASCII alone: what is left in every character set, line wrapping and quoting.
pub(super) fn skeleton(form: &[u8]) -> Text {
    collect(form.len(), form.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| b.to_ascii_lowercase().into()))
}

pub(super) fn latin_1(form: &[u8]) -> impl Iterator<Item = char> + Clone {
    form.iter().map(|byte| char::from(*byte))
}

/// Without growing, which would leave unwiped copies behind.
pub(super) fn collect(room: usize, chars: impl Iterator<Item = char>) -> Text {
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.extend(chars);
    text
}
