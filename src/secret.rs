//! Text that must not be seen: wiped when dropped, never formatted.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use zeroize::Zeroizing;

/// A password or a token. Its memory has the exact size and is wiped when dropped;
/// `Debug` prints asterisks, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// The text itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Text that is wiped with the last reference to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wiped(Zeroizing<String>);

impl From<String> for Wiped {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<Zeroizing<String>> for Wiped {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl Hash for Wiped {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_text() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "***");
    }
}
