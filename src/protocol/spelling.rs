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
/// This much of a secret's beginning or end, or two thirds of it, is taken for the whole: servers cut what they repeat.
const TELLING: usize = 6;
/// The same of its middle, or half of it. What comes in several pieces that are each shorter is not found.
const PIECE: usize = 8;

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
    let in_decimals = decimals(form).map(|bytes| plain(latin_1(&bytes)));
    let in_hex = without_0x(form).map(|digits| skeleton(&digits));
    [plain(text.chars()), skeleton(form), packed].into_iter().chain(in_latin_1).chain(in_decimals).chain(in_hex)
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

/// What all patterns are at least as long as.
type Head = [u8; SHORTEST];

/// All that is looked for, in one pass through a text: a server decides what there is to look through, and there are many
/// readings of it.
struct Patterns {
    /// The ends of each spelling.
    texts: Vec<Text>,
    heads: Filter,
    /// Every four bytes in a row of any spelling, with a bit for each spelling that they are in: a piece of one is a run of them.
    /// Not every such run is a piece, but one that long is hardly anything else.
    grams: Zeroizing<Vec<(u32, u32)>>,
    gram_filter: Filter,
    /// How many in a row are a piece that tells, spelling by spelling.
    least: Vec<usize>,
}

/// Tells quickly what is not in a set, mostly.
struct Filter(Zeroizing<Vec<u64>>);

impl Filter {
    const BITS: u32 = 16;

    fn new() -> Self {
        Self(Zeroizing::new(vec![0; 1 << (Self::BITS - 6)]))
    }

    fn place(head: Head) -> (usize, u64) {
        let hash = u32::from_le_bytes(head).wrapping_mul(0x9e37_79b1) >> (32 - Self::BITS);
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    fn add(&mut self, head: Head) {
        let (word, bit) = Self::place(head);
        self.0[word] |= bit;
    }

    fn may_have(&self, head: Head) -> bool {
        let (word, bit) = Self::place(head);
        self.0[word] & bit != 0
    }
}

fn heads(text: &str) -> impl ExactSizeIterator<Item = Head> {
    text.as_bytes().windows(SHORTEST).map(|head| head.try_into().expect("as long as that"))
}

impl Patterns {
    fn new(secret: &[u8]) -> Self {
        let mut spellings = spellings(secret);
        spellings.sort_unstable_by(|(one, _), (other, _)| one.as_str().cmp(other));
        spellings.dedup_by(|(one, _), (other, _)| one == other);
        let mut texts: Vec<Text> = spellings.iter().flat_map(|(text, _)| ends(text)).collect();
        texts.sort_unstable_by(|one, other| one.as_str().cmp(other));
        texts.dedup();
        let (mut ends, mut gram_filter) = (Filter::new(), Filter::new());
        texts.iter().filter_map(|text| heads(text).next()).for_each(|head| ends.add(head));
        // Room for all of them, so that no unwiped copy is left behind by growing.
        let room = spellings.iter().map(|(text, _)| text.len()).sum();
        let mut grams = Zeroizing::new(Vec::with_capacity(room));
        for (at, (text, _)) in spellings.iter().enumerate() {
            for head in heads(text) {
                grams.push((u32::from_le_bytes(head), 1 << at));
                gram_filter.add(head);
            }
        }
        grams.sort_unstable();
        grams.dedup_by(|(gram, bits), (first, all)| {
            let is_same = gram == first;
            *all |= if is_same { *bits } else { 0 };
            is_same
        });
        let least = spellings.iter().map(|(_, least)| least - (SHORTEST - 1)).collect();
        Self { texts, heads: ends, grams, gram_filter, least }
    }

    fn any_in(&self, text: &str) -> bool {
        // Each is looked for once at most, from where it may begin: no text takes longer than that.
        let mut candidates: Vec<&str> = self.texts.iter().map(|text| text.as_str()).collect();
        // Of each spelling: where its run would go on, and how long it is.
        let mut runs = [(0, 0); MOST_SPELLINGS];
        for (at, head) in heads(text).enumerate() {
            if self.gram_filter.may_have(head) && self.ends_a_piece(at, head, &mut runs) {
                return true;
            }
            if !self.heads.may_have(head) {
                continue;
            }
            let mut is_in = false;
            candidates.retain(|pattern| {
                let begins = pattern.as_bytes().starts_with(&head);
                is_in |= begins && text[at..].contains(pattern);
                !begins
            });
            if is_in {
                return true;
            }
        }
        false
    }

    fn ends_a_piece(&self, at: usize, head: Head, runs: &mut [(usize, usize); MOST_SPELLINGS]) -> bool {
        let gram = u32::from_le_bytes(head);
        let Ok(found) = self.grams.binary_search_by_key(&gram, |(gram, _)| *gram) else { return false };
        let mut bits = self.grams[found].1;
        while bits != 0 {
            let spelling = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let (next, length) = &mut runs[spelling];
            *length = if *next == at { *length + 1 } else { 1 };
            *next = at + 1;
            if *length >= self.least[spelling] {
                return true;
            }
        }
        false
    }
}

/// How many [`spellings`] there are at the most; each has a bit.
const MOST_SPELLINGS: usize = 10;

/// What to look for, to find a secret that is spelled like this, and how many bytes of it in a row tell it wherever they stand:
/// what becomes of half of the secret, and of eight characters of it.
fn spellings(form: &[u8]) -> Vec<(Text, usize)> {
    let text = String::from_utf8_lossy(form);
    let half = |count: usize| count.div_ceil(2).max(PIECE);
    let (piece, letters) = (half(text.chars().count()), skeleton(form));
    let telling = half(letters.len());
    let mut all = vec![(plain(text.chars()), piece), (plain(latin_1(form)), piece), (letters, telling)];
    let reversed: Vec<_> = all.iter().map(|(t, least)| (collect(t.len(), t.chars().rev()), *least)).collect();
    all.extend(reversed);
    all.push((Zeroizing::new(form.iter().map(|byte| format!("{byte:02x}")).collect()), 2 * piece));
    // Six bits a character, of which the first and the last may have bits of something else.
    all.extend((0..3).map(|before| (base64(form, before), (8 * piece - 4) / 6)));
    all.retain(|(text, _)| text.chars().count() >= SHORTEST);
    all
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
        /// In one pass all is found that is found when the ends and the pieces are looked for one after the other.
        #[test]
        fn one_pass_finds_what_one_after_the_other_finds(secret in "[abä]{3,20}", text in "[abäAB+=]{0,60}") {
            let is_in = |pattern: &[u8]| text.as_bytes().windows(pattern.len()).any(|part| part == pattern);
            let each = spellings(secret.as_bytes()).iter().any(|(spelling, least)| {
                let by_ends = ends(spelling).iter().any(|end| text.contains(end.as_str()));
                by_ends || spelling.as_bytes().windows(*least).any(is_in)
            });
            prop_assert!(!each || Patterns::new(secret.as_bytes()).any_in(&text));
        }

        /// Nothing is found in a text that has no four characters in a row of the secret, nor in one with few of them.
        #[test]
        fn what_has_little_of_a_secret_is_no_piece_of_it(secret in "[a-m]{12,30}", text in "([n-z]{1,3}[a-m]{0,7}){0,9}") {
            let patterns = Patterns { texts: Vec::new(), ..Patterns::new(secret.as_bytes()) };
            prop_assert!(!patterns.any_in(&text));
        }

        /// Each spelling has a bit.
        #[test]
        fn there_are_no_more_spellings_than_bits(secret in "\\PC{0,30}") {
            prop_assert!(spellings(secret.as_bytes()).len() <= MOST_SPELLINGS);
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
