use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "tracing")]
use super::log::Log;
#[cfg(feature = "metrics")]
use super::meters::Meters;
use crate::{
    Event,
    driver::shared::Shared,
    proto::{Key, Machine, Phase, Side},
    registry::Registry,
};

/// What happened and was not told yet. Lives under the lock.
#[derive(Default)]
pub(in crate::driver) struct Reports {
    waiting: Vec<Report>,
    /// Not here while somebody tells.
    reporter: Option<Box<Reporter>>,
    began: bool,
}

/// What is to be told now, by whoever has it.
pub(in crate::driver) struct Batch {
    reports: Vec<Report>,
    reporter: Box<Reporter>,
}

/// One thing that happened.
enum Report {
    Event {
        event: Event,
        /// How the session stands; `None` where it is forgotten already.
        stands: Option<(Side, Phase)>,
    },
    RoundTrip(Duration),
}

/// Who tells, and what it remembers of sessions that live.
#[derive(Default)]
struct Reporter {
    #[cfg(feature = "tracing")]
    log: Log,
    #[cfg(feature = "metrics")]
    meters: Meters,
}

impl Reports {
    pub(in crate::driver) fn event(&mut self, key: Key, event: &Event, registry: &Registry) {
        let stands = |machine: &Machine| (machine.side(), machine.phase());
        self.waiting.push(Report::Event {
            event: event.clone(),
            stands: registry.get(key).map(stands),
        });
    }

    /// A heartbeat may have measured something.
    pub(in crate::driver) fn measured(&mut self, round_trip: Option<Duration>) {
        if cfg!(feature = "metrics") {
            self.waiting.extend(round_trip.map(Report::RoundTrip));
        }
    }

    /// What is to be told, where there is any and nobody else is telling.
    pub(in crate::driver) fn claim(&mut self) -> Option<Batch> {
        if self.waiting.is_empty() {
            return None;
        }
        if !std::mem::replace(&mut self.began, true) {
            self.reporter = Some(Box::default());
        }
        let reporter = self.reporter.take()?;
        let reports = std::mem::take(&mut self.waiting);
        Some(Batch { reports, reporter })
    }

    /// What came in meanwhile; where nothing did, the reporter stays here, in one step.
    fn go_on(&mut self, told: &mut Vec<Report>, reporter: &mut Option<Box<Reporter>>) {
        std::mem::swap(&mut self.waiting, told);
        if told.is_empty() {
            self.reporter = reporter.take();
        }
    }
}

impl Batch {
    /// Tells all of it, and what comes in meanwhile.
    pub(in crate::driver) fn tell(self, shared: &Arc<Shared>) {
        let mut reports = self.reports;
        let mut telling = Telling {
            shared,
            reporter: Some(self.reporter),
        };
        while let Some(reporter) = &mut telling.reporter {
            for report in reports.drain(..) {
                reporter.tell(&report);
            }
            shared.with_reports(|all| all.go_on(&mut reports, &mut telling.reporter));
        }
    }
}

/// A subscriber that panics takes what it was told with it, and not all that comes after.
struct Telling<'a> {
    shared: &'a Shared,
    reporter: Option<Box<Reporter>>,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if let Some(reporter) = self.reporter.take() {
            self.shared
                .with_reports(|all| all.reporter = Some(reporter));
        }
    }
}

impl Reporter {
    fn tell(&mut self, report: &Report) {
        match report {
            Report::Event { event, stands } => {
                #[cfg(feature = "tracing")]
                self.log.tell(event, *stands);
                #[cfg(feature = "metrics")]
                self.meters.count(event, *stands);
            }
            Report::RoundTrip(_time) => {
                #[cfg(feature = "metrics")]
                self.meters.measured(*_time);
            }
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("reports", &self.reports.len())
            .finish_non_exhaustive()
    }
}
