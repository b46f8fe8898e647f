//! What TLS takes of a server's memory: sessions that are logged in and idle, and strangers who never log in, over TCP and over TLS.
//!
//! The server and its visitors are processes of their own, so that the kernel accounts for the server alone.

#[path = "../../../tests/common/greeting.rs"]
mod greeting;

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Lines, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Error, Result, bail, ensure};
use greeting::{LEASE, greeting};
use lexopt::{Arg, ValueExt};
use sessile::{
    Admission, Admit, Config, Credentials, Host, Message, Multi, Offer, Rejection, Runtime, Single,
    Turn,
    transport::{
        tcp::TcpDialer,
        tls::{Certificates, Certified, TlsAcceptor, TlsClient, TlsDialer, TlsServer, Trust},
    },
};

const HELP: &str = "\
Memory that a server has for each of its visitors, over TCP and over TLS: of the whole process, as the kernel counts it (/proc).

Usage: sealed [--visitors N] [--seconds S]     (for release builds, with the feature `tls`)

  --visitors N   how many there are of each kind (2000)
  --seconds S    how long they are there before it is looked (5: sessions have exchanged heartbeats)

  idle           logged in, heartbeats alone
  greeting       a stranger who began a handshake of TLS and says no more; the server has answered with its certificate
  half           a stranger who said the most that may be said in a greeting, but for its end
  silent         a stranger who connected and says nothing

A hundred more are there before anything is counted: what the server allocates once is no visitor's.
";

/// Just below what a server takes that asks for no certificate.
const HALF: usize = 4_000;

/// Visitors before it is counted.
const BEFORE: usize = 100;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", transport] => return serve(transport),
        ["visit", kind, transport, at, shown] => return visit(kind, transport, at.parse()?, shown),
        _ => {}
    }
    let (mut visitors, mut time) = (2_000, Duration::from_secs(5));
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            Arg::Long("visitors") => visitors = arguments.value()?.parse()?,
            Arg::Long("seconds") => time = Duration::from_secs(arguments.value()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    ensure!(visitors > 0, "nobody to measure");
    println!("{visitors} visitors of each kind\n\nvisitor    over    KiB each");
    for (kind, transport) in [
        ("idle", "tcp"),
        ("idle", "tls"),
        ("silent", "tcp"),
        ("silent", "tls"),
        ("greeting", "tls"),
        ("half", "tls"),
    ] {
        let bytes = memory_of(kind, transport, visitors, time)?;
        println!("{kind:<10} {transport:<4} {:>11.3}", bytes / 1_024.0);
    }
    Ok(())
}

/// Bytes of the server for one of so many visitors.
fn memory_of(kind: &str, transport: &str, visitors: usize, time: Duration) -> Result<f64> {
    let server = Program::start(&["serve", transport])?;
    let said = server.line()?;
    let (at, shown) = said.split_once(' ').context("an address, a certificate")?;
    let crowd = Program::start(&["visit", kind, transport, at, shown])?;
    crowd.bring(BEFORE)?;
    thread::sleep(time);
    let before = server.memory()?;
    crowd.bring(visitors)?;
    thread::sleep(time);
    let bytes = server.memory()?.saturating_sub(before);
    // Whoever is not there takes no memory.
    server.say("count")?;
    let there: usize = server.line()?.parse()?;
    let expected = if kind == "idle" { BEFORE + visitors } else { 0 };
    ensure!(there == expected, "{there} sessions of {expected}");
    crowd.say("count")?;
    let left: usize = crowd.line()?.parse()?;
    ensure!(left == 0, "the server has dropped {left}");
    Ok(bytes as f64 / visitors as f64)
}

struct Silent;

impl Admit for Silent {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        match sessile::Identity::new(offer.credentials()) {
            Ok(name) => Ok(Admission::new(name, ())),
            Err(_) => Err(Rejection::bad_credentials()),
        }
    }
}

impl Host for Silent {
    fn on_message(&self, _: &mut Turn<'_, ()>, _: Message<'_>) {}
}

