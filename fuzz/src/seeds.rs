//! Inputs that are made, not found: the golden vectors, and every frame in every stage of a link. A fuzzer starts from them,
//! and whatever else a corpus holds, they are replayed.

use crate::vectors;

/// Every type of frame, by its name and by what `grammar::frame` has to be told to write it.
pub const FRAMES: [(&str, &[u8]); 16] = [
    ("LOGIN", &[0, 0, 0, 0, 6]),
    ("CHALLENGE", &[1, 1, 7]),
    ("ANSWER", &[2, 1, 7]),
    ("WELCOME", &[3, 0, 0, 0, 0, 6]),
    ("REFUSED", &[4]),
    ("RESUME", &[5]),
    ("RESUMED", &[7]),
    ("DATA", &[8]),
    ("VOLATILE", &[10]),
    ("ACK", &[11]),
    ("PING", &[13]),
    ("PONG", &[14]),
    ("CLOSE", &[15]),
    ("CLOSED", &[16]),
    ("EXTENSION", &[17]),
    ("GOAWAY", &[18]),
];

/// The stages of a link of a server, and what brings the newest link there.
pub const SERVER: [(&str, &[&[u8]]); 7] = [
    ("Greeting", &[LIMITS, ACCEPT]),
    ("Offered", &[LIMITS, ACCEPT, LOGIN]),
    ("Challenge", &[LIMITS, ACCEPT, LOGIN, CHALLENGE]),
    ("AwaitAnswer", &[LIMITS, ACCEPT, LOGIN, CHALLENGE, HEAR]),
    ("Welcome", &[LIMITS, ACCEPT, LOGIN, ADMIT]),
    (
        "Resumed",
        &[LIMITS, ACCEPT, LOGIN, ADMIT, HEAR, CUT, ACCEPT, RESUME],
    ),
    ("Open", &[LIMITS, ACCEPT, LOGIN, ADMIT, HEAR]),
];

/// The same of a client.
pub const CLIENT: [(&str, &[&[u8]]); 7] = [
    ("Quiet", &[LIMITS, FIRST_LINK]),
    ("Login", &[LIMITS, FIRST_LINK, ASK]),
    ("AwaitWelcome", &[LIMITS, FIRST_LINK, ASK, HEAR]),
    (
        "Answer",
        &[LIMITS, FIRST_LINK, ASK, HEAR, ASKED_BACK, ANSWER],
    ),
    (
        "Resume",
        &[LIMITS, FIRST_LINK, ASK, HEAR, WELCOME, CUT, WAIT, DIALED],
    ),
    (
        "AwaitResumed",
        &[
            LIMITS, FIRST_LINK, ASK, HEAR, WELCOME, CUT, WAIT, DIALED, HEAR,
        ],
    ),
    ("Open", &[LIMITS, FIRST_LINK, ASK, HEAR, WELCOME]),
];

// Deeds: which one, which link, and whatever it asks for then.
const LIMITS: &[u8] = &[0, 0];
const HEAR: &[u8] = &[9, 0];
const CUT: &[u8] = &[11, 0];
const ACCEPT: &[u8] = &[0, 0, 0];
/// Plausible, and not to be judged at once.
const LOGIN: &[u8] = &[1, 0, 0, 0, 0, 6, 0, 255];
const ADMIT: &[u8] = &[12, 0, 0, 0];
const CHALLENGE: &[u8] = &[12, 0, 0, 160];
const RESUME: &[u8] = &[2, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
/// The same as if nothing had arrived.
const RESUME_FROM_0: &[u8] = &[2, 0, 0, 5, 0, 0, 0, 0, 0, 208, 208, 0];
/// With the secret of nobody.
const RESUME_GUESSED: &[u8] = &[2, 0, 0, 5, 0, 240, 0, 0, 0, 0, 0, 0];
/// With the secret that was current two resumes ago.
const RESUME_OLD: &[u8] = &[2, 0, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0];
const FIRST_LINK: &[u8] = &[0, 1];
const ASK: &[u8] = &[0, 0, 1];
const ASKED_BACK: &[u8] = &[2, 0, 0, 1, 1, 7, 0];
const ANSWER: &[u8] = &[0, 0, 160];
const WELCOME: &[u8] = &[7, 0];
/// The application sends a message of 8 bytes, by a handle.
const SEND: &[u8] = &[14, 0, 0, 0, 4, 0];
const SEND_HERE: &[u8] = &[14, 0, 0, 4, 0];
const ACK: &[u8] = &[2, 0, 0, 11, 208, 0];
const RESUMED_FROM_0: &[u8] = &[2, 0, 0, 7, 0, 0, 208, 208, 0];
/// The same with the secret that was current before this one.
const RESUME_LAST: &[u8] = &[2, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 0];
const DATA: &[u8] = &[2, 0, 0, 8, 0, 0];
const CLOSE: &[u8] = &[2, 0, 0, 15, 0, 0, 0, 0];
const LET_GO: &[u8] = &[14, 0, 0, 18, 1];
const WAIT_LONG: &[u8] = &[13, 0, 4, 0];
const WAIT: &[u8] = &[13, 0, 3, 0];
const DIALED: &[u8] = &[1, 0, 200];
/// A frame, in the shortest of texts.
const FRAME: &[u8] = &[2, 0, 0];

/// The seeds of a target, by name.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "decoder" => golden(|limit| vec![limit]),
        "split" => golden(|limit| vec![limit, limit, 1, 2, 3, 5, 8, 13]),
        "server" => [in_stages(&SERVER), lives(&SERVERS)].concat(),
        "client" => [in_stages(&CLIENT), lives(&CLIENTS)].concat(),
        "pair" => vec![
            ("a-long-sleep".into(), vec![0, 21, 0, 3, 18]),
            ("a-resumed-that-is-lost".into(), LOST_RESUMED.to_vec()),
        ],
        _ => Vec::new(),
    }
}

