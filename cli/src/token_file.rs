//! A file with a token in it, which readers find whole at any time.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::exit::{Failure, Result};

/// Puts `text` into the file `path`, for its owner alone: written beside it, then renamed.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let write = || {
        let new = beside(path)?;
        let written = create(&new, text).and_then(|()| fs::rename(&new, path));
        if written.is_err() {
            _ = fs::remove_file(&new);
        }
        written
    };
    write().map_err(|e| Failure::local(format!("cannot write {}", path.display()), e))
}

/// Whether a file could be written under that name, before anything else is done.
pub(crate) fn check(path: &Path) -> Result<()> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::setting(format!(
            "file: {}: {why}; give the name of a file in a folder that can be written",
            path.display()
        ))
    };
    if path.is_dir() {
        return Err(wrong(&"is a folder"));
    }
    let probe = beside(path).and_then(|new| create(&new, "").and_then(|()| fs::remove_file(&new)));
    probe.map_err(|e| wrong(&e))
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    // Else a machine that loses power may come back with an empty file under the name.
    file.sync_all()
}

/// A name in the same folder, which nobody else has.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{:016x}", fastrand::u64(..)));
    Ok(path.with_file_name(hidden))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_belongs_to_its_owner_alone_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "old").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_named_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::create_dir(&path).unwrap();
        let failure = replace(&path, "new").unwrap_err();
        assert!(failure.message().contains(path.to_str().unwrap()), "{failure}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(Path::new("/"), "new").is_err());
    }
}
