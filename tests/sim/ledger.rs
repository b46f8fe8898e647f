//! Who sent what, and what came out at the other end: the checker, in Jepsen's words.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sessile::{Fate, Undelivered, sim::Outcome};

/// All streams of a world. A stream is one direction of one session, and its messages are numbered.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    streams: Vec<Stream>,
    /// Which stream a receiver reads: a receiver is one end of one session.
    reads: BTreeMap<u64, usize>,
    receivers: u64,
    wrong: Option<String>,
}

struct Stream {
    name: String,
    accepted: u64,
    delivered: u64,
    receiver: Option<u64>,
    /// What was not delivered was handed back, once.
    accounted: bool,
    /// From here on: handed back as `NeverSent`.
    never_sent: Option<u64>,
}

/// The sending end of a stream.
#[derive(Clone)]
pub(crate) struct Sender {
    ledger: Ledger,
    stream: usize,
}

/// The receiving end of whichever stream arrives.
#[derive(Clone)]
pub(crate) struct Receiver {
    ledger: Ledger,
    id: u64,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing but its number.
    Number,
    /// Nothing follows from this side, and the other is to say the same.
    Bye,
    /// Outside the stream.
    Volatile,
}

const HEAD: usize = 17;

/// Who keeps to no protocol.
pub(crate) const ROGUE: &str = "mallory";

impl Ledger {
    /// A new session's direction.
    pub(crate) fn sender(&self, name: String) -> Sender {
        let mut book = self.book();
        book.streams.push(Stream {
            name,
            accepted: 0,
            delivered: 0,
            receiver: None,
            accounted: false,
            never_sent: None,
        });
        Sender {
            ledger: self.clone(),
            stream: book.streams.len() - 1,
        }
    }

    pub(crate) fn receiver(&self) -> Receiver {
        let mut book = self.book();
        book.receivers += 1;
        Receiver {
            ledger: self.clone(),
            id: book.receivers,
        }
    }

