//! The command line: `paifang run --config site.toml`, and what an installer needs around it.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Parser, Subcommand};
use paifang::{
    app::daemon::Daemon,
    cli,
    config::{self, Site},
    types::Role,
};

/// It ran, and what it looked at is not in order.
const NOT_WELL: u8 = 2;
/// How long the first-run page listens for cameras.
const LISTEN_S: u64 = 60;

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
    /// Asks what the site is like, listens for cameras, writes the site file and starts. Overwrites nothing.
    Init {
        #[command(flatten)]
        site: SiteArg,
        /// Asks on a page in a browser, at this address; its link, with a one-time key, is printed.
        #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8079")]
        page: Option<SocketAddr>,
        /// Where cameras are asked to announce themselves (ONVIF).
        #[arg(long, hide = true, default_value_t = paifang::io::onvif::EVERYBODY)]
        announce: SocketAddr,
        /// How long to listen for cameras, 1 to 600 s.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
    },
    /// Runs the site until Ctrl-C or SIGTERM. Without a site file it serves the first-run page, which writes one.
    Run {
        #[command(flatten)]
        site: SiteArg,
        /// Writes the log as JSON, one object a line.
        #[arg(long)]
        log_json: bool,
        /// Where the first-run page is served; its link, with a one-time key, is printed.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8079")]
        first_run: SocketAddr,
    },
    /// Tells whether the running site serves vehicles; ends with 2 where it does not.
    Ready {
        #[command(flatten)]
        site: SiteArg,
    },
    /// The running site reads tariffs, calendar, products and price lists anew; with a mistake nothing changes.
    Reload {
        #[command(flatten)]
        site: SiteArg,
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
    /// Tokens of programs that use `/api/v1`.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// The devices of the running site.
    Device {
        #[command(subcommand)]
        command: DeviceCommand,
    },
    /// Prices: checked, asked, explained, drawn, compared.
    Tariff {
        #[command(subcommand)]
        command: cli::tariff::TariffCommand,
    },
    /// Tickets and their keys: issued, looked at, verified, revoked; keys made anew and given to other verifiers.
    Ticket {
        #[command(subcommand)]
        command: cli::ticket::TicketCommand,
    },
    /// The bank's statements, for those that come as files.
    Statement {
        #[command(subcommand)]
        command: StatementCommand,
    },
    /// Holds the kept statements of a day against the ledger once more. Ends with 2 where something does not fit.
    Reconcile {
        #[command(flatten)]
        site: SiteArg,
        /// Such as 2026-11-23.
        day: jiff::civil::Date,
    },
    /// Closes a day in the running daemon's ledger: posts what the banks kept. Ends with 2 where something is open.
    Settle {
        #[command(flatten)]
        site: SiteArg,
        day: jiff::civil::Date,
    },
    /// The ledger.
    Ledger {
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Copies the database, the keys and the statements to a folder while the site runs. Keep it private.
    Backup {
        #[command(flatten)]
        site: SiteArg,
        /// A folder that does not exist yet.
        #[arg(long)]
        to: PathBuf,
    },
    /// Makes the site's data folder out of a back-up. The daemon is stopped and the folder is not there or empty.
    Restore {
        #[command(flatten)]
        site: SiteArg,
        /// What `backup` made.
        #[arg(long)]
        from: PathBuf,
    },
}

#[derive(Subcommand)]
enum StatementCommand {
    /// Keeps a statement and holds it against the ledger; the same file twice changes nothing.
    Import {
        #[command(flatten)]
        site: SiteArg,
        file: PathBuf,
        /// The bank channel, as in the site file.
        #[arg(long)]
        channel: String,
        /// The settlement day it is of.
        #[arg(long)]
        day: jiff::civil::Date,
    },
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Adds everything up; ends with 2 where it does not sum to zero.
    Check {
        #[command(flatten)]
        site: SiteArg,
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
        /// What it may do: owner, manager, booth, gate, accountant or installer.
        #[arg(long, default_value = "booth")]
        role: Role,
    },
    /// Gives an account another role.
    Role {
        #[command(flatten)]
        site: SiteArg,
        name: String,
        #[arg(long)]
        role: Role,
    },
    /// Signs an account out everywhere and lets it sign in no more.
    Disable {
        #[command(flatten)]
        site: SiteArg,
        name: String,
    },
    /// Lets a disabled account sign in again.
    Enable {
        #[command(flatten)]
        site: SiteArg,
        name: String,
    },
    /// Gives an account a new one-time password.
    Reset {
        #[command(flatten)]
        site: SiteArg,
        name: String,
    },
    /// Lists the accounts with their roles and whether they can sign in.
    List {
        #[command(flatten)]
        site: SiteArg,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Makes a token and prints it once.
    Add {
        #[command(flatten)]
        site: SiteArg,
        /// The program: 1 to 32 of a-z, 0-9 and '-'.
        name: String,
        /// What it may do, such as stays:read,lanes:operate.
        #[arg(long, required = true, value_delimiter = ',')]
        scopes: Vec<String>,
    },
    /// Lists the programs with what they may do.
    List {
        #[command(flatten)]
        site: SiteArg,
    },
    /// Takes a program's token back.
    Revoke {
        #[command(flatten)]
        site: SiteArg,
        name: String,
    },
}

#[derive(Subcommand)]
enum DeviceCommand {
    /// How each device is: last heard, answer times, errors, clock, firmware.
    List {
        #[command(flatten)]
        site: SiteArg,
    },
    /// Shows what devices say as they say it; plates are masked.
    Watch {
        #[command(flatten)]
        site: SiteArg,
    },
    /// Does what is harmless with one device: asks its inputs, position or clock, or shows a line of text.
    Test {
        #[command(flatten)]
        site: SiteArg,
        name: String,
        /// Opens its arm instead, on record. Look first that nobody stands there.
        #[arg(long = "move")]
        moves: bool,
    },
    /// Shows who speaks that the site file does not name, and which profile understands it.
    Learn {
        #[command(flatten)]
        site: SiteArg,
        /// How long to listen, 1 to 600.
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
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
        Ok(code) => code,
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

async fn execute(command: Command) -> anyhow::Result<ExitCode> {
    let is_well = match command {
        Command::Statement { command: StatementCommand::Import { site, file, channel, day } } => {
            cli::settlement::import(&site.load()?, &file, &channel, day).await?
        }
        Command::Reconcile { site, day } => cli::settlement::reconcile(&site.load()?, day).await?,
        Command::Settle { site, day } => cli::settlement::settle(&site.load()?, day).await?,
        Command::Ledger { command: LedgerCommand::Check { site } } => {
            cli::settlement::ledger(&site.load()?).await?
        }
        Command::Ready { site } => cli::ready::ready(site.load()?).await?,
        Command::Ticket { command } => cli::ticket::run(command).await?,
        other => return Box::pin(plain(other)).await.map(|()| ExitCode::SUCCESS),
    };
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(NOT_WELL) })
}

async fn plain(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Statement { .. }
        | Command::Reconcile { .. }
        | Command::Settle { .. }
        | Command::Ledger { .. }
        | Command::Ticket { .. }
        | Command::Ready { .. } => unreachable!("done above"),
        Command::Init { site, page: Some(page), announce, seconds } => {
            cli::start_log(false);
            Box::pin(first_run(&site, page, (seconds, announce))).await?;
            start(&site).await
        }
        Command::Init { site, page: None, announce, seconds } => {
            Box::pin(init(&site, seconds, announce)).await
        }
        Command::Run { site, log_json, first_run: page } => {
            cli::start_log(log_json);
            if !site.config.exists() {
                let usual = (LISTEN_S, paifang::io::onvif::EVERYBODY);
                Box::pin(first_run(&site, page, usual)).await?;
            }
            start(&site).await
        }
        Command::Check { site, journal, mosquitto_acl } => {
            cli::check(site.load()?, journal, mosquitto_acl).await
        }
        Command::Migrate { site } => cli::migrate(site.load()?).await,
        Command::User { command } => user(command).await,
        Command::Token { command } => token(command).await,
        Command::Device { command } => device(command).await,
        Command::Tariff { command } => cli::tariff::run(command).await,
        Command::Reload { site } => cli::reload::reload(&site.load()?).await,
        Command::Backup { site, to } => cli::backup::backup(site.load()?, &to).await,
        Command::Restore { site, from } => cli::backup::restore(site.load()?, &from).await,
    }
}

async fn token(command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Add { site, name, scopes } => {
            cli::tokens::add(site.load()?, &name, &scopes).await
        }
        TokenCommand::List { site } => cli::tokens::list(site.load()?).await,
        TokenCommand::Revoke { site, name } => cli::tokens::revoke(site.load()?, &name).await,
    }
}

