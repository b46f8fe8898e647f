//! Reads what `benches/compare` measured and makes a page of it: medians of all rounds, ratios, and plots.

mod counted;
mod measured;
mod page;
mod plots;

use std::{fs, path::PathBuf};

use anyhow::Context;
use counted::Counted;
use lexopt::{Arg, Parser, ValueExt};
use measured::Measured;

const HELP: &str = "\
Makes a page of what benches/compare measured: medians of all rounds, ratios to one of the servers, plots.

Usage: table --data FILE --about TEXT [--page FILE --plots DIRECTORY --counts FILE]

  --data FILE         a line for each load on each server in each round, as benches/compare writes it
  --about TEXT        when, where and with what it was measured; goes above the table
  --page FILE         where the table goes, between the two comments that mark its place; else it is printed
  --plots DIRECTORY   where the plots go
  --counts FILE       a baseline of counts: one plot more, of what a due heartbeat costs
  -h, --help          this text";

fn main() -> anyhow::Result<()> {
    let (mut data, mut about, mut page) = (None, None, None);
    let (mut plots, mut counts) = (None, None);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("data") => data = Some(PathBuf::from(parser.value()?)),
            Arg::Long("about") => about = Some(parser.value()?.string()?),
            Arg::Long("page") => page = Some(PathBuf::from(parser.value()?)),
            Arg::Long("plots") => plots = Some(PathBuf::from(parser.value()?)),
            Arg::Long("counts") => counts = Some(PathBuf::from(parser.value()?)),
            Arg::Short('h') | Arg::Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    let data = data.context("missing option '--data'")?;
    let text = fs::read_to_string(&data).with_context(|| data.display().to_string())?;
    let measured = Measured::read(&text)?;
    let block = page::block(&measured, &about.context("missing option '--about'")?)?;
    if let Some(plots) = plots {
        fs::create_dir_all(&plots)?;
        plots::draw(&measured, &plots)?;
        if let Some(counts) = counts {
            let text = fs::read_to_string(&counts).with_context(|| counts.display().to_string())?;
            plots::draw_counted(&Counted::read(&text)?, &plots)?;
        }
    }
    match page {
        None => println!("{block}"),
        Some(page) => {
            let place = || page.display().to_string();
            let old = fs::read_to_string(&page).with_context(place)?;
            let new = page::put(&old, &block).with_context(place)?;
            fs::write(&page, new).with_context(place)?;
        }
    }
    Ok(())
}
