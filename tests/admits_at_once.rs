//! A program is asked about so many peers at once and no more; the others wait in line.

mod common;

use std::sync::{Arc, Mutex};

use common::{MS, SECOND, World};
use sessile::{
    Admission, Config, Credentials, Identity, Inbox, LoggedIn, LoginError, Multi, Offer, Reason,
    RejectCode, Rejection, Runtime, Session, admit_with,
};

/// What the program was asked, and what it waits for before it answers.
#[derive(Clone)]
struct Program {
    log: Arc<Mutex<Vec<String>>>,
    permits: async_channel::Receiver<()>,
    permit: async_channel::Sender<()>,
}

/// Notes that the judging of somebody is over, however it ended.
struct Judging(Program, String);

impl Drop for Judging {
    fn drop(&mut self) {
        self.0.note(&format!("-{}", self.1));
    }
}

impl Program {
    fn new() -> Self {
        let (permit, permits) = async_channel::unbounded();
        Self {
            log: Arc::default(),
            permits,
            permit,
        }
    }

    fn note(&self, what: &str) {
        self.log.lock().expect("no panic").push(what.to_owned());
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().expect("no panic"))
    }

    /// One of those who are judged is done.
    fn permit(&self, world: &World) {
        self.permit.try_send(()).expect("open");
        world.settle();
    }

    async fn judge(self, offer: Offer) -> Result<Admission<()>, Rejection> {
        let name = String::from_utf8(offer.credentials().to_vec()).expect("text");
        let judging = Judging(self, name);
        let Judging(program, name) = &judging;
        program.note(&format!("+{name}"));
        if name.starts_with("asked") {
            let answered = offer.challenge(b"who are you?").await;
            program.note(&format!("?{name}"));
            answered.map_err(|_| Rejection::bad_credentials())?;
        }
        if name == "never" {
            std::future::pending::<()>().await;
        }
        program.permits.recv().await.expect("open");
        assert_ne!(name, "panics");
        Ok(Identity::new(name).expect("short").into())
    }
}

type Login = smol::Task<Result<Session<LoggedIn>, LoginError>>;

struct Scene {
    world: World,
    program: Program,
    server: Runtime<Multi>,
    inbox: Inbox<()>,
}

impl Scene {
    fn new(at_once: usize) -> Self {
        let (world, program) = (World::new(), Program::new());
        let (server, _) = world.server(Config::new().admits_at_once(at_once));
        let judge = program.clone();
        let admit = admit_with(move |offer| judge.clone().judge(offer));
        let inbox = server.intake_over(world.network.listener(), admit);
        Self {
            world,
            program,
            server,
            inbox,
        }
    }

    /// Somebody logs in, and the server has heard of it.
    fn log_in(&self, name: &str) -> Login {
        let me = Credentials::token(name).answer_with(|_| b"me".to_vec());
        let login = self.world.connect(Config::new()).login(&me);
        let login = self.world.spawn(login);
        self.world.settle();
        login
    }

    fn refused(&self, login: Login) -> Reason {
        let error = self.world.run(login).expect_err("turned away");
        error.closed().reason()
    }
}

#[test]
fn no_more_than_so_many_are_judged_at_once_and_all_in_the_order_in_which_they_came() {
    let scene = Scene::new(2);
    let names = ["a", "b", "c", "d", "e"];
    let logins = names.map(|name| scene.log_in(name));
    assert_eq!(scene.program.log(), ["+a", "+b"]);
    for told in [["-a", "+c"], ["-b", "+d"], ["-c", "+e"]] {
        scene.program.permit(&scene.world);
        assert_eq!(scene.program.log(), told);
    }
    scene.program.permit(&scene.world);
    scene.program.permit(&scene.world);
    assert_eq!(scene.program.log(), ["-d", "-e"]);
    let sessions = logins.map(|login| scene.world.run(login).expect("admitted"));
    assert_eq!(scene.server.sessions().len(), sessions.len());
    // All places are free again.
    let _more = ["f", "g", "h"].map(|name| scene.log_in(name));
    assert_eq!(scene.program.log(), ["+f", "+g"]);
}

#[test]
fn a_panic_frees_its_place() {
    let scene = Scene::new(1);
    let (panics, next) = (scene.log_in("panics"), scene.log_in("b"));
    scene.program.permit(&scene.world);
    assert_eq!(scene.program.log(), ["+panics", "-panics", "+b"]);
    scene.program.permit(&scene.world);
    assert_eq!(scene.refused(panics), Reason::Refused);
    let _session = scene.world.run(next).expect("admitted");
}