async fn user(command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add { site, name, role } => cli::add_user(site.load()?, &name, role).await,
        UserCommand::Role { site, name, role } => {
            cli::set_user_role(site.load()?, &name, role).await
        }
        UserCommand::Disable { site, name } => {
            cli::set_user_disabled(site.load()?, &name, true).await
        }
        UserCommand::Enable { site, name } => {
            cli::set_user_disabled(site.load()?, &name, false).await
        }
        UserCommand::Reset { site, name } => cli::reset_user(site.load()?, &name).await,
        UserCommand::List { site } => cli::list_users(site.load()?).await,
    }
}

async fn device(command: DeviceCommand) -> anyhow::Result<()> {
    match command {
        DeviceCommand::List { site } => cli::devices::list(&site.load()?).await,
        DeviceCommand::Watch { site } => cli::devices::watch(&site.load()?).await,
        DeviceCommand::Test { site, name, moves } => {
            cli::devices::test(&site.load()?, &name, moves).await
        }
        DeviceCommand::Learn { site, seconds } => cli::devices::learn(&site.load()?, seconds).await,
    }
}

/// Goes on as `run` where the installer wants that.
async fn init(site: &SiteArg, seconds: u64, announce: SocketAddr) -> anyhow::Result<()> {
    let listen = Duration::from_secs(seconds);
    let (input, output) = (std::io::stdin().lock(), std::io::stdout());
    if cli::init::init(&site.config, listen, announce, input, output).await? {
        cli::start_log(false);
        let (metrics, stop) = (cli::start_metrics()?, cli::stop_signal());
        serve(Daemon::start(site.load()?, metrics).await?, stop).await;
    }
    Ok(())
}

