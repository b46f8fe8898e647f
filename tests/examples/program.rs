//! One example as a process: lines in, lines out, each wait with a limit.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes, even on a machine that has much else to do.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A running example. Dropping it kills it.
pub(crate) struct Program {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    /// What it prints, on either stream.
    output: Receiver<String>,
    /// All of that so far, for a test that fails.
    printed: Vec<String>,
}

impl Program {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary(name))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let (lines, output) = channel();
        read(child.stdout.take().unwrap(), lines.clone());
        read(child.stderr.take().unwrap(), lines);
        Self {
            name: name.into(),
            input: child.stdin.take(),
            child,
            output,
            printed: Vec::new(),
        }
    }

    /// Starts one that listens, with these arguments besides, and waits until it does. Returns where.
    pub(crate) fn listen(name: &str, at: &str, arguments: &[&str]) -> (Self, String) {
        let mut program = Self::start(name, &[&["--listen", at], arguments].concat());
        let line = program.until("listening on ");
        let address = line.rsplit(' ').next().unwrap().to_owned();
        (program, address)
    }

    /// Types a line.
    pub(crate) fn say(&mut self, line: impl std::fmt::Display) {
        let input = self.input.as_mut().expect("the input is open");
        writeln!(input, "{line}").expect("it reads its input");
    }

    /// Ends the input, as Ctrl-D does.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// The next line with this text in it; the lines before it are passed over.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let deadline = deadline();
        loop {
            match self.line(deadline) {
                Some(line) if line.contains(text) => return line,
                Some(_) => {}
                None => self.fail(&format!("ended without {text:?}")),
            }
        }
    }

    /// The next line that somebody in the chat said: `NAME LINE`. Events are passed over.
    pub(crate) fn heard(&mut self) -> String {
        let deadline = deadline();
        loop {
            match self.line(deadline) {
                Some(line) if line.starts_with("            ") => {
                    return line.split_whitespace().collect::<Vec<_>>().join(" ");
                }
                Some(_) => {}
                None => self.fail("ended, and heard nothing"),
            }
        }
    }

    /// The end, by itself: its status, and everything that it printed.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let deadline = deadline();
        while self.line(deadline).is_some() {}
        let status = self.child.wait().expect("it is a child of ours");
        (status, self.printed.join("\n"))
    }

    /// The number by which the system knows it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `INT`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.expect("there is a `kill`").success());
    }

    /// Ends it without a chance to say good night.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is a child of ours");
    }

    /// The next line; `None` at the end.
    fn line(&mut self, deadline: Instant) -> Option<String> {
        let left = deadline.saturating_duration_since(now());
        match self.output.recv_timeout(left) {
            Ok(line) => {
                self.printed.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.fail("says nothing more"),
        }
    }

    fn fail(&self, why: &str) -> ! {
        let printed = self.printed.join("\n");
        panic!("{} {why}; it printed:\n{printed}", self.name)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs one that ends by itself.
pub(crate) fn run(name: &str, arguments: &[&str]) -> (ExitStatus, String) {
    Program::start(name, arguments).end()
}

/// Examples are built beside the tests: `target/PROFILE/deps/THIS` and `target/PROFILE/examples/NAME`.
fn binary(name: &str) -> PathBuf {
    let this = env::current_exe().expect("this program has a path");
    let profile = this.ancestors().find(|path| path.ends_with("deps"));
    let profile = profile.and_then(|deps| deps.parent());
    let file = [name, env::consts::EXE_SUFFIX].concat();
    let path = profile.unwrap().join("examples").join(OsStr::new(&file));
    assert!(
        path.exists(),
        "{} is not built: `cargo test` builds it, and so does `cargo build --examples`",
        path.display()
    );
    path
}

fn read(stream: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream).lines();
        while let Some(Ok(line)) = stream.next() {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}

fn deadline() -> Instant {
    now() + LIMIT
}

#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this is the test's patience"
)]
fn now() -> Instant {
    Instant::now()
}
