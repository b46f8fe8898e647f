//! The default mode holds wherever a session's type is written: a client's program never names it.

use sessile::{
    AnySession, Config, ConfigError, Connecting, Credentials, Ended, LoggedIn, Login, Multi, Peer,
    Resume, Runtime, Session, Single,
};

struct Fields {
    _session: Session<LoggedIn>,
    _any: AnySession,
    _resume: Option<Resume>,
    _runtime: Option<Runtime>,
}

type Outcome<T = Session<LoggedIn>> = Result<T, Ended>;

trait Talk {
    fn talk(&mut self) -> bool;
}

impl Talk for Session<LoggedIn> {
    fn talk(&mut self) -> bool {
        self.try_send("from a client").is_ok()
    }
}

impl Talk for Session<LoggedIn, Multi> {
    fn talk(&mut self) -> bool {
        self.try_send("from a server").is_ok()
    }
}

fn login(session: Session<Connecting>, me: &Credentials) -> Login {
    session.login(me)
}

fn paths(mut client: Session<LoggedIn>, mut server: Session<LoggedIn, Multi>) -> Vec<Peer<Single>> {
    let by_path = Session::<LoggedIn>::try_send(&mut client, "x").is_ok();
    let other_mode = Session::<LoggedIn, _>::try_send(&mut server, "x").is_ok();
    assert_eq!(Session::phase(&client), Session::phase(&server));
    let closure = |session: &mut Session<LoggedIn>| session.try_send("x").is_ok();
    assert!(by_path && other_mode && closure(&mut client) && client.talk() && server.talk());
    let partly: Option<Session<LoggedIn, _>> = Some(server);
    drop(partly);
    let all: Vec<Session<LoggedIn>> = vec![client];
    all.into_iter().map(|session| session.peer()).collect()
}

fn start() -> Result<(Runtime, Runtime<Multi>), ConfigError> {
    let client: Runtime = Runtime::start(Config::new())?;
    let server = Runtime::start(Config::new())?;
    drop(<Runtime>::start(Config::new())?);
    Ok((client, server))
}

pub fn main() {
    let _: Option<Fields> = None;
    let _: Option<Outcome> = None;
    let _ = (login, paths);
    drop(start().unwrap());
}
