//! A shop and its customers in simulated worlds that break: who counts orders twice is found out.
//!
//! A customer sends orders. Where its session ends, it gets back what may not have arrived, and orders that again in the next
//! session. Those are marked `Unknown`: they may have arrived all the same, so the shop must know each order by its number.
//! A careless shop does not.
//!
//! ```console
//! cargo run --release --features sim --example simulation -- --careless
//! ```

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use lexopt::prelude::*;
use sessile::{
    Admission, Admit, Closed, Config, ConfigError, Credentials, Host, Identity, Message, Multi,
    Offer, Rejection, Single, Turn, Undelivered, Update,
    sim::{Node, Outcome, Sim},
};
use smol::future::FutureExt;

const HELP: &str = "\
A shop and its customers in simulated worlds that break.

Usage: simulation [options]

  --seeds FROM..TO   the worlds to live (default: 0..500)
  --careless         the shop counts whatever it hears
  --help             this text
";

const ORDERS: u64 = 20;

/// What the shop has on disk: how often each order of each customer was counted. It outlives the shop's process.
type Books = Arc<Mutex<BTreeMap<(String, u64), u32>>>;

struct Shop {
    books: Books,
    careless: bool,
}

impl Admit for Shop {
    type Peer = String;

    async fn admit(&self, offer: &Offer) -> Result<Admission<String>, Rejection> {
        let name = String::from_utf8_lossy(offer.credentials()).into_owned();
        let who = Identity::new(&name).map_err(|_| Rejection::bad_credentials())?;
        Ok(Admission::new(who, name))
    }
}

impl Host for Shop {
    fn on_message(&self, customer: &mut Turn<'_, String>, message: Message<'_>) {
        let Ok(order) = message.as_ref().try_into().map(u64::from_be_bytes) else {
            return customer.close("that is no order");
        };
        let mut books = self.books.lock().expect("nobody panics while writing");
        let counted = books.entry((customer.state().clone(), order)).or_default();
        if *counted == 0 || self.careless {
            *counted += 1;
        }
        drop(books);
        let _ = customer.send(&message); // the receipt
    }

    fn on_end(&self, _: String, _: Closed, _: Vec<Undelivered>) {}
}

/// Orders everything once, and goes home when it has all the receipts.
async fn customer(node: Node) -> Outcome {
    let connect = || {
        let runtime = node.start::<Single>(Config::new())?;
        let me = Credentials::token(node.name());
        Ok::<_, ConfigError>(runtime.supervise_over(node.dialer("shop"), me))
    };
    let mut client = connect()?;
    let mut to_order: VecDeque<u64> = (0..ORDERS).collect();
    let mut receipts = BTreeSet::new();
    while (receipts.len() as u64) < ORDERS {
        if let Some(&order) = to_order.front()
            && client.try_send(&order.to_be_bytes()).is_ok()
        {
            to_order.pop_front();
        }
        let pause = node.sleep(Duration::from_millis(700));
        let update = async { client.next().await }.or(async {
            pause.await;
            Some(Update::Lagged(0))
        });
        match update.await {
            Some(Update::Message(receipt)) => {
                let order = u64::from_be_bytes(receipt.as_ref().try_into()?);
                receipts.insert(order);
            }
            // Whether they arrived or not: the shop knows an order by its number.
            Some(Update::Undelivered(left)) => {
                for one in left {
                    to_order.push_back(u64::from_be_bytes(one.message().as_ref().try_into()?));
                }
            }
            // Our own earlier process may have thrown us out, by a login that was read late. This program may try again.
            Some(Update::Ended(_)) | None => {
                node.sleep(Duration::from_secs(2)).await;
                client = connect()?;
            }
            Some(_) => {}
        }
        // A receipt that was lost with its session is asked for again.
        if to_order.is_empty() && node.is_healed() {
            to_order.extend((0..ORDERS).filter(|order| !receipts.contains(order)));
        }
    }
    Ok(())
}

fn world(sim: &mut Sim, careless: bool, books: Books) {
    let shop_books = Arc::clone(&books);
    sim.server("shop", move |node| {
        let books = Arc::clone(&shop_books);
        async move {
            let runtime = node.start::<Multi>(Config::new())?;
            let _serving = runtime.serve_over(node.listener(), Shop { books, careless });
            node.forever().await
        }
    });
    for name in ["alice", "bob", "carol"] {
        sim.client(name, customer);
    }
    // Yours, after every step: nothing is counted twice.
    sim.always(move || {
        let books = books.lock().expect("nobody panics while writing");
        match books.iter().find(|(_, counted)| **counted > 1) {
            Some(((who, order), counted)) => {
                Err(format!("order {order} of {who} was counted {counted} times").into())
            }
            None => Ok(()),
        }
    });
}

fn main() -> Result<ExitCode, lexopt::Error> {
    let (mut seeds, mut careless) = (0..500, false);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("careless") => careless = true,
            Long("seeds") => {
                let range = arguments.value()?.string()?;
                let (from, to) = range
                    .split_once("..")
                    .ok_or("--seeds wants a range: 0..500")?;
                seeds = from.parse().map_err(|_| "--seeds wants numbers")?
                    ..to.parse().map_err(|_| "--seeds wants numbers")?;
            }
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(other.unexpected()),
        }
    }
    let (mut lives, mut faults, mut orders, mut time) = (0, 0, 0, Duration::ZERO);
    for seed in seeds {
        let (mut sim, books) = (Sim::new(seed), Books::default());
        world(&mut sim, careless, Arc::clone(&books));
        match sim.run() {
            Ok(report) => {
                let marks = report.marks.iter();
                let struck = marks.filter(|(mark, _)| mark.starts_with("fault:"));
                faults += struck.map(|(_, count)| count).sum::<u64>();
                orders += books.lock().expect("nobody panics while writing").len();
                lives += 1;
                time += report.time;
            }
            Err(failure) => {
                println!("{failure}\nto see it again: --seeds {seed}..{}", seed + 1);
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    println!("worlds lived              {lives:>10}");
    println!(
        "time that passed in them  {:>10.1} hours",
        time.as_secs_f64() / 3_600.0
    );
    println!("faults in them            {faults:>10}");
    println!("orders, each counted once {orders:>10}");
    Ok(ExitCode::SUCCESS)
}
