//! The crossing between C and Rust: panics, arguments, strings, sized structs.

use std::{
    ffi::{CStr, c_char},
    mem::{MaybeUninit, size_of},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

use super::{
    error::{Failure, nacos_error},
    status::{
        NACOS_INVALID_ARGUMENT, NACOS_INVALID_UTF8, NACOS_OK, NACOS_PANIC, NACOS_UNSUPPORTED_OPTION, nacos_status,
    },
};
use crate::sys::cancellation;

/// The largest struct that makes sense; beyond it `struct_size` was surely never set.
const LARGEST_STRUCT: usize = 4096;

/// Runs the body of an entry point that may block: [`guard`] with cancellation of the thread put off to its end.
///
/// # Safety
/// As [`guard`].
pub(super) unsafe fn guard_blocking(
    error: *mut *mut nacos_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> nacos_status {
    let _blocks = cancellation::Disabled::new();
    unsafe { guard(error, body) }
}

/// Runs the body of an entry point: a panic becomes NACOS_PANIC, an error its status and, where the caller wants it, an
/// error object.
///
/// # Safety
/// `error` is NULL or valid to write a pointer to.
pub(super) unsafe fn guard(error: *mut *mut nacos_error, body: impl FnOnce() -> Result<(), Failure>) -> nacos_status {
    if !error.is_null() {
        unsafe { error.write(ptr::null_mut()) };
    }
    // Whatever a panic leaves behind half done stays behind locks that do not poison; states are replaced, not patched.
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return NACOS_OK,
        Ok(Err(failure)) => failure,
        Err(_) => nacos_error::new(NACOS_PANIC, "a fault of nacos-auth was contained; please report it"),
    };
    let status = failure.status();
    if !error.is_null() {
        unsafe { error.write(Box::into_raw(failure)) };
    }
    status
}

/// Borrows what C owns.
///
/// # Safety
/// `pointer` is NULL or came from [`give`], and is not released while the borrow lasts.
pub(super) unsafe fn borrow<'a, T>(name: &str, pointer: *const T) -> Result<&'a T, Failure> {
    unsafe { pointer.as_ref() }.ok_or_else(|| nacos_error::null(name))
}

/// Sets an output to `value` on entry or on success.
///
/// # Safety
/// `pointer` is NULL or valid to write to.
pub(super) unsafe fn write<T>(name: &str, pointer: *mut T, value: T) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(nacos_error::null(name));
    }
    unsafe { pointer.write(value) };
    Ok(())
}

/// Borrows a NUL-terminated UTF-8 string.
///
/// # Safety
/// `pointer` is NULL or a NUL-terminated string that outlives the borrow.
pub(super) unsafe fn text<'a>(name: &str, pointer: *const c_char) -> Result<&'a str, Failure> {
    unsafe { optional_text(name, pointer) }?.ok_or_else(|| nacos_error::null(name))
}

/// The same of so many bytes, unless `length` is 0, with a name that costs nothing unless something is wrong.
///
/// # Safety
/// `pointer` is NULL, or points to `length` bytes, or to a NUL-terminated string if that is 0, which outlive the borrow.
pub(super) unsafe fn text_of<'a>(
    name: impl Fn() -> String,
    pointer: *const c_char,
    length: usize,
) -> Result<&'a str, Failure> {
    let read = |name: &str| match length {
        0 => unsafe { text(name, pointer) },
        _ => {
            let bytes = unsafe { array(name, pointer.cast::<u8>(), length) }?;
            std::str::from_utf8(bytes).map_err(|_| not_utf8(name))
        }
    };
    // Any name will do for a string that is usable.
    read("").or_else(|_| read(&name()))
}

fn not_utf8(name: &str) -> Failure {
    nacos_error::new(NACOS_INVALID_UTF8, format!("{name} is not UTF-8"))
}

/// Borrows a NUL-terminated UTF-8 string; `None` for NULL.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn optional_text<'a>(name: &str, pointer: *const c_char) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    let text = unsafe { CStr::from_ptr(pointer) }.to_str();
    text.map(Some).map_err(|_| not_utf8(name))
}

/// Borrows an array: NULL with 0 is empty, NULL with more is a mistake.
///
/// # Safety
/// `pointer` is NULL or points to `length` values that outlive the borrow.
pub(super) unsafe fn array<'a, T>(name: &str, pointer: *const T, length: usize) -> Result<&'a [T], Failure> {
    match length {
        0 => Ok(&[]),
        _ if pointer.is_null() => Err(nacos_error::null(name)),
        _ if length > isize::MAX as usize / size_of::<T>().max(1) => {
            Err(nacos_error::new(NACOS_INVALID_ARGUMENT, format!("{name}: a length of {length} cannot be")))
        }
        _ => Ok(unsafe { slice::from_raw_parts(pointer, length) }),
    }
}

/// A struct that begins with its own size and for which all zero bytes are the defaults.
///
/// # Safety
/// `repr(C)`, without padding, the first field a `usize` with the size, any bytes valid.
pub(super) unsafe trait Sized_: Copy {}

