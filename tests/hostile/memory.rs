//! How much memory this process takes, most of all at once: by what Linux says of it.

use std::{fs, sync::Mutex, sync::MutexGuard};

/// The tests that take much do so one after the other.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) const MIB: usize = 1 << 20;

pub(crate) struct Memory {
    before: usize,
    _alone: MutexGuard<'static, ()>,
}

impl Memory {
    /// Begins to watch; nobody else does so meanwhile.
    pub(crate) fn watch() -> Self {
        let alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
        // 5: the peak begins anew.
        fs::write("/proc/self/clear_refs", "5").expect("Linux");
        Self { before: field("VmRSS:"), _alone: alone }
    }

    /// How much more than before was in use at its peak.
    pub(crate) fn peak(&self) -> usize {
        field("VmHWM:").saturating_sub(self.before)
    }
}

/// What has been set aside for data, used or not.
pub(crate) fn set_aside() -> usize {
    field("VmData:")
}

fn field(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).expect("a number") * 1024
}
