use std::{collections::BTreeMap, fmt, future::Future, sync::Arc, time::Duration};

use fastrand::Rng;

use super::{
    faults::Faults,
    inject::Plan,
    node::Node,
    process::{Process, Program, Role},
    report::{Failure, Report},
    watch::{Past, Watched},
    world::{ORIGIN, Outcome, World},
};

/// A world of processes in virtual time, made from one seed: the same seed, the same life.
///
/// Give it programs, each by a closure that is called at each start of its process, and [`run`](Self::run) it: the seed's
/// faults happen, then the world is healed, and every client's program must come to its end. Meanwhile everything that is
/// promised of sessions is checked, after every step.
///
/// [`check`](super::check) runs many. See the [module](super).
pub struct Sim {
    pub(super) seed: u64,
    pub(super) world: Arc<World>,
    pub(super) rng: Rng,
    pub(super) processes: Vec<Process>,
    pub(super) watched: Vec<Watched>,
    /// How acceptors' sessions ended, by their ids.
    pub(super) past: BTreeMap<u64, Past>,
    /// When acceptors' sessions were to be told that their server goes down.
    pub(super) leaving: BTreeMap<u64, Duration>,
    pub(super) faults: Faults,
    /// What is to happen at its time, in order.
    pub(super) plans: BTreeMap<(Duration, u64), Plan>,
    pub(super) planned: u64,
    pub(super) timers_late: bool,
    always: Vec<Box<dyn FnMut() -> Outcome>>,
    chaos_steps: u64,
    limit: Duration,
    recovery: Duration,
    steps: u64,
    /// Steps since time moved last.
    still: u64,
}

/// Steps with faults, where nobody asks for another number.
const CHAOS_STEPS: u64 = 20_000;

/// How long clients may take once the world is well: longer than the cap of the backoff and a login deadline together, several
/// times.
const LIMIT: Duration = Duration::from_secs(600);

/// Far more turns at one instant than anything needs that ends.
const STILL: u64 = 200_000;

