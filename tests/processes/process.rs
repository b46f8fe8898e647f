//! One process each: the examples `echo_server` and `echo_client`, and their logs.

use std::{
    collections::HashMap,
    fs::File,
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    journal::{Entry, Journal, Name, What},
    program::Program,
    proxy::Proxy,
    world::{HEARTBEAT, LEASE, RESUME},
};

pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
    pub(crate) journal: Journal,
}

/// As many messages a second each, one by one or many at once: bursts, and how many milliseconds between two.
const PACES: [[&str; 2]; 3] = [["1", "2"], ["8", "16"], ["64", "128"]];

pub(crate) struct Client {
    name: String,
    pace: [&'static str; 2],
    /// Whether it is the library's own client; its loop is written with sessions otherwise.
    supervised: bool,
    /// Whether it reads slowly, so that messages lie in its mailbox when something happens.
    thinks: bool,
    pub(crate) proxy: Proxy,
    running: Option<Running>,
}

struct Running {
    program: Program,
    journal: Journal,
    view: View,
}

/// What a client's log says so far.
#[derive(Default)]
pub(crate) struct View {
    /// How much of it was looked at.
    read: usize,
    pub(crate) life: u32,
    /// How many answers came.
    pub(crate) got: u64,
    /// When the message was tried whose answer came last.
    pub(crate) echo_of: u64,
    /// Why its sessions ended.
    pub(crate) ended: Vec<String>,
    /// Messages without an answer, and when they were tried.
    open: HashMap<Name, u64>,
}

impl Server {
    pub(crate) fn start(log: &Path) -> Self {
        Self::start_with(log, &[])
    }

    /// With these arguments besides.
    pub(crate) fn start_with(log: &Path, more: &[&str]) -> Self {
        let mut arguments = times();
        arguments.extend(more.iter().map(ToString::to_string));
        arguments.extend(["--resume-ms", &RESUME.as_millis().to_string()].map(String::from));
        arguments.extend(["--until-eof", "--log"].map(String::from));
        arguments.push(log.display().to_string());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (program, address) = Program::listen("echo_server", "127.0.0.1:0", &arguments);
        Self {
            program,
            address: address.parse().expect("it says where it listens"),
            journal: Journal::of(log),
        }
    }

    /// SIGKILL, and what it had written by then.
    pub(crate) fn kill(self) -> Journal {
        let Self {
            program,
            mut journal,
            ..
        } = self;
        program.kill();
        journal.read_on();
        journal
    }

    /// Lets it go in good order.
    pub(crate) fn end(mut self) -> Journal {
        self.program.end_input();
        self.has_ended().0
    }

    /// It ends by itself; what it printed.
    pub(crate) fn has_ended(self) -> (Journal, String) {
        let Self {
            program,
            mut journal,
            ..
        } = self;
        let (status, printed) = program.end();
        assert!(
            status.success(),
            "the server: {status}; it printed:\n{printed}"
        );
        journal.read_on();
        (journal, printed)
    }
}

impl Client {
    /// `number` says how it sends, too.
    pub(crate) fn new(number: usize, proxy: Proxy) -> Self {
        Self {
            name: format!("client{number}"),
            pace: PACES[number % PACES.len()],
            supervised: number == 1,
            thinks: number == 2,
            proxy,
            running: None,
        }
    }

    pub(crate) fn start(&mut self, log: &Path) {
        let mut arguments = times();
        let (connect, log_) = (self.proxy.address().to_string(), log.display().to_string());
        let own = ["--connect", &connect, "--name", &self.name, "--log", &log_];
        let [burst, every] = self.pace;
        let think = if self.thinks { "25" } else { "0" };
        let pace = ["--burst", burst, "--every-ms", every, "--think-ms", think];
        let patience = ["--login-ms", "1000", "--reconnect-ms", "20"];
        let supervised: &[&str] = match self.supervised {
            true => &["--supervised", "--redirects"],
            false => &[],
        };
        let all = own.into_iter().chain(pace).chain(patience);
        arguments.extend(all.chain(supervised.iter().copied()).map(String::from));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.running = Some(Running {
            journal: Journal::of(log),
            program: Program::start("echo_client", &arguments),
            view: View::default(),
        });
    }

    pub(crate) fn kill(&mut self) -> Journal {
        let Running {
            program,
            mut journal,
            ..
        } = self.running.take().expect("it runs");
        program.kill();
        journal.read_on();
        journal
    }

    /// Lets it go in good order: it waits for answers, and closes its session. Where it does not, its log says so: it is
    /// not done.
    pub(crate) fn end(&mut self) -> Journal {
        let Running {
            mut program,
            mut journal,
            ..
        } = self.running.take().expect("it runs");
        program.end_input();
        let (status, printed) = program.end();
        if !status.success() {
            eprintln!("{}: {status}; it printed:\n{printed}", self.name);
        }
        journal.read_on();
        journal
    }

    /// Ends it by force, and says what it printed: for a test that fails.
    pub(crate) fn last_words(&mut self) -> String {
        let Some(Running { program, .. }) = self.running.take() else {
            return String::new();
        };
        program.signal("KILL");
        program.end().1
    }

    pub(crate) fn id(&self) -> u32 {
        self.running.as_ref().expect("it runs").program.id()
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        self.running.as_ref().map_or(&[], |it| &it.journal.entries)
    }

    pub(crate) fn view(&self) -> Option<&View> {
        self.running.as_ref().map(|it| &it.view)
    }

    pub(crate) fn read_on(&mut self) {
        if let Some(Running { journal, view, .. }) = &mut self.running {
            journal.read_on();
            for entry in &journal.entries[view.read..] {
                view.see(entry);
            }
            view.read = journal.entries.len();
        }
    }
}

impl View {
    fn see(&mut self, entry: &Entry) {
        match &entry.what {
            What::Began(life) => self.life = *life,
            What::Try(name) => drop(self.open.insert(*name, entry.at)),
            What::Got(name) => {
                self.got += 1;
                self.echo_of = self.open.remove(name).unwrap_or(self.echo_of);
            }
            What::Ended { reason, .. } => {
                self.ended.push(reason.clone());
                self.open.clear();
            }
            _ => {}
        }
    }
}

impl Journal {
    /// Of a process that is about to write it, or has begun.
    fn of(log: &Path) -> Self {
        let made = File::options().create(true).append(true).open(log);
        made.expect("logs can be written");
        Self::open(log).expect("it is there")
    }
}

/// SIGSTOP for so long. A shell does it, not this test: one that is killed itself leaves nothing behind that stands still.
pub(crate) fn stop(id: u32, time: Duration) {
    let seconds = time.as_secs_f64();
    let script = format!("kill -s STOP {id}; sleep {seconds}; kill -s CONT {id}");
    let status = Command::new("sh").args(["-c", &script]).status();
    assert!(status.expect("there is a shell").success(), "{script}");
}

/// Between processes the wall clock is what they have in common.
#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this one is compared with the processes' logs"
)]
pub(crate) fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_micros() as u64
}

fn times() -> Vec<String> {
    let ms = |time: Duration| time.as_millis().to_string();
    let (heartbeat, lease) = (ms(HEARTBEAT), ms(LEASE));
    ["--heartbeat-ms", &heartbeat, "--lease-ms", &lease]
        .map(String::from)
        .into()
}
