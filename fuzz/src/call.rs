//! What every call of the C interface keeps to, whatever it is given; shared by the targets that call it.

use std::{
    ffi::{CStr, CString, c_void},
    ptr,
};

use nacos_auth::Cause;

use crate::abi::{self, OK, Status};

/// Bytes of the input, taken from its beginning; zeros when it is over.
pub struct Input<'a>(pub &'a [u8]);

impl Input<'_> {
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Mostly small, sometimes anything.
    pub fn number(&mut self) -> u64 {
        let byte = self.byte();
        match byte {
            250..=255 => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
            small => small.into(),
        }
    }

    /// Text up to a line end, as C has it; NUL bytes end it.
    pub fn text(&mut self) -> CString {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        CString::new(text.split(|byte| *byte == 0).next().unwrap_or_default()).expect("no NUL")
    }

    /// NULL, or text that lives as long as `texts`.
    pub fn pointer(&mut self, texts: &mut Vec<CString>) -> u64 {
        if self.byte().is_multiple_of(4) {
            return 0;
        }
        texts.push(self.text());
        texts.last().expect("one").as_ptr() as u64
    }
}

/// Makes a call with a place for its error, and checks what belongs together: the status of the call and of the error, a
/// message in UTF-8 without any of the `secrets`, a cause that is one.
pub fn checked(secrets: &[&CString], call: impl FnOnce(*mut *mut c_void) -> Status) -> Status {
    let mut error = ptr::dangling_mut::<u64>().cast::<c_void>();
    let status = call(&mut error);
    let name = unsafe { CStr::from_ptr(abi::nacos_status_name(status)) };
    assert_ne!(name, c"UNKNOWN", "{status}");
    assert_ne!(name, c"PANIC");
    if status == OK {
        assert!(error.is_null());
        return status;
    }
    assert_eq!(unsafe { abi::nacos_error_status(error) }, status);
    let text = |text| unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned();
    let message = text(unsafe { abi::nacos_error_message(error) });
    assert!(!message.is_empty() && message.len() < 4096, "{message}");
    for secret in secrets.iter().filter_map(|secret| secret.to_str().ok()).filter(|secret| secret.len() > 8) {
        assert!(!message.contains(secret), "{message}");
    }
    let cause = text(unsafe { abi::nacos_error_cause(error) });
    assert!(Cause::ALL.iter().any(|known| known.name() == cause), "{cause}");
    unsafe { abi::nacos_error_free(error) };
    status
}
