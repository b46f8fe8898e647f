//! This test once more, as a process of its own: a server that is seen from outside. Talked to by lines.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The other process. Dropping it ends it.
pub(crate) struct Again {
    child: Child,
    orders: ChildStdin,
    lines: io::Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub(crate) at: SocketAddr,
}

impl Again {
    /// Starts this program with `arguments` for its harness, and with the variable by which it knows that it is to serve. It prints
    /// `at` and its port before anything else.
    pub(crate) fn start(arguments: &[&str], (variable, value): (&str, &str)) -> Self {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(arguments)
            .env(variable, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let orders = child.stdin.take().expect("piped");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let port = loop {
            let line = lines.next().expect("it says where").expect("text");
            // The harness may have begun the line.
            if let Some((_, port)) = line.rsplit_once("at ")
                && let Ok(port) = port.parse::<u16>()
            {
                break port;
            }
        };
        Self {
            child,
            orders,
            lines,
            at: ([127, 0, 0, 1], port).into(),
        }
    }

    #[allow(dead_code, reason = "not every server is asked anything")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    #[allow(dead_code, reason = "not every server is asked anything")]
    pub(crate) fn open_files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.id()));
        files.map_or(0, Iterator::count)
    }

    /// Asks it for what it answers by some lines.
    #[allow(dead_code, reason = "not every server is asked anything")]
    pub(crate) fn ask<const LINES: usize>(&mut self) -> [String; LINES] {
        self.orders.write_all(b"\n").expect("it lives");
        [(); LINES].map(|()| self.lines.next().expect("it answers").expect("text"))
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
