use crate::config::Settings;
use std::fmt;

/// Something about this machine that a server should know, though it can run: [`Runtime::warnings`](crate::Runtime::warnings).
///
/// ```
/// use sessile::{Config, Multi, Runtime};
///
/// let server = Runtime::<Multi>::start(Config::new())?;
/// for warning in server.warnings() {
///     eprintln!("{warning}");
/// }
/// # Ok::<(), sessile::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The system lets this process open fewer files than there may be links. Links beyond that wait in the system until others
    /// end; sessions that are there go on, but those that lose their link then may not come back in time.
    OpenFiles {
        /// Links that there may be: [`Config::max_sessions`](crate::Config::max_sessions) and
        /// [`Config::pending_logins`](crate::Config::pending_logins), and as many refused ones that wait for their peer to close.
        links: u64,
        /// What the system allows now (`RLIMIT_NOFILE`).
        allowed: u64,
    },
}

/// Files that are no links: standard streams, listeners, the reactor's, a log, a database.
const OTHER_FILES: u64 = 32;

impl Warning {
    /// What there is to say, with so many open files allowed; `None` is no limit.
    pub(super) fn find(settings: &Settings, allowed: Option<u64>) -> Vec<Self> {
        let links = settings.max_sessions as u64 + 2 * settings.pending_logins as u64;
        let enough = |allowed: &u64| *allowed >= links + OTHER_FILES;
        let short = allowed.filter(|allowed| !enough(allowed));
        short
            .map(|allowed| Self::OpenFiles { links, allowed })
            .into_iter()
            .collect()
    }
}

/// How many files this process may have open; `None` where the system sets no limit, or has no such thing.
pub(super) fn allowed_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenFiles { links, allowed } => write!(
                f,
                "up to {links} links by max_sessions and pending_logins, but the system allows {allowed} open files: \
                 raise that (ulimit -n), or lower max_sessions"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn too_few_open_files_are_said_and_enough_are_not() {
        let config = Config::new().max_sessions(100).pending_logins(10);
        let settings = config.validate().unwrap();
        assert_eq!(Warning::find(&settings, Some(152)), []);
        assert_eq!(Warning::find(&settings, None), []);
        let warning = Warning::OpenFiles {
            links: 120,
            allowed: 151,
        };
        assert_eq!(
            Warning::find(&settings, Some(151)),
            std::slice::from_ref(&warning)
        );
        assert_eq!(
            warning.to_string(),
            "up to 120 links by max_sessions and pending_logins, but the system allows 151 open files: raise that (ulimit -n), \
             or lower max_sessions"
        );
    }
}
