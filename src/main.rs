//! The command line: `paifang run --config site.toml`, and what an installer needs around it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use paifang::{
    app::daemon::Daemon,
    cli,
    config::{self, Site},
};

/// One daemon per site: decides who passes each lane, takes the money, loses nothing.
///
/// Begin with `paifang check --config site.toml`; `sites/example.toml` in the source explains every setting.
#[derive(Parser)]
#[command(
    version,
    after_help = "Logs go to standard error; PAIFANG_LOG sets what is told, such as info or paifang=debug."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the site until Ctrl-C or SIGTERM.
    Run {
        #[command(flatten)]
        site: SiteArg,
        /// Writes the log as JSON, one object a line.
        #[arg(long)]
        log_json: bool,
    },
    /// Checks the site file, the keys, the database and its journal; opens no barrier and asks no bank.
    Check {
        #[command(flatten)]
        site: SiteArg,
        /// Also replays the whole journal and compares it with the tables; takes longer.
        #[arg(long)]
        journal: bool,
        /// Prints the accounts and rules for a broker of your own (mosquitto's acl_file) instead.
        #[arg(long)]
        mosquitto_acl: bool,
    },
    /// Brings the database to this version's shape.
    Migrate {
        #[command(flatten)]
        site: SiteArg,
    },
    /// Accounts of operators.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Writes a consistent copy of the database while the site runs.
    Backup {
        #[command(flatten)]
        site: SiteArg,
        /// A file that does not exist yet.
        #[arg(long)]
        to: PathBuf,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Makes an account and prints its one-time password.
    Add {
        #[command(flatten)]
        site: SiteArg,
        /// 2 to 32 letters or digits.
        name: String,
    },
    /// Gives an account a new one-time password.
    Reset {
        #[command(flatten)]
        site: SiteArg,
        name: String,
    },
    /// Lists the accounts.
    List {
        #[command(flatten)]
        site: SiteArg,
    },
}

#[derive(clap::Args)]
struct SiteArg {
    /// The site file.
    #[arg(long, short, default_value = "site.toml")]
    config: PathBuf,
}

impl SiteArg {
    fn load(&self) -> anyhow::Result<Site> {
        Ok(config::load(&self.config)?)
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    match runtime().and_then(|runtime| runtime.block_on(execute(args.command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paifang: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime does not start")
}

async fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { site, log_json } => run(&site, log_json).await,
        Command::Check { site, journal, mosquitto_acl } => {
            cli::check(site.load()?, journal, mosquitto_acl).await
        }
        Command::Migrate { site } => cli::migrate(site.load()?).await,
        Command::User { command: UserCommand::Add { site, name } } => {
            cli::add_user(site.load()?, &name).await
        }
        Command::User { command: UserCommand::Reset { site, name } } => {
            cli::reset_user(site.load()?, &name).await
        }
        Command::User { command: UserCommand::List { site } } => {
            cli::list_users(site.load()?).await
        }
        Command::Backup { site, to } => cli::backup(site.load()?, &to).await,
    }
}

async fn run(site: &SiteArg, log_json: bool) -> anyhow::Result<()> {
    cli::start_log(log_json);
    let metrics = cli::start_metrics()?;
    let daemon = Daemon::start(site.load()?, metrics).await?;
    if let Some(password) = &daemon.first_password {
        println!(
            "First start: sign in at http://{}/console as admin, one-time password {password}",
            daemon.http
        );
    }
    cli::stop_signal().await;
    daemon.stop().await;
    Ok(())
}
