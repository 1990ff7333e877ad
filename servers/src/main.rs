//! `servers run -- COMMAND…`: runs a command with a Postgres and a Kafka of its own, named in its environment as
//! [`servers::shared`] expects them, and ends with the command's exit code.

mod run;

use std::process::ExitCode;

const USAGE: &str = "usage: servers run -- COMMAND [ARGUMENT…]";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, separator, program, rest @ ..] = arguments.as_slice() else {
        return usage();
    };
    if verb != "run" || separator != "--" {
        return usage();
    }
    run::run(program, rest).await.unwrap_or_else(|error| {
        eprintln!("servers: {error}");
        ExitCode::FAILURE
    })
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