impl Sim {
    /// An empty world. Its faults are the seed's own choice: [`Faults::swarm`].
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            world: World::new(seed),
            rng: Rng::with_seed(seed.wrapping_add(1)),
            processes: Vec::new(),
            watched: Vec::new(),
            past: BTreeMap::new(),
            leaving: BTreeMap::new(),
            faults: Faults::swarm(seed),
            plans: BTreeMap::new(),
            planned: 0,
            timers_late: false,
            always: Vec::new(),
            chaos_steps: CHAOS_STEPS,
            limit: LIMIT,
            recovery: Duration::ZERO,
            steps: 0,
            still: 0,
        }
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// A number for a choice that is made while the world is built: the same for the same seed.
    pub fn choice(&mut self, below: u64) -> u64 {
        self.rng.u64(..below.max(1))
    }

    /// These faults instead of the seed's choice.
    pub fn faults(&mut self, faults: Faults) -> &mut Self {
        self.faults = faults;
        self
    }

    /// How long faults happen, in steps: tasks that run, and moves of the clock. Default: 20,000, or until all clients are
    /// done.
    pub fn chaos(&mut self, steps: u64) -> &mut Self {
        self.chaos_steps = steps;
        self
    }

    /// How long clients may take once the world is healed. Default: 10 minutes of the world's time.
    pub fn limit(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// A server's process: others dial it by its name. It is stopped when all clients are done.
    pub fn server<F>(
        &mut self,
        name: &str,
        program: impl Fn(Node) -> F + Send + Sync + 'static,
    ) -> &mut Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.process(name, Role::Server, program)
    }

    /// A client's process. Its program must come to an end, at the latest some time after the world was
    /// [healed](Node::healed).
    pub fn client<F>(
        &mut self,
        name: &str,
        program: impl Fn(Node) -> F + Send + Sync + 'static,
    ) -> &mut Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.process(name, Role::Client, program)
    }

    /// Something of yours that must hold after every step.
    pub fn always(&mut self, holds: impl FnMut() -> Outcome + 'static) -> &mut Self {
        self.always.push(Box::new(holds));
        self
    }

    pub(super) fn process<F>(
        &mut self,
        name: &str,
        role: Role,
        program: impl Fn(Node) -> F + Send + Sync + 'static,
    ) -> &mut Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let program: Program = Arc::new(move |node| Box::pin(program(node)));
        self.processes.push(Process::new(name, role, program));
        self
    }

    /// Lives the life that the seed makes.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong, with what happened before it.
    ///
    /// # Panics
    ///
    /// Where a program does, or the library.
    pub fn run(mut self) -> Result<Report, Failure> {
        self.live().map_err(|(identity, what)| Failure {
            seed: self.seed,
            what,
            timeline: self.world.state().trace.timeline(identity.as_deref(), 80),
        })?;
        let state = self.world.state();
        Ok(Report {
            seed: self.seed,
            steps: self.steps,
            time: self.world.now(),
            recovery: self.recovery,
            trace_hash: state.trace.hash(),
            marks: state.trace.marks().clone(),
        })
    }

    fn live(&mut self) -> Checked {
        for index in 0..self.processes.len() {
            self.start(index);
        }
        let mut pause = self.faults.pause(&mut self.rng);
        while self.steps < self.chaos_steps && !self.clients_are_done()? {
            if !self.step()? {
                break;
            }
            match pause.checked_sub(1) {
                Some(less) => pause = less,
                None => {
                    self.inject()?;
                    pause = self.faults.pause(&mut self.rng);
                }
            }
        }
        self.heal();
        let healed = self.world.now();
        let end = healed + self.limit;
        while !self.clients_are_done()? {
            if self.world.now() > end || !self.step()? {
                let waiting: Vec<&str> = self
                    .processes
                    .iter()
                    .filter(|one| one.role == Role::Client && one.outcome().is_none())
                    .map(|one| &*one.name)
                    .collect();
                return fail(format!(
                    "the world is well, and these are not done: {}",
                    waiting.join(", ")
                ));
            }
        }
        self.recovery = self.world.now() - healed;
        self.wind_down()
    }

    /// Every server's program is dropped, and what is left comes to its end.
    fn wind_down(&mut self) -> Checked {
        self.say("all clients are done: servers stop");
        for process in &mut self.processes {
            if process.role == Role::Rogue {
                process.kill();
            }
        }
        self.processes.iter().for_each(Process::end);
        let end = self.world.now() + self.limit;
        while self.processes.iter().any(|one| !one.tasks.is_empty()) {
            if self.world.now() > end || !self.step()? {
                let left: Vec<&str> = self
                    .processes
                    .iter()
                    .filter(|one| !one.tasks.is_empty())
                    .map(|one| &*one.name)
                    .collect();
                return fail(format!("R5: tasks are left at {}", left.join(", ")));
            }
        }
        for watched in &self.watched {
            watched.grammar.finish().map_err(world)?;
        }
        Ok(())
    }

    /// Starts a process, again or for the first time.
    pub(super) fn start(&mut self, index: usize) {
        self.processes[index].start(index, &self.world);
        if self.processes[index].life > 1 {
            self.say_of(index, "starts again");
        }
    }

    /// The smallest thing that can happen next: one task runs until it waits, or, where all of them wait, time moves to
    /// whatever comes next. False where nothing can ever happen again.
    pub(super) fn step(&mut self) -> Result<bool, Wrong> {
        self.steps += 1;
        let all: usize = self.processes.iter().map(Process::ready).sum();
        if all == 0 {
            self.check_stillness()?;
            self.still = 0;
            return Ok(self.pass());
        }
        if all > 1 {
            self.world.state().trace.mark("order:chosen");
        }
        self.still += 1;
        if self.still > STILL {
            return fail("R4: tasks wake each other again and again, and no time passes".into());
        }
        let mut at = self.rng.usize(..all);
        for index in 0..self.processes.len() {
            let here = self.processes[index].ready();
            if at < here {
                let ran = self.processes[index].tasks.run_one(&mut self.rng);
                let now = self.world.now();
                let mut state = self.world.state();
                state.trace.ran(now, index, ran.unwrap_or_default());
                drop(state);
                self.check_process(index)?;
                if let Some(wrong) = self.world.state().wrong.take() {
                    return fail(wrong);
                }
                for holds in &mut self.always {
                    holds().map_err(|error| world(error.to_string()))?;
                }
                return Ok(true);
            }
            at -= here;
        }
        Ok(true)
    }

    /// Time moves to the next moment at which something is to happen. False where there is none.
    fn pass(&mut self) -> bool {
        let now = self.world.now();
        let woken = self.world.clock.next_deadline();
        let woken = woken.map(|at| at - ORIGIN);
        let planned = self.plans.first_key_value().map(|(&(at, _), _)| at);
        let Some(next) = woken.into_iter().chain(planned).min() else {
            return false;
        };
        let late = match self.timers_late && self.rng.bool() {
            true => Duration::from_micros(self.rng.u64(..100_000)),
            false => Duration::ZERO,
        };
        self.world.clock.advance(next.saturating_sub(now) + late);
        self.carry_out();
        true
    }

    fn clients_are_done(&self) -> Result<bool, Wrong> {
        let mut all = true;
        for process in &self.processes {
            match &*process.outcome() {
                Some(Err(error)) if process.role != Role::Rogue => {
                    return fail(format!("{} failed: {error}", process.name));
                }
                Some(_) => {}
                None => all &= process.role != Role::Client,
            }
        }
        Ok(all)
    }

    pub(super) fn say(&self, text: &str) {
        let now = self.world.now();
        self.world.state().trace.text(now, None, text.to_owned());
    }

    pub(super) fn say_of(&self, process: usize, text: &str) {
        let now = self.world.now();
        let who = Some(&self.processes[process].name);
        self.world.state().trace.text(now, who, text.to_owned());
    }
}

/// What is wrong: whose session it concerns, where it is one's, and what.
pub(super) type Wrong = (Option<String>, String);
pub(super) type Checked = Result<(), Wrong>;

pub(super) fn fail<T>(what: String) -> Result<T, Wrong> {
    Err((None, what))
}

fn world(what: String) -> Wrong {
    (None, what)
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.processes.iter().map(|one| &*one.name).collect();
        f.debug_struct("Sim")
            .field("seed", &self.seed)
            .field("processes", &names)
            .finish_non_exhaustive()
    }
}
