//! Plots: a bar for each server, on a logarithmic scale, for what it measures spans three powers of ten.

use std::path::Path;

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{measured::Measured, page::COSTS};

const WIDTH: u32 = 760;
const HEAD: u32 = 46;
const ROW: u32 = 30;
const LEFT: i32 = 130;
/// Of the longest bar, and what is kept free for its figure.
const LONGEST: f64 = 540.0;

const OTHERS: RGBColor = RGBColor(150, 160, 175);
const OURS: RGBColor = RGBColor(30, 110, 190);

/// A file for each cost.
pub(crate) fn draw(measured: &Measured, directory: &Path) -> anyhow::Result<()> {
    for (load, figure, title, digits) in COSTS {
        let median =
            |server: &String| Some((server.clone(), measured.median(server, load, figure)?));
        let bars: Vec<(String, f64)> = measured.servers.iter().filter_map(median).collect();
        let path = directory.join(format!("{load}-{figure}.svg"));
        bars_of(&path, title, digits, &bars)?;
    }
    Ok(())
}

fn bars_of(path: &Path, title: &str, digits: usize, bars: &[(String, f64)]) -> anyhow::Result<()> {
    let height = HEAD + ROW * bars.len() as u32 + 10;
    let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
    root.draw(&Text::new(
        format!("{title} (logarithmic)"),
        (10, 12),
        text(17),
    ))?;
    let floor = bars
        .iter()
        .map(|(_, value)| shown(*value))
        .fold(f64::MAX, f64::min);
    let most = bars
        .iter()
        .map(|(_, value)| shown(*value))
        .fold(f64::MIN, f64::max);
    // The shortest bar is visible; the scale begins at half of what it shows.
    let (begin, end) = ((floor / 2.0).ln(), most.ln());
    for (row, (server, value)) in bars.iter().enumerate() {
        let top = (HEAD + ROW * row as u32) as i32;
        let middle = top + ROW as i32 / 2;
        let length = LONGEST * (shown(*value).ln() - begin) / (end - begin);
        let right = LEFT + length as i32;
        let color = if server == "echo_server" {
            OURS
        } else {
            OTHERS
        };
        let corners = [(LEFT, top + 4), (right, top + ROW as i32 - 4)];
        root.draw(&Rectangle::new(corners, color.filled()))?;
        let label = if server == "echo_server" {
            "sessile"
        } else {
            server
        };
        let to_left = text(14).pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(label, (LEFT - 8, middle), to_left))?;
        let to_right = text(14).pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(
            format!("{value:.digits$}"),
            (right + 6, middle),
            to_right,
        ))?;
    }
    root.present()?;
    Ok(())
}

/// A logarithmic scale has no place for nothing.
fn shown(value: f64) -> f64 {
    value.max(0.01)
}