/// A link breaks, time passes, another is made; RESUME is written and read, RESUMED is written, and the link breaks.
const LOST_RESUMED: &[u8] = &[
    0, 14, 0, 19, 0, 255, 16, 0, 8, 0, 11, 1, 255, 8, 1, 14, 0, 20, 0, 50,
];

/// Longer lives, for what no stage alone shows.
const SERVERS: [(&str, &[&[u8]]); 9] = [
    (
        "a-secret-that-was-replaced",
        &[
            LIMITS,
            ACCEPT,
            LOGIN,
            ADMIT,
            HEAR,
            ACK,
            CUT,
            ACCEPT,
            RESUME,
            HEAR,
            ACK,
            CUT,
            ACCEPT,
            RESUME_LAST,
        ],
    ),
    (
        "closed-with-mail",
        &[LIMITS, ACCEPT, LOGIN, ADMIT, HEAR, DATA, CLOSE],
    ),
    (
        "an-end-that-is-remembered",
        &[
            LIMITS, ACCEPT, LOGIN, ADMIT, HEAR, ACK, LET_GO, HEAR, WAIT, WAIT,
        ],
    ),
    (
        "never-proven",
        &[LIMITS, ACCEPT, LOGIN, ADMIT, HEAR, WAIT_LONG],
    ),
    (
        "its-own-ghost",
        &[LIMITS, ACCEPT, LOGIN, ADMIT, HEAR, ACCEPT, LOGIN, ADMIT],
    ),
    (
        "ends-before-it-repeats-itself",
        &[
            LIMITS,
            ACCEPT,
            LOGIN,
            ADMIT,
            HEAR,
            SEND,
            SEND,
            HEAR,
            CUT,
            ACCEPT,
            RESUME_FROM_0,
        ],
    ),
    (
        "repeats-itself",
        &[
            LIMITS,
            ACCEPT,
            LOGIN,
            ADMIT,
            HEAR,
            SEND,
            SEND,
            HEAR,
            CUT,
            ACCEPT,
            RESUME_FROM_0,
            HEAR,
        ],
    ),
    (
        "a-secret-that-was-guessed",
        &[
            LIMITS,
            ACCEPT,
            LOGIN,
            ADMIT,
            HEAR,
            CUT,
            ACCEPT,
            RESUME_GUESSED,
        ],
    ),
    (
        "a-secret-of-old",
        &[
            LIMITS, ACCEPT, LOGIN, ADMIT, HEAR, CUT, ACCEPT, RESUME, HEAR, ACK, CUT, ACCEPT,
            RESUME, HEAR, ACK, CUT, ACCEPT, RESUME_OLD,
        ],
    ),
];

const CLIENTS: [(&str, &[&[u8]]); 4] = [
    (
        "links-that-last-for-nothing",
        &[
            LIMITS, FIRST_LINK, ASK, HEAR, WELCOME, CUT, WAIT, DIALED, HEAR, CUT, WAIT, DIALED,
            HEAR, CUT, WAIT,
        ],
    ),
    (
        "closed-with-mail",
        &[LIMITS, FIRST_LINK, ASK, HEAR, WELCOME, DATA, CLOSE],
    ),
    (
        "ends-before-it-repeats-itself",
        &[
            LIMITS,
            FIRST_LINK,
            ASK,
            HEAR,
            WELCOME,
            SEND_HERE,
            SEND_HERE,
            HEAR,
            CUT,
            WAIT,
            DIALED,
            HEAR,
            RESUMED_FROM_0,
        ],
    ),
    (
        "repeats-itself",
        &[
            LIMITS,
            FIRST_LINK,
            ASK,
            HEAR,
            WELCOME,
            SEND_HERE,
            SEND_HERE,
            HEAR,
            CUT,
            WAIT,
            DIALED,
            HEAR,
            RESUMED_FROM_0,
            HEAR,
        ],
    ),
];

fn lives(lives: &[(&str, &[&[u8]])]) -> Vec<(String, Vec<u8>)> {
    let life = |(name, deeds): &(&str, &[&[u8]])| ((*name).to_owned(), deeds.concat());
    lives.iter().map(life).collect()
}

fn in_stages(stages: &[(&str, &[&[u8]])]) -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (stage, deeds) in stages {
        for (name, frame) in FRAMES {
            let bytes = [&deeds.concat()[..], FRAME, frame].concat();
            seeds.push((format!("{stage}-{name}"), bytes));
        }
    }
    seeds
}

/// The golden vectors, valid and invalid, behind what chooses their limit.
fn golden(head: impl Fn(u8) -> Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let texts = [
        include_str!("../../tests/vectors/frames.txt"),
        include_str!("../../tests/vectors/invalid.txt"),
    ];
    let vectors = texts.into_iter().flat_map(vectors::read);
    // A length is announced, and little follows.
    let announced = [&[0, 15, 0, 0, 0x10][..], &[0; 80]].concat();
    let announced = ("announced".to_owned(), [head(3), announced].concat());
    let vectors = vectors.map(|vector| {
        let limit = if vector.limit <= 4096 { 1 } else { 3 };
        (vector.name, [head(limit), vector.bytes].concat())
    });
    vectors.chain([announced]).collect()
}
