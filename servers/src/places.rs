//! Where things are kept: downloads in a cache that all runs on a machine share, data in a place of its own.
//!
//! As root both are system directories, because Postgres then runs as an unprivileged user, who can't enter `/root`.

use std::path::{Path, PathBuf};

use crate::error::{Error, file};

/// Where downloads are kept between runs: `STOA_CACHE`, else `/var/cache/stoa` as root, else the user's cache directory.
pub fn cache() -> PathBuf {
    place("STOA_CACHE", "/var/cache/stoa", "XDG_CACHE_HOME", ".cache")
}

/// Where `stoa up` keeps its data: `STOA_DATA`, else `/var/lib/stoa` as root, else the user's data directory.
pub fn data() -> PathBuf {
    place("STOA_DATA", "/var/lib/stoa", "XDG_DATA_HOME", ".local/share")
}

fn place(own: &str, system: &str, xdg: &str, under_home: &str) -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = set(own) {
        return dir;
    }
    if nix::unistd::geteuid().is_root() {
        return system.into();
    }
    set(xdg)
        .or_else(|| set("HOME").map(|home| home.join(under_home)))
        .unwrap_or_else(std::env::temp_dir)
        .join("stoa")
}

/// The end of a log, for an error that a person can act on.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 12;
    let text = std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Makes `dir` and its parents.
pub(crate) fn make(dir: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(dir).map_err(file("create", dir))
}
