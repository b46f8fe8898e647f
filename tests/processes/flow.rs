//! One direction of one session: what was accepted for sending against what was delivered.

use std::collections::BTreeSet;

use super::{
    checker::{Class, Verdict},
    journal::Handed,
};

pub(crate) struct Flow<'a> {
    /// Which one, for who reads a violation.
    pub(crate) what: String,
    /// Whatever the sender may have sent.
    pub(crate) tried: BTreeSet<u64>,
    /// In this order.
    pub(crate) accepted: &'a [u64],
    /// In this order.
    pub(crate) received: &'a [u64],
    /// So many were acknowledged at least, as the sender heard.
    pub(crate) acked: u64,
    /// What was handed back at the end; `None` where the sender did not live to see it.
    pub(crate) list: Option<&'a [Handed]>,
}

impl Flow<'_> {
    pub(crate) fn check(&self, verdict: &mut Verdict) {
        let received = self.check_order(verdict);
        let acked = self.accepted.iter().take(self.acked as usize);
        for number in acked.filter(|number| !received.contains(number)) {
            self.add(verdict, Class::Lost, number, "acknowledged, never taken");
        }
        verdict.sums.accepted += self.accepted.len() as u64;
        match self.list {
            Some(list) => self.check_list(list, &received, verdict),
            None => self.count_perished(&received, verdict),
        }
    }

    /// What was received is a prefix of what was sent.
    fn check_order(&self, verdict: &mut Verdict) -> BTreeSet<u64> {
        let mut seen = BTreeSet::new();
        for &number in self.received {
            let newest = seen.last().copied();
            if !self.tried.contains(&number) {
                self.add(verdict, Class::Unexpected, &number, "never sent");
            } else if !seen.insert(number) {
                self.add(verdict, Class::Duplicated, &number, "delivered again");
            } else if newest.is_some_and(|newest| newest > number) {
                self.add(verdict, Class::Reordered, &number, "came late");
            }
        }
        if let Some(&newest) = seen.last() {
            for number in (0..newest).filter(|number| !seen.contains(number)) {
                self.add(verdict, Class::Gap, &number, "skipped");
            }
        }
        seen
    }

    /// Its sender knows the end: each accepted message was taken, or is in the list, which is the exact tail.
    fn check_list(&self, list: &[Handed], received: &BTreeSet<u64>, verdict: &mut Verdict) {
        let taken_for_sure = self.accepted.len().saturating_sub(list.len());
        for number in &self.accepted[..taken_for_sure] {
            if received.contains(number) {
                verdict.sums.delivered += 1;
            } else {
                let why = "accepted, not handed back, never taken";
                self.add(verdict, Class::Lost, number, why);
            }
        }
        let tail = &self.accepted[taken_for_sure..];
        let handed = list.iter().map(|handed| handed.name.number);
        let counted = (taken_for_sure as u64..).take(list.len());
        let is_tail = handed.clone().eq(tail.iter().copied())
            && list.iter().map(|handed| handed.sequence).eq(counted);
        let sorted = list.is_sorted_by_key(|handed| handed.never_sent);
        if !is_tail || !sorted || (taken_for_sure as u64) < self.acked {
            let first = handed.clone().next().unwrap_or_default();
            let why = format!(
                "{} are handed back, of {} accepted and {} acknowledged",
                list.len(),
                self.accepted.len(),
                self.acked
            );
            self.add(verdict, Class::Miscounted, &first, &why);
        }
        for Handed {
            name, never_sent, ..
        } in list
        {
            verdict.sums.never_sent += u64::from(*never_sent);
            match (received.contains(&name.number), never_sent) {
                (false, _) => verdict.sums.undelivered += 1,
                (true, false) => verdict.sums.recovered += 1,
                (true, true) => {
                    let why = "handed back as never sent, and it came";
                    self.add(verdict, Class::Unexpected, &name.number, why);
                }
            }
        }
        let accepted: BTreeSet<u64> = self.accepted.iter().copied().collect();
        for number in received.difference(&accepted) {
            let why = "not accepted, and it came";
            self.add(verdict, Class::Unexpected, number, why);
        }
    }

    /// Its sender was killed. One message may have been accepted without a line that says so.
    fn count_perished(&self, received: &BTreeSet<u64>, verdict: &mut Verdict) {
        let (came, perished): (Vec<u64>, Vec<u64>) = self
            .accepted
            .iter()
            .partition(|number| received.contains(number));
        verdict.sums.delivered += came.len() as u64;
        verdict.sums.perished += perished.len() as u64;
        let came = came.into_iter().collect();
        let mut unsure = received.difference(&came);
        verdict.sums.recovered += u64::from(unsure.next().is_some());
        for number in unsure {
            let why = "not accepted, and it came";
            self.add(verdict, Class::Unexpected, number, why);
        }
    }

    fn add(&self, verdict: &mut Verdict, class: Class, number: &u64, why: &str) {
        verdict.add(
            class,
            format_args!("{}, message {number}: {why}", self.what),
        );
    }
}
