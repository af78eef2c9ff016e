//! Whether a text holds a secret, in whatever spelling.
//!
//! Servers and proxies repeat what they were sent: escaped for a form, for JSON or for HTML, more than once, in Base64, in
//! the wrong character set, cut short. Here everything that could be one of these is found; that more is found than is
//! there costs a quotation, no more.

use zeroize::Zeroizing;

type Text = Zeroizing<String>;
type Bytes = Zeroizing<Vec<u8>>;

/// Escapes within escapes are undone this deep, in any order, as long as that gives no more than so many texts.
const DEEPEST: usize = 3;
const MOST_FORMS: usize = 32;
/// What is shorter is found anywhere.
const SHORTEST: usize = 4;
/// This much of a secret, or two thirds of it, is taken for the whole: servers cut what they repeat.
const TELLING: usize = 6;

/// Whether `body` holds `secret`, or the greater part of it. Of a secret shorter than four characters nothing is found.
pub(super) fn holds(body: &[u8], secret: &str) -> bool {
    let patterns = Patterns::new(secret.as_bytes());
    unescaped(body).iter().flat_map(|form| haystacks(form)).any(|text| patterns.any_in(&text))
}

/// The text as it is, and what it may be an escaped form of.
fn unescaped(text: &[u8]) -> Vec<Bytes> {
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

/// In every reading of it that differs from the others.
fn haystacks(form: &[u8]) -> impl Iterator<Item = Text> {
    let base64 = |c: char| match c {
        '-' => Some('+'),
        '_' => Some('/'),
        _ if c.is_whitespace() => None,
        _ => Some(c.to_ascii_lowercase()),
    };
    let text = String::from_utf8_lossy(form);
    let in_latin_1 = (!form.is_ascii()).then(|| plain(latin_1(form)));
    let packed = collect(text.len(), text.chars().filter_map(base64));
    [plain(text.chars()), skeleton(form), packed].into_iter().chain(in_latin_1)
}

/// What all patterns are at least as long as.
type Head = [u8; SHORTEST];

/// All that is looked for, in one pass through a text: a server decides what there is to look through, and there are many
/// readings of it.
struct Patterns {
    texts: Vec<Text>,
    /// A bit for the hash of each one's beginning.
    heads: Zeroizing<[u64; 64]>,
}

impl Patterns {
    fn new(secret: &[u8]) -> Self {
        let mut texts = patterns(secret);
        texts.sort_unstable_by(|one, other| one.as_str().cmp(other));
        texts.dedup();
        let mut heads = Zeroizing::new([0; 64]);
        for head in texts.iter().filter_map(|text| text.as_bytes().first_chunk()) {
            let (word, bit) = Self::place(head);
            heads[word] |= bit;
        }
        Self { texts, heads }
    }

    fn place(head: &Head) -> (usize, u64) {
        let hash = u32::from_le_bytes(*head).wrapping_mul(0x9e37_79b1);
        ((hash >> 26) as usize, 1 << (hash >> 20 & 63))
    }

    fn any_in(&self, text: &str) -> bool {
        // Each is looked for once at most, from where it may begin: no text takes longer than that.
        let mut candidates: Vec<&str> = self.texts.iter().map(|text| text.as_str()).collect();
        for (at, head) in text.as_bytes().windows(SHORTEST).enumerate() {
            let (word, bit) = Self::place(head.try_into().expect("as long as that"));
            if self.heads[word] & bit == 0 {
                continue;
            }
            let mut is_in = false;
            candidates.retain(|pattern| {
                let begins = pattern.as_bytes().starts_with(head);
                is_in |= begins && text[at..].contains(pattern);
                !begins
            });
            if is_in {
                return true;
            }
        }
        false
    }
}

/// What to look for, to find a secret that is spelled like this.
fn patterns(form: &[u8]) -> Vec<Text> {
    let text = String::from_utf8_lossy(form);
    let mut whole = vec![plain(text.chars()), plain(latin_1(form)), skeleton(form)];
    let reversed: Vec<Text> = whole.iter().map(|t| collect(t.len(), t.chars().rev())).collect();
    whole.extend(reversed);
    whole.push(Zeroizing::new(form.iter().map(|byte| format!("{byte:02x}")).collect()));
    whole.extend((0..3).map(|before| base64(form, before)));
    whole.iter().filter(|text| text.chars().count() >= SHORTEST).flat_map(|text| ends(text)).collect()
}

/// The beginning and the end that tell a secret; both are in it, so the whole need not be looked for.
fn ends(text: &str) -> [Text; 2] {
    let count = text.chars().count();
    let telling = (count * 2).div_ceil(3).max(TELLING).min(count);
    [collect(text.len(), text.chars().take(telling)), collect(text.len(), text.chars().skip(count - telling))]
}

/// In one case (by way of capitals, as `ß` is `SS` there), and with a space for `+`, which is one in a form.
fn plain(chars: impl Iterator<Item = char> + Clone) -> Text {
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
fn skeleton(form: &[u8]) -> Text {
    collect(form.len(), form.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| b.to_ascii_lowercase().into()))
}

fn latin_1(form: &[u8]) -> impl Iterator<Item = char> + Clone {
    form.iter().map(|byte| char::from(*byte))
}

/// Without growing, which would leave unwiped copies behind.
fn collect(room: usize, chars: impl Iterator<Item = char>) -> Text {
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.extend(chars);
    text
}

/// The characters that any Base64 has in which `before` bytes (modulo 3) come before these; in lower case.
fn base64(bytes: &[u8], before: usize) -> Text {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8) & 1);
    // Six bits a character, counted from where the three bytes begin.
    let first = (before * 8).div_ceil(6);
    let end = (before + bytes.len()) * 8 / 6;
    let sextet = |at: usize| (6 * at..6 * at + 6).fold(0, |value, i| 2 * value + bit(i - before * 8));
    collect(end, (first..end).map(|at| ALPHABET[sextet(at)].to_ascii_lowercase().into()))
}

/// A way to write characters that would mean something else.
#[derive(Clone, Copy)]
enum Escape {
    /// Of forms: `%2F`.
    Percent,
    /// Of JSON and C: `\/`, `\u002f`.
    Backslash,
    /// Of HTML: `&amp;`.
    Entity,
}

impl Escape {
    const ALL: [Self; 3] = [Self::Percent, Self::Backslash, Self::Entity];

    /// What each of it begins with.
    fn mark(self) -> u8 {
        match self {
            Self::Percent => b'%',
            Self::Backslash => b'\\',
            Self::Entity => b'&',
        }
    }

    /// The text without it; never longer than before.
    fn undo(self, text: &[u8]) -> Bytes {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// In one pass the same is found as when they are looked for one after the other. With few letters much begins
        /// like a secret, and some of it is one.
        #[test]
        fn one_pass_finds_what_one_after_the_other_finds(secret in "[abä]{3,9}", text in "[abäAB+=]{0,60}") {
            let each = patterns(secret.as_bytes()).iter().any(|pattern| text.contains(pattern.as_str()));
            prop_assert_eq!(Patterns::new(secret.as_bytes()).any_in(&text), each);
        }

        /// What is left out of the ways to undo an escape changes nothing.
        #[test]
        fn an_escape_that_is_not_there_is_not_undone(text in "[a%2&;n#\\\\]{0,30}") {
            for escape in Escape::ALL {
                prop_assert!(text.as_bytes().contains(&escape.mark()) || *escape.undo(text.as_bytes()) == text.as_bytes());
            }
        }
    }
}
