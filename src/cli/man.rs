//! `scout man`: the manual, from the same source as `--help` and the table of configuration keys, so
//! that it cannot say anything else.
//!
//! To standard output goes one page with every command in it; into a directory go a page for the
//! program and one for each command.

mod sections;

use super::{Cli, SOFTWARE, fail, out};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Flags of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this directory instead, and print their names.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A directory that takes no pages.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
struct Unwritten {
    path: PathBuf,
    source: io::Error,
}

pub(super) fn run(args: &ManArgs) -> ExitCode {
    let written = match &args.dir {
        None => whole(&root()).map_err(|error| fail(SOFTWARE, &error)),
        Some(dir) => pages(&root(), dir).map_err(|error| fail(1, &error)),
    };
    match written {
        Ok(text) => out::data(&text, ExitCode::SUCCESS, ExitCode::FAILURE),
        Err(code) => code,
    }
}

/// The program with its visible commands, complete with what clap adds to them.
fn root() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    let commands = command.get_subcommands();
    commands.filter(|command| !command.is_hide_set())
}

/// One page with everything.
fn whole(root: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = manual(root.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    page.extend(b".SH COMMANDS\n");
    for command in visible(root) {
        chapter(command, &mut page)?;
    }
    page.extend(sections::common());
    Ok(retitled(root, page))
}

/// A command, and those below it, as subsections. The options of every command stand once, above.
fn chapter(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let everywhere = ["help", "version"];
    let own = command.clone().mut_args(|arg| {
        let hidden = arg.is_global_set() || everywhere.contains(&arg.get_id().as_str());
        let hidden = hidden || arg.is_hide_set();
        arg.hide(hidden)
    });
    let has_options = own.get_arguments().any(|arg| !arg.is_hide_set());
    let man = manual(own);
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if has_options {
        man.render_options_section(&mut text)?;
    }
    page.extend(format!(".SS \"{name}\"\n").into_bytes());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        // A heading of the command's own page is a paragraph here, where it is not one anyway.
        match line {
            b".SH DESCRIPTION\n" => page.extend(b".PP\n"),
            _ if line.starts_with(b".SH ") => {}
            line => page.extend(line),
        }
    }
    for command in visible(command) {
        chapter(command, page)?;
    }
    Ok(())
}

/// A page for each command; the names of the files, one a line.
fn pages(root: &Command, dir: &Path) -> Result<Vec<u8>, Unwritten> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Unwritten { path, source }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let mut names = Vec::new();
    let mut waiting = vec![root];
    while let Some(command) = waiting.pop() {
        let man = manual(command.clone());
        let path = dir.join(man.get_filename());
        let mut page = Vec::new();
        man.render(&mut page).map_err(failed(&path))?;
        page.extend(sections::common());
        fs::write(&path, retitled(command, page)).map_err(failed(&path))?;
        names.push(format!("{}\n", path.display()));
        waiting.extend(visible(command));
    }
    names.sort();
    Ok(names.concat().into_bytes())
}

/// The page with a title in which the date is left out by an empty word: the generator writes none at
/// all, and what stands behind it would be taken for the date (`groff_man(7)`, TH).
fn retitled(command: &Command, page: Vec<u8>) -> Vec<u8> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH \"{name}\" \"1\" \"\" \"scout {version}\" \"Scout\"\n");
    let lines = page.split_inclusive(|&byte| byte == b'\n');
    let lines = lines.map(|line| match line.starts_with(b".TH ") {
        true => title.as_bytes(),
        false => line,
    });
    lines.collect::<Vec<_>>().concat()
}

fn manual(command: Command) -> Man {
    Man::new(command)
}