/// Until the site is written and wanted, or somebody ends it.
async fn first_run(
    site: &SiteArg,
    page: SocketAddr,
    (seconds, announce): (u64, SocketAddr),
) -> anyhow::Result<()> {
    let listen = Duration::from_secs(seconds);
    let told = |link: &str| {
        cli::supervisor::ready();
        println!("There is no site file yet. Open {link}");
    };
    tokio::select! {
        done = cli::init::first_run(&site.config, page, listen, announce, told) => done,
        () = cli::stop_signal() => std::process::exit(0),
        () = cli::supervisor::alive() => Ok(()),
    }
}

async fn start(site: &SiteArg) -> anyhow::Result<()> {
    // Whoever stops it while it starts is heard as soon as it is there.
    let (metrics, stop) = (cli::start_metrics()?, cli::stop_signal());
    if let Some(at) = config::crash_at()? {
        paifang::crash_point::arm(at);
    }
    let daemon = Daemon::start(site.load()?, metrics).await?;
    if let Some(password) = &daemon.first_password {
        println!(
            "First start: sign in at http://{}/console as admin, one-time password {password}",
            daemon.http
        );
    }
    serve(daemon, stop).await;
    Ok(())
}

/// Until it is told to stop.
async fn serve(daemon: Daemon, stop: impl Future<Output = ()>) {
    cli::supervisor::ready();
    let watchdog = tokio::spawn(cli::supervisor::watchdog(daemon.app.clone()));
    let hang_up = tokio::spawn(cli::reload_signals(daemon.reloader.clone()));
    stop.await;
    cli::supervisor::stopping();
    watchdog.abort();
    hang_up.abort();
    daemon.stop().await;
}
