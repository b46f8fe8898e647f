use std::io::{self, Read, Write};

use crate::{BUFFER, needed, whole, write};

/// A link whose frames are longer than its thread's buffer has one of its own, where they become whole and are written from. It keeps
/// it: these servers promise nothing about memory.
pub struct Long {
    bytes: Vec<u8>,
    /// Of these so many were read; so many are whole frames, and of those so many were written.
    have: usize,
    whole: usize,
    written: usize,
}

impl Long {
    /// Where the frame that `rest` begins with is that long.
    pub fn begins(rest: &[u8]) -> io::Result<Option<Box<Self>>> {
        let length = needed(rest)?.unwrap_or_default();
        if length <= BUFFER {
            return Ok(None);
        }
        let mut bytes = rest.to_vec();
        bytes.resize(length + BUFFER, 0);
        Ok(Some(Box::new(Self {
            bytes,
            have: rest.len(),
            whole: 0,
            written: 0,
        })))
    }

    /// Reads once.
    pub fn read(&mut self, mut socket: impl Read) -> io::Result<()> {
        match socket.read(&mut self.bytes[self.have..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => self.have += length,
        }
        self.whole = whole(&self.bytes[..self.have])?;
        Ok(())
    }

    /// Writes once what is whole. True where nothing of it is left.
    pub fn write(&mut self, socket: impl Write) -> io::Result<bool> {
        self.written += write(socket, &self.bytes[self.written..self.whole])?;
        if self.written < self.whole {
            return Ok(false);
        }
        if self.whole > 0 {
            self.bytes.copy_within(self.whole..self.have, 0);
            self.have -= self.whole;
            (self.whole, self.written) = (0, 0);
            let length = needed(&self.bytes[..self.have])?.unwrap_or_default();
            if length > self.bytes.len() {
                self.bytes.resize(length + BUFFER, 0);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::Long;
    use crate::BUFFER;

    /// Takes so much at a time.
    struct Slow(Vec<u8>, usize);

    impl std::io::Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let taken = bytes.len().min(self.1);
            self.0.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn long_frames_go_back_when_they_are_whole() {
        let length = BUFFER + 1_000;
        let frame: Vec<u8> = (length as u32)
            .to_be_bytes()
            .into_iter()
            .chain((0..length).map(|at| at as u8))
            .collect();
        let sent = [&frame[..], &frame, &[0, 0, 0, 0]].concat();
        assert!(Long::begins(&[0, 0, 0, 9]).unwrap().is_none());
        let mut long = Long::begins(&sent[..100]).unwrap().unwrap();
        let (mut rest, mut out) = (&sent[100..], Slow(Vec::new(), 70_000));
        while !rest.is_empty() {
            long.read(&mut rest).unwrap();
            while !long.write(&mut out).unwrap() {}
        }
        assert!(out.0 == sent);
    }
}
