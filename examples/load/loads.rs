//! The loads. Each lets a crowd in first, which is a load by itself.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::ensure;

use crate::{
    crowd::{Crowd, now},
    process::{Cpu, Process},
    progress::Progress,
    report::Report,
};

/// From the last login to the first measurement: what is only needed while many log in is given back by then.
const SETTLE: Duration = Duration::from_millis(500);

/// How long what is still on its way when a load ends is waited for.
const STRAGGLERS: Duration = Duration::from_secs(10);

/// Percent of a core from which on somebody is taken to be the limit.
const BUSY: f64 = 90.0;

pub(crate) struct Course {
    pub(crate) crowd: Crowd,
    pub(crate) server: Process,
    pub(crate) time: Duration,
    pub(crate) depth: usize,
    pub(crate) bytes: usize,
    pub(crate) report: Report,
}

/// What was used from some moment on.
struct Meter {
    begin: Instant,
    server: Cpu,
    own: Cpu,
}

impl Meter {
    fn start(server: &Process) -> anyhow::Result<Self> {
        Ok(Self {
            begin: now(),
            server: server.cpu()?,
            own: Process::own().cpu()?,
        })
    }

    /// Since then: time, the server's CPU, this program's own.
    fn read(&self, server: &Process) -> anyhow::Result<Used> {
        Ok(Used {
            wall: self.begin.elapsed().as_secs_f64(),
            server: server.cpu()?.since(self.server).as_secs_f64(),
            own: Process::own().cpu()?.since(self.own).as_secs_f64(),
        })
    }
}

/// Seconds.
struct Used {
    wall: f64,
    server: f64,
    own: f64,
}

impl Used {
    /// A thread that runs is accounted at ticks: what takes a few milliseconds may have taken none.
    fn accounted(self) -> anyhow::Result<Self> {
        ensure!(
            self.server > 0.0,
            "the kernel accounts no time to the server"
        );
        Ok(self)
    }
}

impl Course {
    /// Logins alone.
    pub(crate) fn login(mut self) -> anyhow::Result<Report> {
        self.log_in()?.accounted()?;
        self.finish()
    }

    /// Sessions that are there and say no more than that they live.
    pub(crate) fn idle(mut self) -> anyhow::Result<Report> {
        let empty = self.server.memory()?;
        self.log_in()?;
        self.crowd.spread_beats();
        let interval = self.crowd.heartbeat(0);
        self.crowd.run_until(now() + interval.max(SETTLE))?;

        self.memory(empty)?;
        self.crowd.tally.restart();
        let used = self.go_on("idle")?;
        let tally = &self.crowd.tally;
        let beats = tally.pongs + tally.pinged;
        ensure!(beats > 0, "nobody's heart beat in that time");
        let rate = beats as f64 / used.wall;
        let answered = 100.0 * tally.pongs as f64 / tally.pings.max(1) as f64;
        let theirs = 100.0 * tally.pinged as f64 / beats as f64;
        let each = used.server * 1e6 / beats as f64;
        let core = 100.0 * used.server / used.wall;
        self.report.line(format_args!(
            "heartbeats: {rate:.0}/s answered {answered:.1}%, {each:.2} us server CPU each, {core:.2}% of a core \
             ({theirs:.0}% were the server's)"
        ));
        self.report.figure("heartbeat_rate", rate);
        self.report.figure("heartbeat_answered", answered);
        self.report.figure("heartbeat_cpu_us", each);
        self.report.figure("heartbeat_by_server", theirs);
        self.cost(&used, false);
        self.finish()
    }

    /// So many messages of each session are on their way all the time, each back before the next one follows.
    pub(crate) fn echo(mut self) -> anyhow::Result<Report> {
        let empty = self.server.memory()?;
        self.log_in()?;
        self.crowd.run_until(now() + SETTLE)?;
        self.memory(empty)?;
        self.crowd.echoing = true;
        self.crowd.burst(self.depth)?;
        self.crowd.run_until(now() + SETTLE)?; // until it is in step

        self.crowd.tally.restart();
        let used = self.go_on("echo")?;
        let messages = self.crowd.tally.messages;
        ensure!(messages > 0, "nothing came back");
        let (half, most) = (self.crowd.tally.within(50.0), self.crowd.tally.within(99.0));
        let rate = messages as f64 / used.wall;
        let each = used.server * 1e6 / messages as f64;
        self.report.line(format_args!(
            "echo: {rate:.0} msg/s, {each:.2} us server CPU a message, p50 {half} us, p99 {most} us"
        ));
        self.report.figure("echo_rate", rate);
        self.report.figure("echo_cpu_us", each);
        let mib = self.bytes as f64 / (1 << 20) as f64;
        if mib >= 1.0 / 64.0 {
            self.report.line(format_args!(
                "payload: {:.0} MiB/s, {:.1} us server CPU a MiB (each came and went once)",
                rate * mib,
                each / mib
            ));
        }
        self.report.figure("echo_mib_rate", rate * mib);
        self.report.figure("echo_mib_cpu_us", each / mib);
        self.report.figure("echo_p50_us", half as f64);
        self.report.figure("echo_p99_us", most as f64);
        self.cost(&used, true);

        self.crowd.echoing = false;
        self.gather()?;
        self.books();
        self.finish()
    }