fn check_size(name: &str, given: usize) -> Result<(), Failure> {
    // Structs grow by whole words, so no size ends within a field that is a pointer.
    if given < size_of::<usize>() || given > LARGEST_STRUCT || !given.is_multiple_of(size_of::<usize>()) {
        let message = format!("{name}: struct_size is {given}; set it with the initialiser of the header");
        return Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message));
    }
    Ok(())
}

/// Copies a sized struct in. What an older caller does not have is zero; what a newer one has must be zero.
///
/// # Safety
/// `pointer` is NULL or points to as many bytes as its first field says.
pub(super) unsafe fn read_sized<T: Sized_>(name: &str, pointer: *const T) -> Result<Option<T>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    let given = unsafe { pointer.cast::<usize>().read_unaligned() };
    check_size(name, given)?;
    let ours = size_of::<T>();
    let mut value = MaybeUninit::<T>::zeroed();
    unsafe { ptr::copy_nonoverlapping(pointer.cast::<u8>(), value.as_mut_ptr().cast(), given.min(ours)) };
    if given > ours {
        let surplus = unsafe { slice::from_raw_parts(pointer.cast::<u8>().add(ours), given - ours) };
        if surplus.iter().any(|byte| *byte != 0) {
            let message = format!("{name} sets a field that this version of the library does not have");
            return Err(nacos_error::new(NACOS_UNSUPPORTED_OPTION, message));
        }
    }
    Ok(Some(unsafe { value.assume_init() }))
}

/// A sized struct to fill: the caller's size stays, the rest is set to zero.
pub(super) struct Output<T> {
    pointer: *mut T,
    given: usize,
}

impl<T: Sized_> Output<T> {
    /// Checks and clears the struct; `None` for NULL.
    ///
    /// # Safety
    /// `pointer` is NULL or points to as many writable bytes as its first field says.
    pub(super) unsafe fn new(name: &str, pointer: *mut T) -> Result<Option<Self>, Failure> {
        if pointer.is_null() {
            return Ok(None);
        }
        let given = unsafe { pointer.cast::<usize>().read_unaligned() };
        check_size(name, given)?;
        let header = size_of::<usize>();
        unsafe { ptr::write_bytes(pointer.cast::<u8>().add(header), 0, given - header) };
        Ok(Some(Self { pointer, given }))
    }

    /// Fails where the caller has less than `least` bytes, and would lose what it is to own.
    pub(super) fn check_room(&self, name: &str, least: usize) -> Result<(), Failure> {
        if self.given >= least {
            return Ok(());
        }
        let message = format!("{name}: struct_size is {}; set it with the initialiser of the header", self.given);
        Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message))
    }

    /// Fills in as much of `value` as the caller has room for. Its first field is left as the caller set it.
    ///
    /// # Safety
    /// The struct given to [`new`](Self::new) is still there.
    pub(super) unsafe fn set(&self, value: T) {
        let header = size_of::<usize>();
        let length = self.given.min(size_of::<T>()) - header;
        let from = ptr::from_ref(&value).cast::<u8>();
        unsafe { ptr::copy_nonoverlapping(from.add(header), self.pointer.cast::<u8>().add(header), length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Sample {
        size: usize,
        a: u64,
        b: u64,
    }
    unsafe impl Sized_ for Sample {}

    #[test]
    fn a_panic_becomes_a_status_and_an_error() {
        let mut error = ptr::null_mut();
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let status = unsafe { guard(&mut error, || panic!("the test wants it")) };
        std::panic::set_hook(quiet);
        assert_eq!(status, NACOS_PANIC);
        assert_eq!(unsafe { (*error).status() }, NACOS_PANIC);
        unsafe { crate::ffi::pointer::release(error) };
    }

    #[test]
    fn structs_of_every_size_are_read_by_the_rule() {
        let read =
            |words: &[u64]| unsafe { read_sized("sample", words.as_ptr().cast::<Sample>()) }.map_err(|e| e.status());
        assert_eq!(read(&[8, 1, 2]), Ok(Some(Sample { size: 8, a: 0, b: 0 })));
        assert_eq!(read(&[16, 1, 2]), Ok(Some(Sample { size: 16, a: 1, b: 0 })));
        assert_eq!(read(&[24, 1, 2, 9]), Ok(Some(Sample { size: 24, a: 1, b: 2 })));
        assert_eq!(read(&[32, 1, 2, 0]), Ok(Some(Sample { size: 32, a: 1, b: 2 })));
        assert_eq!(read(&[32, 1, 2, 9]), Err(NACOS_UNSUPPORTED_OPTION));
        for size in [0, 7, 12, 23, 4097, u64::MAX] {
            assert_eq!(read(&[size, 0, 0]), Err(NACOS_INVALID_ARGUMENT), "{size}");
        }
    }

    #[test]
    fn outputs_of_every_size_are_filled_without_touching_what_lies_beyond() {
        for (size, expected) in [(8, [8, 7, 7, 7]), (16, [16, 1, 7, 7]), (24, [24, 1, 2, 7]), (32, [32, 1, 2, 0])] {
            let mut words = [size, 7, 7, 7u64];
            let output = unsafe { Output::new("sample", words.as_mut_ptr().cast::<Sample>()) };
            let output = output.map_err(|e| e.status()).unwrap().unwrap();
            unsafe { output.set(Sample { size: 0, a: 1, b: 2 }) };
            assert_eq!(words, expected);
        }
    }
}
