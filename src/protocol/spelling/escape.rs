//! Escapes, as forms, JSON and HTML have them, and texts without them.

use zeroize::Zeroizing;

use super::Bytes;

/// Escapes within escapes are undone this deep, in any order, as long as that gives no more than so many texts.
const DEEPEST: usize = 3;
const MOST_FORMS: usize = 32;

/// The text as it is, and what it may be an escaped form of.
pub(super) fn unescaped(text: &[u8]) -> Vec<Bytes> {
    let mut forms = vec![Zeroizing::new(text.to_vec())];
    let mut unseen = 0;
    for _ in 0..DEEPEST {
        let layer = unseen..forms.len();
        unseen = layer.end;
        for (at, escape) in layer.flat_map(|at| Escape::ALL.map(|escape| (at, escape))) {
            if forms.len() == MOST_FORMS {
                return forms;
            }
            if !forms[at].contains(&escape.mark()) {
                continue;
            }
            let next = escape.undo(&forms[at]);
            if !forms.contains(&next) {
                forms.push(next);
            }
        }
    }
    forms
}

/// A way to write characters that would mean something else.
#[derive(Clone, Copy)]
pub(super) enum Escape {
    /// Of forms: `%2F`.
    Percent,
    /// Of JSON and C: `\/`, `\u002f`.
    Backslash,
    /// Of HTML: `&amp;`.
    Entity,
}

impl Escape {
    pub(super) const ALL: [Self; 3] = [Self::Percent, Self::Backslash, Self::Entity];

    /// What each of it begins with.
    pub(super) fn mark(self) -> u8 {
        match self {
            Self::Percent => b'%',
            Self::Backslash => b'\\',
            Self::Entity => b'&',
        }
    }

    /// The text without it; never longer than before.
    pub(super) fn undo(self, text: &[u8]) -> Bytes {
        let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| *byte == self.mark()) {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let escape = match self {
                Self::Percent => hex(rest, 1, 2).map(|n| (What::Byte(n as u8), 3)),
                Self::Backslash => backslash(rest),
                Self::Entity => entity(rest),
            };
            let (what, length) = escape.unwrap_or((What::Byte(self.mark()), 1));
            match what {
                What::Byte(byte) => out.push(byte),
                What::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                What::Nothing => {}
            }
            rest = &rest[length..];
        }
        out.extend_from_slice(rest);
        out
    }
}

/// What an escape stands for.
enum What {
    Byte(u8),
    Char(char),
    Nothing,
}

fn digits(text: &[u8], from: usize, count: usize, radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(from..from + count)?).ok()?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, radix).ok())?
}

fn hex(text: &[u8], from: usize, count: usize) -> Option<u32> {
    digits(text, from, count, 16)
}

/// `\/`, `\"`, `\n`, `\u00fc` (and pairs of them), `\xfc`, `\374`.
fn backslash(text: &[u8]) -> Option<(What, usize)> {
    let escape = match *text.get(1)? {
        b'u' => {
            let unit = hex(text, 2, 4)?;
            let second = hex(text, 8, 4).filter(|_| text[6..].starts_with(b"\\u"));
            match (unit, second) {
                (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                    let c = char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
                    (What::Char(c?), 12)
                }
                _ => (char::from_u32(unit).map_or(What::Nothing, What::Char), 6),
            }
        }
        b'x' => (What::Byte(hex(text, 2, 2)? as u8), 4),
        b'0'..=b'3' => (What::Byte(digits(text, 1, 3, 8)? as u8), 4),
        b'n' => (What::Byte(b'\n'), 2),
        b'r' => (What::Byte(b'\r'), 2),
        b't' => (What::Byte(b'\t'), 2),
        b'b' => (What::Byte(8), 2),
        b'f' => (What::Byte(12), 2),
        other => (What::Byte(other), 2),
    };
    Some(escape)
}

/// HTML's names of the characters 160 to 255.
const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr \
    deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest \
    Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml \
    ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig \
    agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml \
    eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// `&amp;`, `&#39;`, `&#x27;`; one that is not known here is left out.
fn entity(text: &[u8]) -> Option<(What, usize)> {
    let end = text.iter().take(12).position(|b| *b == b';')?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    // In any case: what is told from a secret is, too.
    let what = match Zeroizing::new(name.to_ascii_lowercase()).as_str() {
        "amp" => What::Byte(b'&'),
        "lt" => What::Byte(b'<'),
        "gt" => What::Byte(b'>'),
        "quot" => What::Byte(b'"'),
        "apos" => What::Byte(b'\''),
        _ => match name.strip_prefix('#') {
            Some(number) => {
                let hex = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
                let code = hex.unwrap_or_else(|| number.parse()).ok()?;
                char::from_u32(code).map_or(What::Nothing, What::Char)
            }
            None if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) => return None,
            None => {
                let at = LATIN_1
                    .split_whitespace()
                    .zip('\u{a0}'..='\u{ff}')
                    .find(|(known, _)| known.eq_ignore_ascii_case(name));
                at.map_or(What::Nothing, |(_, c)| What::Char(c))
            }
        },
    };
    Some((what, end + 1))
}