/// Says where it listens and the certificate that it shows; says how many sessions there are when asked.
fn serve(transport: &str) -> Result<()> {
    // Everybody comes from one address, and strangers are to be there for long.
    let config = Config::new()
        .pending_logins(65_536)
        .pending_per_prefix(65_536)
        .early_drop(100)
        .admission_burst(1_000_000)
        .login_deadline(Duration::from_secs(60));
    let server = Runtime::<Multi>::start(config)?;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let serving = if transport == "tls" {
        let shown = Certified::from_pem(made.cert.pem(), made.signing_key.serialize_pem())?;
        let tls = TlsServer::new(shown)?;
        let accept = smol::block_on(TlsAcceptor::bind("127.0.0.1:0", 4_096, LEASE, &tls))?;
        server.serve_over(accept, Silent)
    } else {
        smol::block_on(server.serve("127.0.0.1:0", Silent))?
    };
    let at = serving.local_addr().context("TCP has addresses")?;
    let shown: String = made
        .cert
        .der()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!("{at} {shown}");
    for order in io::stdin().lines() {
        order?;
        println!("{}", server.sessions().len());
    }
    Ok(())
}

/// Brings as many as it is told; says how many have been dropped when asked.
fn visit(kind: &str, transport: &str, at: SocketAddr, shown: &str) -> Result<()> {
    let client = client(shown)?;
    let (mut sessions, mut strangers) = (Vec::new(), Vec::new());
    for order in io::stdin().lines() {
        let order = order?;
        if order == "count" {
            println!("{}", strangers.iter().filter(|link| is_gone(link)).count());
            continue;
        }
        for _ in 0..order.parse()? {
            match kind {
                "idle" => {
                    let me = Credentials::token(&format!("visitor {}", sessions.len()));
                    let runtime = Runtime::<Single>::start(Config::new())?;
                    let session = smol::block_on(async {
                        let session = match transport {
                            "tls" => {
                                runtime
                                    .connect_over(TlsDialer::new(at, LEASE, &client))
                                    .await
                            }
                            _ => runtime.connect_over(TcpDialer::new(at, LEASE)).await,
                        };
                        let session = session.map_err(|error| Error::msg(error.to_string()))?;
                        let login = session.login(&me).await;
                        login.map_err(|error| Error::msg(error.to_string()))
                    })?;
                    sessions.push(session);
                }
                "greeting" => {
                    let mut link = TcpStream::connect(at)?;
                    link.write_all(&greeting(&client))?;
                    let answer = link.read(&mut [0; 4_096])?;
                    ensure!(answer > 500, "the certificate is in the answer");
                    strangers.push(link);
                }
                "half" => {
                    let mut link = TcpStream::connect(at)?;
                    link.write_all(&half())?;
                    strangers.push(link);
                }
                "silent" => strangers.push(TcpStream::connect(at)?),
                _ => bail!("no such visitor: {kind}"),
            }
        }
        println!("there");
    }
    Ok(())
}

fn client(shown: &str) -> Result<TlsClient> {
    let hex = shown.as_bytes().chunks(2);
    let der = hex.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?));
    let der = der.collect::<Result<Vec<u8>>>()?;
    Ok(TlsClient::new(Trust::pinned(&Certificates::from_der([
        der,
    ])?))?)
}

/// Of a greeting the most that a server takes, but for its end.
fn half() -> Vec<u8> {
    let mut half = vec![0x16, 3, 1, 0x3f, 0, 1, 0, 0x3e, 0xfc];
    half.resize(HALF, 0);
    half
}

fn is_gone(mut link: &TcpStream) -> bool {
    let asked = link.set_nonblocking(true).and_then(|()| {
        loop {
            match link.read(&mut [0; 4_096]) {
                Ok(1..) => {}
                end => break end,
            }
        }
    });
    !asked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// This program, started again in another role. It is ended with this.
struct Program {
    child: Child,
    orders: ChildStdin,
    lines: std::cell::RefCell<Lines<BufReader<ChildStdout>>>,
}

impl Program {
    fn start(role: &[&str]) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let command = command.args(role).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take().context("piped")?;
        let lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        Ok(Self {
            child,
            orders,
            lines: lines.into(),
        })
    }

    fn line(&self) -> Result<String> {
        let line = self.lines.borrow_mut().next();
        Ok(line.context("it ended without a word")??)
    }

    fn say(&self, what: &str) -> Result<()> {
        Ok(writeln!(&self.orders, "{what}")?)
    }

    fn bring(&self, visitors: usize) -> Result<()> {
        self.say(&visitors.to_string())?;
        ensure!(self.line()? == "there", "they are not");
        Ok(())
    }

    /// Bytes that are there: the kernel counts its pages for this.
    fn memory(&self) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let kib = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kib = kib.and_then(|kib| kib.trim().strip_suffix(" kB"));
        Ok(kib
            .context("no memory is accounted")?
            .trim()
            .parse::<u64>()?
            << 10)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
