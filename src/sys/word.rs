//! Words of memory that are 0 in the child of a fork, whoever forks it.
//!
//! Who reads such a word without a call cannot see that there was a fork, after which nobody keeps the word up to date. So all
//! of them are cleared in the child, by a fork handler or by the first call there, whichever comes first. That is plain stores:
//! it finds them in lists that only grow, and are good at every moment at which another thread of the parent may have been
//! stopped.

use std::{
    ops::Deref,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicPtr, AtomicU16, AtomicU64, Ordering},
    },
};

/// A word, until it is dropped; what it dereferences to may live longer, as another value.
pub(crate) struct Word {
    word: Arc<AtomicU64>,
    place: &'static AtomicPtr<AtomicU64>,
    block: &'static Block,
    bit: u16,
}

/// Never freed, so few at a time.
struct Block {
    words: [AtomicPtr<AtomicU64>; u16::BITS as usize],
    /// A bit for each that is in use.
    used: AtomicU16,
    next: Option<&'static Self>,
}

static BLOCKS: AtomicPtr<Block> = AtomicPtr::new(ptr::null_mut());

fn first() -> Option<&'static Block> {
    // SAFETY: NULL, or leaked by `Block::add`.
    unsafe { BLOCKS.load(Ordering::Acquire).as_ref() }
}

fn blocks() -> impl Iterator<Item = &'static Block> {
    std::iter::successors(first(), |block| block.next)
}

/// In the child of a fork, before anything else there: async-signal-safe.
pub(super) fn clear() {
    for word in blocks().flat_map(|block| &block.words) {
        // SAFETY: NULL, or a word that is not dropped before this place is NULL.
        if let Some(word) = unsafe { word.load(Ordering::Acquire).as_ref() } {
            word.store(0, Ordering::Release);
        }
    }
}

impl Word {
    pub(crate) fn new() -> Self {
        super::per_process::watch();
        let word = Arc::new(AtomicU64::new(0));
        let (block, bit) = blocks().find_map(Block::take).unwrap_or_else(Block::add);
        let place = &block.words[bit.trailing_zeros() as usize];
        place.store(Arc::as_ptr(&word).cast_mut(), Ordering::Release);
        Self { word, place, block, bit }
    }
}

impl Deref for Word {
    type Target = Arc<AtomicU64>;

    fn deref(&self) -> &Self::Target {
        &self.word
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        self.place.store(ptr::null_mut(), Ordering::Release);
        self.block.used.fetch_and(!self.bit, Ordering::Release);
    }
}

impl Block {
    /// One of its places.
    fn take(&'static self) -> Option<(&'static Self, u16)> {
        let mut used = self.used.load(Ordering::Acquire);
        loop {
            let bit = !used & used.wrapping_add(1);
            if bit == 0 {
                return None;
            }
            match self.used.compare_exchange_weak(used, used | bit, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some((self, bit)),
                Err(now) => used = now,
            }
        }
    }

    /// One more, with its first place taken.
    fn add() -> (&'static Self, u16) {
        let mut made = Box::new(Self {
            words: [const { AtomicPtr::new(ptr::null_mut()) }; u16::BITS as usize],
            used: AtomicU16::new(1),
            next: None,
        });
        loop {
            made.next = first();
            let next = made.next.map_or(ptr::null_mut(), |block| ptr::from_ref(block).cast_mut());
            let raw = Box::into_raw(made);
            match BLOCKS.compare_exchange(next, raw, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: it came from the box, and nobody frees it any more.
                Ok(_) => return (unsafe { &*raw }, 1),
                // SAFETY: nobody else has seen it.
                Err(_) => made = unsafe { Box::from_raw(raw) },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_finds_all_of_them_cleared() {
        let mut words: Vec<_> = (0..200).map(|_| Word::new()).collect();
        words.drain(50..90);
        words.extend((0..100).map(|_| Word::new()));
        for word in &words {
            word.store(7, Ordering::Relaxed);
        }
        let outlives = Arc::clone(&words.pop().expect("there are many"));
        // SAFETY: the child calls nothing but atomics and `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let are_clear = words.iter().all(|word| word.load(Ordering::Relaxed) == 0);
            // SAFETY: ends the child without running anything else.
            unsafe { libc::_exit(if are_clear && outlives.load(Ordering::Relaxed) == 7 { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `child` is ours, `status` is valid to write to.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        assert!(words.iter().all(|word| word.load(Ordering::Relaxed) == 7));
    }

    #[test]
    fn each_has_a_place_of_its_own_whoever_comes_at_the_same_time() {
        let words: Vec<Word> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let kept: Vec<_> = (0..100).map(|_| Word::new()).collect();
                        (0..1000).for_each(|_| drop(Word::new()));
                        kept
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        let places: std::collections::HashSet<_> = words.iter().map(|word| ptr::from_ref(word.place)).collect();
        assert_eq!(places.len(), words.len());
        assert!(words.iter().all(|word| word.place.load(Ordering::Acquire).cast_const() == Arc::as_ptr(word)));
    }
}
