use std::io;

/// What follows an error of accepting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// One link alone was concerned: the next one, at once.
    Next,
    /// There is a lack of something: a pause, then again.
    Rest,
    /// This listener will never accept again.
    Over,
}

/// What accept(2) can fail with, and what follows (threats T30 and T31). What is not here is a lack of something: neither is a
/// listener given up for what nobody has foreseen, nor does it spin.
#[cfg(unix)]
const TABLE: &[(rustix::io::Errno, Outcome)] = {
    use Outcome::{Next, Over, Rest};
    use rustix::io::Errno;
    &[
        (Errno::INTR, Next),
        (Errno::AGAIN, Next),
        // The dialer went away while it waited.
        (Errno::CONNABORTED, Next),
        (Errno::CONNRESET, Next),
        (Errno::TIMEDOUT, Next),
        // A firewall forbids this one.
        (Errno::PERM, Next),
        // Linux passes on what the network has to say about the new link.
        (Errno::PROTO, Next),
        (Errno::NOPROTOOPT, Next),
        (Errno::OPNOTSUPP, Next),
        (Errno::NETDOWN, Next),
        (Errno::NETUNREACH, Next),
        (Errno::HOSTDOWN, Next),
        (Errno::HOSTUNREACH, Next),
        #[cfg(target_os = "linux")]
        (Errno::NONET, Next),
        // Open files, of this process or of the machine; memory.
        (Errno::MFILE, Rest),
        (Errno::NFILE, Rest),
        (Errno::NOBUFS, Rest),
        (Errno::NOMEM, Rest),
        // It is no listener (any more).
        (Errno::BADF, Over),
        (Errno::INVAL, Over),
        (Errno::NOTSOCK, Over),
        (Errno::FAULT, Over),
    ]
};

impl Outcome {
    /// What follows this error.
    pub(crate) fn of(error: &io::Error) -> Self {
        #[cfg(unix)]
        if let Some(number) = error.raw_os_error() {
            let known = TABLE
                .iter()
                .find(|(errno, _)| errno.raw_os_error() == number);
            return known.map_or(Self::Rest, |(_, outcome)| *outcome);
        }
        match error.kind() {
            io::ErrorKind::Interrupted
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::TimedOut => Self::Next,
            _ => Self::Rest,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn every_error_number_has_an_outcome() {
        use Outcome::{Next, Over, Rest};
        // By number, as Linux has them (man 2 accept), so that the table is not compared with itself.
        let expected = |number: i32| match number {
            4 | 11 | 103 | 104 | 110 | 1 | 71 | 92 | 95 | 100 | 101 | 112 | 113 | 64 => Next,
            9 | 22 | 88 | 14 => Over,
            _ => Rest,
        };
        if cfg!(not(target_os = "linux")) {
            return;
        }
        for number in 1..=133 {
            let outcome = Outcome::of(&io::Error::from_raw_os_error(number));
            assert_eq!(
                outcome,
                expected(number),
                "{}",
                io::Error::from_raw_os_error(number)
            );
        }
        for (number, lack) in [
            (24, Errno::MFILE),
            (23, Errno::NFILE),
            (105, Errno::NOBUFS),
            (12, Errno::NOMEM),
        ] {
            assert_eq!(lack.raw_os_error(), number);
        }
    }

    #[test]
    fn what_a_transport_of_ones_own_says_never_ends_its_listener() {
        let of = |kind| Outcome::of(&io::Error::new(kind, "handshake"));
        assert_eq!(of(io::ErrorKind::ConnectionReset), Outcome::Next);
        for kind in [
            io::ErrorKind::InvalidInput,
            io::ErrorKind::InvalidData,
            io::ErrorKind::Other,
        ] {
            assert_eq!(of(kind), Outcome::Rest);
        }
    }
}