    /// All links are cut in the middle of what they carry. Everybody comes back, and nothing may be missing or come twice.
    pub(crate) fn storm(mut self) -> anyhow::Result<Report> {
        self.log_in()?;
        self.crowd.run_until(now() + SETTLE)?;
        self.crowd.burst(self.depth)?;
        self.crowd.turn(now() + SETTLE)?; // some are back, some are not
        self.crowd.half_a_burst(self.depth)?; // and some were not even sent
        let caught = self.crowd.on_their_way();

        let meter = Meter::start(&self.server)?;
        self.crowd.cut();
        let deadline = now() + self.time;
        let progress = Progress::counted("storm", self.crowd.len());
        while self.crowd.up() < self.crowd.len() {
            ensure!(
                now() < deadline,
                "only {} of {} came back",
                self.crowd.up(),
                self.crowd.len()
            );
            self.crowd.turn(deadline)?;
            progress.at(self.crowd.up());
        }
        drop(progress);
        let used = meter.read(&self.server)?;
        self.gather()?;
        let whole = meter.begin.elapsed().as_secs_f64();
        self.crowd.burst(self.depth)?; // they go on where they were
        self.gather()?;

        let (sessions, tally) = (self.crowd.len(), &self.crowd.tally);
        let each = used.server * 1e6 / sessions as f64;
        self.report.line(format_args!(
            "storm: {sessions} sessions cut with {caught} messages on their way, all resumed after {:.2} s, \
             all messages back after {whole:.2} s, {each:.2} us server CPU a session",
            used.wall
        ));
        self.report.line(format_args!(
            "resumes: {}, turned away {} times, {} links lost on the way, {} messages sent again",
            tally.resumed, tally.turned_away, tally.lost_links, tally.replayed
        ));
        self.report.figure("storm_s", used.wall);
        self.report.figure("storm_whole_s", whole);
        self.report.figure("storm_cpu_us", each);
        self.report.figure("storm_caught", caught as f64);
        self.report.figure("storm_replayed", tally.replayed as f64);
        self.cost(&used, false);
        self.books();
        self.finish()
    }

    fn log_in(&mut self) -> anyhow::Result<Used> {
        let meter = Meter::start(&self.server)?;
        let sessions = self.crowd.len();
        let progress = Progress::counted("login", sessions);
        let last = Cell::new(0);
        self.crowd.log_in(|up| {
            if up != last.replace(up) {
                progress.at(up);
            }
        })?;
        drop(progress);
        let used = meter.read(&self.server)?;
        let rate = sessions as f64 / used.wall;
        let each = used.server / sessions as f64;
        self.report.line(format_args!(
            "login: {sessions} sessions, {rate:.0} /s wall, {:.0} /s of server CPU, {:.2} us server CPU each",
            1.0 / each,
            each * 1e6
        ));
        self.report.figure("sessions", sessions as f64);
        self.report.figure("login_rate", rate);
        self.report.figure("login_cpu_us", each * 1e6);
        Ok(used)
    }

    fn memory(&mut self, empty: u64) -> anyhow::Result<()> {
        let more = self.server.memory()?.saturating_sub(empty);
        let each = more as f64 / 1024.0 / self.crowd.len() as f64;
        self.report
            .line(format_args!("memory: {each:.2} KiB RSS a session"));
        self.report.figure("memory_kib", each);
        Ok(())
    }

    /// Lets it run for the time that was asked for.
    fn go_on(&mut self, what: &'static str) -> anyhow::Result<Used> {
        let progress = Progress::timed(what, self.time);
        let meter = Meter::start(&self.server)?;
        let (begin, end) = (meter.begin, meter.begin + self.time);
        while now() < end {
            self.crowd.turn(end)?;
            progress.after(begin.elapsed());
        }
        meter.read(&self.server)?.accounted()
    }

    /// Waits for what is still on its way.
    fn gather(&mut self) -> anyhow::Result<()> {
        let deadline = now() + STRAGGLERS;
        while self.crowd.on_their_way() > 0 && now() < deadline {
            self.crowd.run_until(now() + Duration::from_millis(5))?;
        }
        Ok(())
    }

    fn books(&mut self) {
        let tally = &self.crowd.tally;
        let (lost, twice) = (tally.lost + self.crowd.on_their_way(), tally.duplicated);
        self.report
            .line(format_args!("books: {lost} lost, {twice} duplicated"));
        self.report.figure("lost", lost as f64);
        self.report.figure("duplicated", twice as f64);
        if lost + twice > 0 {
            self.report.failed("messages were lost or came twice");
        }
    }

    /// What this program took itself, and whether a faster one would have shown more.
    fn cost(&mut self, used: &Used, echoes: bool) {
        let (own, server) = (
            100.0 * used.own / used.wall,
            100.0 * used.server / used.wall,
        );
        let (had_time, limits) = (server < BUSY, server < BUSY && own >= BUSY);
        let note = match (echoes && had_time, limits) {
            (_, true) => "; this tool was the limit: rate and latency are its own",
            (true, false) => {
                "; neither was the limit: they waited for each other, or shared a core"
            }
            (false, false) => "",
        };
        self.report.line(format_args!(
            "tool: {own:.0}% of a core, server {server:.0}%{note}"
        ));
        self.report.figure("tool_core_percent", own);
        self.report.figure("server_core_percent", server);
        for (name, is_so) in [
            ("tool_was_limit", limits),
            ("server_had_time", echoes && had_time),
        ] {
            self.report.figure(name, f64::from(u8::from(is_so)));
        }
    }

    fn finish(mut self) -> anyhow::Result<Report> {
        self.crowd.leave()?;
        Ok(self.report)
    }
}
