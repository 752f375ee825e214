//! Parses, starts, waits, and maps the end to an exit code; the library is the program.

fn main() -> std::process::ExitCode {
    scout::cli::main()
}
