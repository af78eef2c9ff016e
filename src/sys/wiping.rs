//! An allocator that wipes what it frees: buffers of hyper and rustls too, in which passwords and tokens stood for a moment.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    ptr,
};

/// What is larger is the body of a request or an answer, and wiping it would cost more than all the rest.
const LARGEST: usize = 1 << 20;

struct Wiping;

#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

// SAFETY: the system's allocator does all the work; what is wiped is about to be given back to it.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: it is still the caller's, and of this size.
        unsafe {
            if layout.size() <= LARGEST {
                ptr::write_bytes(memory, 0, layout.size());
                // Otherwise the compiler leaves out what nobody reads.
                black_box(memory);
            }
            System.dealloc(memory, layout);
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises; the two do not overlap.
        unsafe {
            if layout.size() > LARGEST {
                return System.realloc(memory, layout, size);
            }
            let other = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !other.is_null() {
                ptr::copy_nonoverlapping(memory, other, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            other
        }
    }
}
