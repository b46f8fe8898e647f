use anyhow::{Context, ensure};

/// What `counts` has counted of one case, by how many sessions there were.
pub(crate) struct Counted {
    /// Sessions, and instructions.
    pub(crate) points: Vec<(u64, u64)>,
}

/// As `counts` names it; how many sessions follows.
const CASE: &str = "core: a due heartbeat @ ";

impl Counted {
    /// From a baseline: instructions, allocations and the name in each line.
    pub(crate) fn read(baseline: &str) -> anyhow::Result<Self> {
        let mut points = Vec::new();
        for line in baseline.lines() {
            let Some((figures, sessions)) = line.split_once(CASE) else {
                continue;
            };
            let instructions = figures.split_whitespace().next();
            let instructions = instructions.with_context(|| format!("no figure: {line}"))?;
            points.push((sessions.trim().parse()?, instructions.parse()?));
        }
        ensure!(points.len() > 1, "no line of \"{CASE}\", or one alone");
        points.sort_unstable();
        Ok(Self { points })
    }
}
