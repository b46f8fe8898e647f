//! A proxy, or a load tool: thousands of `Runtime<Single>` in one process share an executor and a timer, no thread each.
//!
//! Alone in its file, since it counts the threads of its process.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use sessile::{
    Admission, Admit, Client, Config, Credentials, Host, Message, Multi, Offer, Phase, Rejection,
    Runtime, Single, Turn, Update, transport::memory::Network,
};
use smol::Executor;

const CLIENTS: usize = 2_000;
const HEARTBEAT: Duration = Duration::from_millis(250);

struct Echo;

impl Admit for Echo {
    type Peer = ();

    async fn admit(&self, offer: &Offer) -> Result<Admission<()>, Rejection> {
        let number = offer.credentials().try_into().map(u64::from_be_bytes);
        let number = number.map_err(|_| Rejection::bad_credentials())?;
        Ok(number.into())
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        peer.send(&message).expect("the first answer goes");
    }
}

async fn message(client: &mut Client) -> Message<'static> {
    loop {
        match client.next().await.expect("a client that goes on") {
            Update::Message(message) => return message,
            Update::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn threads() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"));
    line.map_or(0, |count| count.trim().parse().expect("a number"))
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what it is about"
)]
fn two_thousand_clients_in_one_process_share_an_executor_and_a_timer() {
    let began = Instant::now();
    let executor: Arc<Executor<'static>> = Arc::new(Executor::new());
    let network = Network::new();
    let config = Config::new()
        .heartbeat_interval(HEARTBEAT)
        .lease(Duration::from_secs(30))
        .pending_logins(CLIENTS)
        .early_drop(100);
    let server =
        Runtime::<Multi>::start_on(config.clone(), Arc::clone(&executor)).expect("it starts");
    let _serving = server.serve_over(network.listener(), Echo);
    let client = |number: usize| {
        let runtime = Runtime::<Single>::start_on(config.clone(), Arc::clone(&executor));
        let me = Credentials::bytes((number as u64).to_be_bytes());
        runtime
            .expect("it starts")
            .supervise_over(network.dialer(), me)
    };
    let ask = |mut client: Client, number: usize| async move {
        let number = number.to_be_bytes();
        client.send(&number).await.expect("a session");
        assert_eq!(*message(&mut client).await, number);
        client
    };
    smol::block_on(executor.run(async {
        // The first one brings what all share: the thread that waits for timers.
        let first = ask(client(CLIENTS), CLIENTS).await;
        let before = threads();
        let clients = join_all((0..CLIENTS).map(|number| ask(client(number), number))).await;
        assert_eq!(server.sessions().len(), CLIENTS + 1);
        // Nobody polls them; their hearts beat, one for each.
        smol::Timer::after(HEARTBEAT * 3).await;
        for client in &clients {
            let peer = client.peer();
            assert_eq!(peer.phase(), Phase::LoggedIn);
            assert!(
                peer.round_trip().is_some(),
                "{peer:?} never had an answer to its heartbeat"
            );
        }
        assert_eq!(threads(), before, "{CLIENTS} clients more, and no thread");
        drop(first);
    }));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}
