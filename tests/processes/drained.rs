//! A server that goes down in order, in mid-traffic: SIGTERM, and two seconds for everybody.

use std::{fs, path::Path, thread, time::Duration};

use super::{
    checker::{self, Log},
    journal::{Journal, What},
    process::{Client, Server, micros},
    proxy::Proxy,
};

/// How long clients have to leave.
const DEADLINE: Duration = Duration::from_secs(2);

/// Answers that each of them has had before, and has again after.
const TRAFFIC: u64 = 100;

/// Longer than anything takes, on a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(60);

const CLIENTS: usize = 3;

/// Two clients that stay until the end, and one, the library's own, that goes where it is sent.
#[test]
fn a_server_that_is_told_to_end_lets_everybody_go_and_loses_nothing() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("processes/drained");
    fs::remove_dir_all(&place).ok();
    fs::create_dir_all(&place).expect("a place for logs");
    let next = Server::start(&place.join("server-1"));
    let (deadline, to) = (DEADLINE.as_millis().to_string(), next.address.to_string());
    let drain = ["--drain-ms", &deadline, "--redirect", &to];
    let old = Server::start_with(&place.join("server-0"), &drain);
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| {
            let proxy = Proxy::open();
            proxy.lead_to(Some(old.address));
            let mut client = Client::new(number, proxy);
            client.start(&place.join(format!("client-{number}")));
            client
        })
        .collect();
    traffic(&mut clients);

    old.program.signal("TERM");
    let (old, printed) = old.has_ended();
    let numbers = printed_numbers(&printed);
    let Some(&[draining, left, closed, cut, took]) = numbers.last_chunk() else {
        panic!("it printed:\n{printed}")
    };
    assert_eq!(
        (draining, left, closed, cut),
        (3.0, 1.0, 2.0, 0.0),
        "{printed}"
    );
    assert!((2.0..=3.0).contains(&took), "{printed}");
    let reasons: Vec<&str> = ends(&old);
    assert_eq!(reasons.iter().filter(|why| **why == "Draining").count(), 2);
    assert_eq!(
        reasons.iter().filter(|why| **why == "ClosedByPeer").count(),
        1
    );

    // Those who were not sent anywhere come back by their own address, where the next one is by now.
    for client in &clients {
        client.proxy.lead_to(Some(next.address));
    }
    traffic(&mut clients);
    let clients: Vec<Journal> = clients.iter_mut().map(Client::end).collect();
    let next = next.end();
    let log = |journal: &Journal| -> Vec<_> { journal.entries.clone() };
    let all: Vec<Vec<_>> = clients.iter().chain([&old, &next]).map(log).collect();
    let logs: Vec<Log<'_>> = all
        .iter()
        .map(|entries| Log {
            entries,
            killed: false,
        })
        .collect();
    let verdict = checker::check(&logs[..CLIENTS], &logs[CLIENTS..]);
    let violations: Vec<String> = verdict.violations.iter().map(ToString::to_string).collect();
    assert!(
        violations.is_empty(),
        "logs are kept in {}:\n{}",
        place.display(),
        violations.join("\n")
    );
    assert_eq!(verdict.sums.sessions, 6, "three at each server");
    assert!(verdict.sums.delivered >= 12 * TRAFFIC, "{:?}", verdict.sums);
    println!("{:?}, {took} s", verdict.sums);
    fs::remove_dir_all(&place).ok();
}

/// Everybody is answered so many times more.
fn traffic(clients: &mut [Client]) {
    let got = |client: &Client| client.view().expect("it runs").got;
    let before: Vec<u64> = clients.iter().map(got).collect();
    let begin = micros();
    loop {
        clients.iter_mut().for_each(Client::read_on);
        let mut now = clients.iter().map(got).zip(&before);
        if now.all(|(now, before)| now >= before + TRAFFIC) {
            return;
        }
        if micros() - begin > LIMIT.as_micros() as u64 {
            let printed: Vec<String> = clients.iter_mut().map(Client::last_words).collect();
            panic!("no traffic; clients printed {printed:?}");
        }
        thread::sleep(Duration::from_millis(3));
    }
}

/// The last word that is a number, of each line that has one.
fn printed_numbers(printed: &str) -> Vec<f64> {
    let number = |line: &str| line.split_whitespace().find_map(|word| word.parse().ok());
    printed.lines().filter_map(number).collect()
}

fn ends(journal: &Journal) -> Vec<&str> {
    let ended = journal
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Ended { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
    ended.collect()
}
