//! What every example has: arguments, an exit status, lines of output.

use std::{
    fmt::Display,
    io::{self, Write},
    path::Path,
    process::{self, ExitCode},
    time::Duration,
};

use lexopt::{Error, Parser, ValueExt};

/// Reads the arguments and runs. Whatever goes wrong becomes one line and an exit status: 2 for arguments that it does not
/// understand, 1 for everything else. `parse` says `None` where somebody asked for help.
pub(crate) fn main<Options>(
    help: &str,
    parse: impl FnOnce(&mut Parser) -> Result<Option<Options>, Error>,
    run: impl FnOnce(Options) -> anyhow::Result<()>,
) -> ExitCode {
    let mut parser = Parser::from_env();
    let options = parse(&mut parser);
    let name = Path::new(parser.bin_name().unwrap_or("example"));
    let name = name.file_name().unwrap_or_default().display();
    let options = match options {
        Ok(Some(options)) => options,
        Ok(None) => {
            print(help);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{name}: {error}; --help says what it understands");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The value of an option that is a number of milliseconds.
pub(crate) fn millis(parser: &mut Parser) -> Result<Duration, Error> {
    Ok(Duration::from_millis(parser.value()?.parse()?))
}

/// One line of output. A reader that has gone (`| head`) ends the program, as it does any other.
pub(crate) fn print(line: impl Display) {
    if writeln!(io::stdout(), "{line}").is_err() {
        process::exit(1);
    }
}