    /// Whether everything is right so far.
    pub(crate) fn verdict(&self) -> Outcome {
        match &self.book().wrong {
            Some(wrong) => Err(wrong.clone().into()),
            None => Ok(()),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn wrong(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}

impl Sender {
    /// The bytes of the next message, padded by some.
    pub(crate) fn next(&self, word: Word, padding: usize) -> Vec<u8> {
        let number = self.ledger.book().streams[self.stream].accepted;
        let mut bytes = vec![0xaa; HEAD + padding];
        bytes[0] = word as u8;
        bytes[1..9].copy_from_slice(&(self.stream as u64).to_be_bytes());
        bytes[9..HEAD].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    /// The session took the message.
    pub(crate) fn accepted(&self) {
        self.ledger.book().streams[self.stream].accepted += 1;
    }

    /// S6: at the session's end every accepted message was delivered or is in this list, and what was certainly never sent was
    /// certainly not delivered.
    pub(crate) fn account(&self, undelivered: &[Undelivered]) {
        let mut book = self.ledger.book();
        let stream = &mut book.streams[self.stream];
        if stream.name.ends_with(ROGUE) {
            return; // it acknowledges what it likes
        }
        let (name, accepted, delivered) = (stream.name.clone(), stream.accepted, stream.delivered);
        if std::mem::replace(&mut stream.accounted, true) && !undelivered.is_empty() {
            return book.wrong(format!("{name}: handed back twice"));
        }
        let Some(first) = accepted.checked_sub(undelivered.len() as u64) else {
            return book.wrong(format!(
                "{name}: unexpected: more handed back than accepted"
            ));
        };
        if first > delivered {
            return book.wrong(format!(
                "{name}: lost: {accepted} accepted, {} handed back, {delivered} delivered",
                undelivered.len()
            ));
        }
        for (one, number) in undelivered.iter().zip(first..) {
            if one.sequence() != number {
                return book.wrong(format!(
                    "{name}: {} handed back where {number} was due",
                    one.sequence()
                ));
            }
            let said = u64::from_be_bytes(one.message()[9..HEAD].try_into().unwrap());
            if said != number {
                return book.wrong(format!(
                    "{name}: {number} was handed back with {said} in it"
                ));
            }
            if one.fate() != Fate::NeverSent {
                continue;
            }
            book.streams[self.stream].never_sent.get_or_insert(number);
            if number < delivered {
                return book.wrong(format!(
                    "{name}: {number} was never sent, and was delivered"
                ));
            }
        }
    }

    /// A session was closed in order after everything had arrived, and still something was handed back.
    pub(crate) fn incomplete(&self, left: usize) {
        let mut book = self.ledger.book();
        let name = book.streams[self.stream].name.clone();
        book.wrong(format!(
            "{name}: {left} handed back, though the peer had answered the last one"
        ));
    }

    /// L2: the session lives and the world is well: everything arrived.
    pub(crate) fn all_arrived(&self) {
        let mut book = self.ledger.book();
        let stream = &book.streams[self.stream];
        if stream.delivered != stream.accepted {
            let what = format!(
                "{}: lost: {} accepted, {} delivered, at the end of a session that was closed in order",
                stream.name, stream.accepted, stream.delivered
            );
            book.wrong(what);
        }
    }
}

impl Receiver {
    /// S1: what is delivered is the next of what was accepted.
    pub(crate) fn delivered(&self, message: &[u8]) -> Word {
        let mut book = self.ledger.book();
        if message.len() < HEAD {
            return Word::Volatile; // a rogue's
        }
        let number = |at: usize| u64::from_be_bytes(message[at..at + 8].try_into().unwrap());
        let word = match message[0] {
            0 => Word::Number,
            1 => Word::Bye,
            _ => return Word::Volatile,
        };
        let (Ok(stream), number) = (usize::try_from(number(1)), number(9)) else {
            return Word::Volatile;
        };
        if stream >= book.streams.len() {
            return Word::Volatile;
        }
        let reads = *book.reads.entry(self.id).or_insert(stream);
        let one = &mut book.streams[stream];
        let name = one.name.clone();
        if reads != stream || *one.receiver.get_or_insert(self.id) != self.id {
            book.wrong(format!(
                "{name}: unexpected: {number} arrived in another session"
            ));
            return word;
        }
        let (accepted, delivered) = (one.accepted, one.delivered);
        one.delivered = delivered + 1;
        let class = match number {
            _ if number >= accepted => "unexpected",
            _ if number < delivered => "duplicated or reordered",
            _ if number > delivered => "lost, or a gap",
            _ if one.never_sent.is_some_and(|from| number >= from) => "never sent, yet",
            _ => return word,
        };
        book.wrong(format!(
            "{name}: {class}: {number} arrived where {delivered} was due ({accepted} accepted)"
        ));
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(count: u64) -> (Ledger, Sender, Vec<Vec<u8>>) {
        let ledger = Ledger::default();
        let sender = ledger.sender("one".into());
        let messages = (0..count)
            .map(|_| {
                let message = sender.next(Word::Number, 3);
                sender.accepted();
                message
            })
            .collect();
        (ledger, sender, messages)
    }

    #[test]
    fn each_kind_of_mistake_is_called_by_its_name() {
        for (order, class) in [
            (vec![0, 1, 2], None),
            (vec![0, 1, 1], Some("duplicated")),
            (vec![0, 2], Some("gap")),
            (vec![1, 0], Some("lost")),
        ] {
            let (ledger, _, messages) = sent(3);
            let receiver = ledger.receiver();
            for at in order {
                receiver.delivered(&messages[at]);
            }
            match class {
                None => assert!(ledger.verdict().is_ok()),
                Some(class) => {
                    let wrong = ledger.verdict().unwrap_err().to_string();
                    assert!(wrong.contains(class), "{wrong}");
                }
            }
        }
        let (ledger, sender, _) = sent(1);
        ledger.receiver().delivered(&sender.next(Word::Number, 0));
        assert!(
            ledger
                .verdict()
                .unwrap_err()
                .to_string()
                .contains("unexpected")
        );
        let (ledger, _, messages) = sent(1);
        ledger.receiver().delivered(&messages[0]);
        ledger.receiver().delivered(&messages[0]);
        assert!(
            ledger
                .verdict()
                .unwrap_err()
                .to_string()
                .contains("another session")
        );
    }

    #[test]
    fn what_is_neither_delivered_nor_handed_back_is_lost() {
        let (ledger, sender, messages) = sent(2);
        ledger.receiver().delivered(&messages[0]);
        sender.account(&[]);
        assert!(ledger.verdict().unwrap_err().to_string().contains("lost"));
    }
}