#[test]
fn who_is_never_answered_for_is_dropped_at_its_deadline_and_who_waited_as_long_is_asked_about_by_nobody()
 {
    let scene = Scene::new(1);
    let first = [scene.log_in("never"), scene.log_in("as long")];
    scene.world.pass(3 * SECOND);
    let later = scene.log_in("later");
    scene.world.pass(2 * SECOND - MS);
    assert_eq!(scene.program.log(), ["+never"]);
    scene.world.pass(10 * MS);
    assert_eq!(scene.program.log(), ["-never", "+later"]);
    for login in first {
        assert_eq!(scene.refused(login), Reason::LoginTimedOut);
    }
    scene.program.permit(&scene.world);
    let _session = scene.world.run(later).expect("admitted");
    assert_eq!(scene.server.sessions().len(), 1);
}

#[test]
fn who_leaves_frees_its_place_at_once_and_leaves_the_line() {
    let scene = Scene::new(1);
    let [judged, waiting, last] = ["judged", "waiting", "last"].map(|name| scene.log_in(name));
    drop(waiting);
    scene.world.settle();
    assert_eq!(scene.program.log(), ["+judged"]);
    drop(judged);
    scene.world.settle();
    assert_eq!(scene.program.log(), ["-judged", "+last"]);
    scene.program.permit(&scene.world);
    let _session = scene.world.run(last).expect("admitted");
}

#[test]
fn who_is_asked_back_holds_nobody_up_and_goes_on_when_there_is_a_place() {
    let scene = Scene::new(1);
    scene.world.network.set_delay(50 * MS);
    // They dial first, so that both logins are on their way one behind the other.
    let dial = |name: &str| {
        let me = Credentials::token(name).answer_with(|_| b"me".to_vec());
        let dial = scene.world.client(Config::new());
        let dial = dial.connect_over(scene.world.network.dialer());
        let session = scene.world.run_within(SECOND, dial).expect("a network");
        move || session.login(&me)
    };
    let (asked, other) = (dial("asked"), dial("other"));
    let asked = scene.world.spawn(asked());
    scene.world.settle();
    let other = scene.world.spawn(other());
    scene.world.pass(60 * MS);
    assert_eq!(scene.program.log(), ["+asked", "+other"]);
    scene.world.pass(200 * MS);
    assert_eq!(
        scene.program.log(),
        [""; 0],
        "it has answered, and waits for a place"
    );
    scene.program.permit(&scene.world);
    assert_eq!(scene.program.log(), ["-other", "?asked"]);
    scene.program.permit(&scene.world);
    for login in [asked, other] {
        let _session = scene.world.run_within(SECOND, login).expect("admitted");
    }
}

#[test]
fn who_is_asked_back_and_says_nothing_is_dropped_at_its_deadline() {
    let scene = Scene::new(1);
    let silent = scene.world.connect(Config::new());
    let login = silent.login(&Credentials::token("asked")); // its owner has no answer, and does not look
    scene.world.settle();
    let next = scene.log_in("b");
    assert_eq!(scene.program.log(), ["+asked", "+b"]);
    scene.program.permit(&scene.world);
    let _session = scene.world.run(next).expect("admitted");
    scene.world.pass(5 * SECOND);
    let log = scene.program.log();
    assert_eq!(log[..2], ["-b", "?asked"]);
    drop(login);
    let _logins = ["c", "d"].map(|name| scene.log_in(name));
    assert_eq!(scene.program.log(), ["+c"], "there is one place, not two");
}

#[test]
fn who_waits_where_nobody_listens_any_more_hears_so_at_once() {
    let scene = Scene::new(1);
    let (judged, waiting) = (scene.log_in("judged"), scene.log_in("waiting"));
    drop(scene.inbox);
    scene.world.settle();
    let error = scene.world.run(waiting).expect_err("nobody listens");
    assert_eq!(error.closed().reason(), Reason::Refused);
    drop((judged, error));
    assert_eq!(scene.program.log(), ["+judged"]);
    drop(scene.server);
    scene.world.pass(10 * SECOND);
    assert!(scene.world.is_empty(), "a task is left");
}

#[test]
fn who_stands_in_line_when_the_server_goes_down_hears_so_at_once() {
    let scene = Scene::new(1);
    let here = scene.log_in("here"); // or the server would be down at once
    scene.program.permit(&scene.world);
    let _here = scene.world.run(here).expect("admitted");
    assert_eq!(scene.program.log(), ["+here", "-here"]);
    let (_judged, waiting) = (scene.log_in("judged"), scene.log_in("waiting"));
    let draining = scene.world.spawn(scene.server.drain(30 * SECOND));
    scene.world.settle();
    let error = scene.world.run(waiting).expect_err("it goes down");
    let code = error.rejection().expect("refused").code();
    assert_eq!(code, RejectCode::Draining);
    assert_eq!(scene.program.log(), ["+judged"]);
    drop(draining);
}
