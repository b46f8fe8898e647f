//! Plots: a bar for each server, on a logarithmic scale, for what it measures spans three powers of ten; and what a due heartbeat costs, by
//! how many sessions there are.

use std::path::Path;

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{counted::Counted, measured::Measured, page::COSTS};

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

/// What a case costs against how many sessions there are: from nothing, so that flat looks flat.
pub(crate) fn draw_counted(counted: &Counted, directory: &Path) -> anyhow::Result<()> {
    let path = directory.join("due-heartbeat_instructions.svg");
    let root = SVGBackend::new(&path, (WIDTH, WIDTH / 2)).into_drawing_area();
    root.fill(&WHITE)?;
    let sessions = counted.points.iter().map(|(sessions, _)| *sessions);
    let least = sessions.clone().min().unwrap_or(1);
    let most = sessions.max().unwrap_or(1).max(least + 1);
    let highest = counted.points.iter().map(|(_, cost)| *cost).max();
    let mut chart = ChartBuilder::on(&root)
        .caption(
            "Instructions of a due heartbeat, by number of sessions",
            ("sans-serif", 17),
        )
        .margin(14)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d((least..most).log_scale(), 0..highest.unwrap_or(1) * 5 / 4)?;
    chart.configure_mesh().disable_x_mesh().draw()?;
    let points = || counted.points.iter().copied();
    chart.draw_series(LineSeries::new(points(), OURS.stroke_width(2)))?;
    chart.draw_series(points().map(|point| Circle::new(point, 4, OURS.filled())))?;
    root.present()?;
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
