//! Whether a text holds a secret, in whatever spelling.
//!
//! Servers and proxies repeat what they were sent: escaped for a form, for JSON or for HTML, more than once, in Base64, in
//! the wrong character set, cut short. Here everything that could be one of these is found; that more is found than is
//! there costs a quotation, no more.

mod escape;
mod readings;

use zeroize::Zeroizing;

pub(super) use self::readings::is_invisible;
use self::{
    escape::unescaped,
    readings::{collect, haystacks, latin_1, plain, skeleton},
};

type Text = Zeroizing<String>;
type Bytes = Zeroizing<Vec<u8>>;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{escape::Escape, *};

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
