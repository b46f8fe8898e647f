//! Whole programs in virtual time, over a network that breaks, from one seed: a test of what your own program does when
//! everything goes wrong.
//!
//! Behind the cargo feature `sim`, for tests. The programs are yours, and the runtimes in them are the real ones: the same
//! sessions, heartbeats and policies that run over sockets. What is simulated is everything around them: time, links,
//! processes, and the order in which tasks run. One seed decides all of it, so that a failure happens again.
//!
//! ```
//! use sessile::{Config, Credentials, Multi, Single, Update, sim};
//! # use sessile::{Admission, Admit, Host, Identity, Message, Offer, Rejection, Turn};
//! # struct Echo;
//! # impl Admit for Echo {
//! #     type Peer = ();
//! #     async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
//! #         let name = String::from_utf8_lossy(offer.credentials()).into_owned();
//! #         Ok(Admission::new(Identity::new(&name).map_err(|_| Rejection::bad_credentials())?, ()))
//! #     }
//! # }
//! # impl Host for Echo {
//! #     fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
//! #         peer.send(&message).ok();
//! #     }
//! # }
//!
//! sim::check(0..20, |world| {
//!     world.server("game", |node| async move {
//!         let runtime = node.start::<Multi>(Config::default())?;
//!         let _serving = runtime.serve_over(node.listener(), Echo); // your host
//!         node.forever().await
//!     });
//!     world.client("alice", |node| async move {
//!         let runtime = node.start::<Single>(Config::default())?;
//!         let mut client = runtime.supervise_over(node.dialer("game"), Credentials::token("alice"));
//!         client.send("hello").await?;
//!         node.healed().await; // from here on, what was promised must come true
//!         while let Some(update) = client.next().await {
//!             match update {
//!                 // It came back; or we know that it may not have arrived, or that we may not come back.
//!                 Update::Message(_) | Update::Undelivered(_) | Update::Ended(_) => return Ok(()),
//!                 _ => {}
//!             }
//!         }
//!         Err("nobody says what became of it".into())
//!     });
//! });
//! ```
//!
//! # What is simulated
//!
//! [`Fault`] lists what can go wrong: links that delay, cut at any byte, swallow in one direction or both, clog, trickle,
//! stay half open; dials that are refused or that nobody answers; processes that are killed and start again, or that stop for
//! a while and go on; timers that are late; strangers that say nothing, and such that replay what others said. Whatever of it
//! happens, tasks that are ready run in any order. [`Sim::rogue_client`] and [`Sim::rogue_server`] are peers that keep to no
//! protocol. A seed chooses its faults ([`Faults::swarm`]), or you do ([`Sim::faults`]).
//!
//! # What is checked
//!
//! After each step, of every runtime that a program [started](Node::start), without a word of yours: the grammar of events and
//! the table of phases; that nobody is locked out of a session that its server keeps, nor told of another end than the one
//! that was; one live session an identity; acknowledgements that never run ahead of the application; windows, counts of
//! strangers; deadlines that are kept and none that is left over; that whoever has something to write was woken; that whoever
//! slept declares nobody dead for it; that honest peers never break the protocol. At the end: every client came to its end in
//! bounded time, every session had exactly one end, and no task is left. What your own messages say is yours to check: assert
//! in your programs, or return an error.
//!
//! # When a seed fails
//!
//! [`check`] prints what is wrong, what happened to the session concerned, and one command that repeats it. The environment
//! variable `SESSILE_SEED` runs one seed and prints its whole timeline; `SESSILE_SEEDS`, as in `0..100000`, runs those instead
//! of the test's own.
//!
//! # What is not
//!
//! The kernel: real sockets, real clocks and real kills are for tests with processes. Code that blocks, sleeps on another
//! clock, or draws from another source of chance than [`Node::seed`] makes a life that no seed repeats. A program that is
//! killed runs its destructors, since nothing but a process can end without them; what they do reaches nobody.

mod check;
mod checks;
mod executor;
mod faults;
#[doc(hidden)]
pub mod grammar;
mod inject;
mod link;
mod node;
mod process;
mod report;
mod rogue;
mod sessions;
mod simulation;
mod stranger;
mod trace;
mod watch;
mod world;

pub use check::check;
pub use faults::{Fault, Faults};
pub use link::{SimDialer, SimLink};
pub use node::Node;
pub use report::{Failure, Report, Summary};
pub use simulation::Sim;
pub use world::Outcome;
