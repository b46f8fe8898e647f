//! The load tool: what it says is true, and a server that is not honest is found out.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process, thread,
};

use serde_json::Value;

use crate::{
    ANY_PORT, SHORT,
    program::{Program, run},
};

/// Puts a load on a server; what came out for machines, and whether it was content.
fn load(load: &str, server: &str, pid: u32, arguments: &[&str]) -> (bool, String) {
    let pid = pid.to_string();
    let all = [load, "--connect", server, "--pid", &pid, "--json"];
    let (status, said) = run("load", &[&all, arguments].concat());
    (status.success(), said)
}

fn figures(said: &str) -> impl Fn(&str) -> f64 + use<> {
    let figures: Value = serde_json::from_str(said).expect(said);
    let said = said.to_owned();
    move |name| {
        figures[name]
            .as_f64()
            .unwrap_or_else(|| panic!("no {name}: {said}"))
    }
}

#[test]
fn help_of_the_load_tool_names_every_option() {
    let (status, help) = run("load", &["--help"]);
    assert!(status.success());
    for word in [
        "idle",
        "echo",
        "login",
        "storm",
        "--connect",
        "--pid",
        "--protocol",
        "--sessions",
        "--seconds",
        "--depth",
        "--bytes",
        "--heartbeat-ms",
        "--backoff-ms",
        "--json",
        "--help",
    ] {
        assert!(help.contains(word), "nothing of {word}");
    }
    for (arguments, code, why) in [
        (&["--nope"][..], 2, "'--nope'"),
        (&["idle"], 2, "missing option"),
        (&["nothing"], 2, "neither idle nor echo"),
        (
            &["storm", "--protocol", "raw", "--connect", "x", "--pid", "1"],
            2,
            "only sessions of sessile",
        ),
        (&["echo", "--bytes", "7"], 2, "--bytes"),
        (
            &["idle", "--connect", "nonsense", "--pid", "self"],
            2,
            "\"self\"",
        ),
    ] {
        let (status, said) = run("load", arguments);
        assert_eq!(status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
}

#[test]
fn every_load_on_an_echo_server_says_what_it_costs() {
    let (server, at) = Program::listen("echo_server", ANY_PORT, &SHORT);
    let of = |name, arguments: &[&str]| {
        let (content, said) = load(name, &at, server.id(), arguments);
        assert!(content, "{name}: {said}");
        figures(&said)
    };
    let idle = of("idle", &["--sessions", "20", "--seconds", "1"]);
    // One exchange in 100 ms of each, or two where both sides begin one; a machine that is busy makes it fewer.
    let beats = idle("heartbeat_rate");
    assert!((20.0..=450.0).contains(&beats), "{beats} a second");
    assert!(idle("heartbeat_cpu_us") > 0.0);

    let echo = of(
        "echo",
        &["--sessions", "20", "--seconds", "1", "--depth", "3"],
    );
    assert_eq!((echo("lost"), echo("duplicated")), (0.0, 0.0));
    let on_their_way = echo("echo_rate") * echo("echo_p50_us") / 1e6;
    assert!(
        (6.0..600.0).contains(&on_their_way),
        "of 60 messages {on_their_way} are on their way"
    );

    // Each is longer than what a read takes at once, and three of them are all that a window holds.
    let long = [
        "--sessions",
        "3",
        "--seconds",
        "1",
        "--depth",
        "3",
        "--bytes",
        "300000",
    ];
    let long = of("echo", &long);
    assert_eq!((long("lost"), long("duplicated")), (0.0, 0.0));
    assert!(long("echo_mib_rate") > long("echo_rate") / 4.0);

    let login = of("login", &["--sessions", "300"]); // more than it dials at once
    assert_eq!(login("sessions"), 300.0);
    assert!(login("login_cpu_us") > 0.0);

    let storm = of("storm", &["--sessions", "60", "--backoff-ms", "200"]);
    assert_eq!((storm("lost"), storm("duplicated")), (0.0, 0.0));
    // Every second session has eight messages that it did not even write.
    assert!(storm("storm_replayed") >= 30.0 * 8.0);
    assert!(storm("storm_whole_s") >= storm("storm_s"));
}

/// What becomes of each session's message number 5.
#[derive(Clone, Copy, PartialEq)]
enum Trick {
    None,
    Loses,
    Repeats,
    Invents,
}

#[test]
fn a_server_that_loses_repeats_or_invents_is_found_out() {
    for trick in [Trick::None, Trick::Loses, Trick::Repeats, Trick::Invents] {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let at = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                thread::spawn(move || serve(socket, trick));
            }
        });
        let arguments = [
            "--protocol",
            "raw",
            "--sessions",
            "3",
            "--seconds",
            "1",
            "--depth",
            "4",
        ];
        let (content, said) = load("echo", &at, process::id(), &arguments);
        match trick {
            Trick::None => assert!(content, "{said}"),
            Trick::Loses | Trick::Repeats => {
                assert!(
                    !content && said.contains("messages were lost or came twice"),
                    "{said}"
                );
            }
            Trick::Invents => assert!(!content && said.contains("that nobody sent"), "{said}"),
        }
    }
}

fn serve(mut socket: TcpStream, trick: Trick) -> io::Result<()> {
    let mut length = [0; 4];
    loop {
        socket.read_exact(&mut length)?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        socket.read_exact(&mut frame)?;
        let is_fifth = frame.first_chunk() == Some(&5_u64.to_be_bytes());
        let times = match trick {
            Trick::Loses if is_fifth => 0,
            Trick::Repeats if is_fifth => 2,
            _ => 1,
        };
        if trick == Trick::Invents && is_fifth {
            frame[..8].copy_from_slice(&u64::MAX.to_be_bytes());
        }
        for _ in 0..times {
            socket.write_all(&length)?;
            socket.write_all(&frame)?;
        }
    }
}
