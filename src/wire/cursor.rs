use super::{RetryClass, Secret, Terms, Violation};

/// Reads the fields of one body in order; each read fails with [`Violation::Truncated`] past the end.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Violation> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Violation::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Violation> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Violation> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Violation> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Violation> {
        self.array().map(u64::from_be_bytes)
    }

    /// Bytes behind a length byte, at most `max` of them.
    pub(super) fn short(&mut self, max: usize) -> Result<&'a [u8], Violation> {
        let len = usize::from(self.u8()?);
        if len > max {
            return Err(Violation::BadValue);
        }
        let (head, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(Violation::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// UTF-8 behind a length byte, at most `max` bytes of it.
    pub(super) fn text(&mut self, max: usize) -> Result<&'a str, Violation> {
        str::from_utf8(self.short(max)?).map_err(|_| Violation::BadText)
    }

    pub(super) fn secret(&mut self) -> Result<Secret, Violation> {
        self.array().map(Secret::new)
    }

    /// One form only for each value: milliseconds that mean nothing are 0.
    pub(super) fn retry(&mut self) -> Result<RetryClass, Violation> {
        match (self.u8()?, self.u32()?) {
            (0, 0) => Ok(RetryClass::Now),
            (1, ms) => Ok(RetryClass::After(ms)),
            (2, 0) => Ok(RetryClass::Never),
            _ => Err(Violation::BadValue),
        }
    }

    pub(super) fn terms(&mut self) -> Result<Terms, Violation> {
        Ok(Terms {
            heartbeat_ms: self.u32()?,
            lease_ms: self.u32()?,
            resume_window_ms: self.u32()?,
            window_messages: self.u32()?,
            window_bytes: self.u32()?,
            max_message: self.u32()?,
        })
    }

    /// Everything that is left.
    pub(super) const fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        rest
    }

    /// The body must end here.
    pub(super) const fn finish(&self) -> Result<(), Violation> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Violation::Trailing)
        }
    }
}
