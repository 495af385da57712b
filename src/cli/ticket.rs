//! `paifang ticket`: a ticket issued, looked at, verified or revoked, and the keys that sign them. Opens no gate.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::{devices::Daemon, wall_now};
use crate::{
    app,
    config::{self, Site},
    core::{
        presented::{Claims, Presented, Shown},
        ticket::{Medium, NotAdmitted, Ticket},
    },
    store::Reader,
    tickets::{PublicKeys, SiteCode, TicketKeys, Verifier, decode},
    types::{TicketId, ZoneId},
};

#[derive(Debug, Subcommand)]
pub enum TicketCommand {
    /// Makes a ticket in the running site and prints its codes. Whoever has them gets in.
    Issue {
        #[command(flatten)]
        site: SiteArg,
        /// Persons who may come in on it.
        #[arg(long, default_value_t = 1)]
        persons: u32,
        /// Such as 2026-11-24T09:00+08:00. Default: now.
        #[arg(long)]
        from: Option<Timestamp>,
        #[arg(long)]
        until: Timestamp,
        /// A zone it is good for; may stand several times. Default: everywhere.
        #[arg(long = "zone")]
        zones: Vec<String>,
    },
    /// Takes a code apart without any key: what it says, and not whether that is true.
    Inspect {
        /// As scanned: `PT1...`.
        code: String,
    },
    /// Holds a code against the keys, and, beside a site, its ticket. Ends with 2 where it is not good.
    Verify {
        #[command(flatten)]
        site: SiteArg,
        code: String,
        /// What `keys export` wrote, in place of the site's own keys: its signature and key are looked at alone.
        #[arg(long)]
        keys: Option<PathBuf>,
        /// As of this time. Default: now.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Lets nobody in on it any more, in the running site. No money goes back.
    Revoke {
        #[command(flatten)]
        site: SiteArg,
        ticket: i64,
        #[arg(long)]
        reason: String,
    },
    /// The keys that sign codes.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Which there are, and until when what each signed is good.
    List {
        #[command(flatten)]
        site: SiteArg,
    },
    /// Makes a key that signs from now on; a running daemon uses it within a minute. Run it as the daemon's user.
    Rotate {
        #[command(flatten)]
        site: SiteArg,
        /// Days that codes of the keys before it stay good: no fewer than the longest a printed ticket is valid for.
        #[arg(long, default_value_t = 400)]
        overlap_days: u32,
    },
    /// The public keys, for other verifiers.
    Export {
        #[command(flatten)]
        site: SiteArg,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Json,
    Pem,
}

#[derive(Debug, clap::Args)]
pub struct SiteArg {
    /// The site file.
    #[arg(long, short, default_value = "site.toml")]
    config: PathBuf,
}

impl SiteArg {
    fn load(&self) -> anyhow::Result<Site> {
        Ok(config::load(&self.config)?)
    }
}

/// `paifang ticket ...`; false: what was looked at is not good.
pub async fn run(command: TicketCommand) -> anyhow::Result<bool> {
    match command {
        TicketCommand::Issue { site, persons, from, until, zones } => {
            issue(&site.load()?, persons, (from, until), &zones).await?;
        }
        TicketCommand::Inspect { code } => inspect(&code)?,
        TicketCommand::Verify { site, code, keys, at } => {
            let at = at.unwrap_or_else(wall_now);
            return match keys {
                Some(keys) => verify_with(&keys, &code, at),
                None => verify(&site.load()?, &code, at).await,
            };
        }
        TicketCommand::Revoke { site, ticket, reason } => {
            let (path, body) =
                (format!("/api/v1/tickets/{ticket}/revoke"), json!({ "reason": reason }));
            let _: Made = Daemon::of(&site.load()?)?.post(&path, body.to_string()).await?;
            println!("ticket {ticket} lets nobody in any more");
        }
        TicketCommand::Keys { command } => keys(command)?,
    }
    Ok(true)
}

/// The site's keys; made by its first start, never here.
fn keys_of(site: &Site) -> anyhow::Result<TicketKeys> {
    let folder = site.data_dir.join(app::TICKET_KEYS);
    if !folder.is_dir() {
        bail!("there are no keys in {}: the site's first start makes them", folder.display());
    }
    Ok(TicketKeys::open(&folder, SiteCode::of(&site.tickets.site_code))?)
}

// ---- one ticket ----------------------------------------------------------------------------------

#[derive(Deserialize)]
struct Made {
    id: TicketId,
}

async fn issue(
    site: &Site,
    persons: u32,
    (from, until): (Option<Timestamp>, Timestamp),
    zones: &[String],
) -> anyhow::Result<()> {
    let keys = keys_of(site)?;
    let known = |name: &String| {
        let zone = ZoneId::parse(name).filter(|zone| site.rules.zones.get(zone).is_some());
        zone.with_context(|| format!("the site has no zone {name:?}"))
    };
    let zones = zones.iter().map(known).collect::<anyhow::Result<Vec<_>>>()?;
    let body =
        json!({ "persons": persons, "valid_from": from, "valid_until": until, "zones": zones });
    let made: Made = Daemon::of(site)?.post("/api/v1/tickets/issue", body.to_string()).await?;
    let ticket =
        on_record(site, made.id).await?.context("the daemon keeps its tables elsewhere")?;
    println!("ticket {}", ticket.id);
    println!("code   {}", keys.code(&ticket, &site.rules.tickets));
    println!("typed  {}", keys.short_code(ticket.id, ticket.edition));
    Ok(())
}

async fn on_record(site: &Site, id: TicketId) -> anyhow::Result<Option<Ticket>> {
    let file = site.data_dir.join(app::DATABASE);
    if !file.exists() {
        return Ok(None);
    }
    Ok(Reader::open(&file).await?.ticket(id).await?)
}

/// As scanners give it.
fn trimmed(code: &str) -> String {
    code.trim().to_ascii_uppercase()
}

fn inspect(code: &str) -> anyhow::Result<()> {
    let text = trimmed(code);
    let code = decode(&text).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    println!("key          {}", code.key);
    println!("site         {:08x}", code.site.0);
    say(&code.claims);
    let shown = if code.changing.is_empty() { "still" } else { "changing, from a phone's page" };
    println!("shown        {shown}");
    println!("not verified: `paifang ticket verify` holds it against the keys");
    Ok(())
}

fn say(claims: &Claims) {
    let medium = match claims.medium {
        Medium::Any => "anywhere",
        Medium::Phone => "its page on a phone",
        Medium::Paper => "paper",
    };
    println!("ticket       {}, edition {}", claims.ticket, claims.edition);
    println!("persons      {}", claims.persons);
    println!("valid        {} to {}", claims.valid_from, claims.valid_until);
    println!("good on      {medium}");
    println!(
        "areas        {}",
        if claims.areas == 0 { "all".into() } else { format!("{:015b}", claims.areas) }
    );
    println!("product      {}", claims.product);
}

fn verify_with(exported: &Path, code: &str, at: Timestamp) -> anyhow::Result<bool> {
    let text = std::fs::read_to_string(exported).with_context(|| exported.display().to_string())?;
    let keys: PublicKeys = serde_json::from_str(&text)
        .with_context(|| format!("{} is not what `keys export` writes", exported.display()))?;
    let code = trimmed(code);
    match Verifier::new(&keys)?.verify(&code, at) {
        Ok(code) => {
            say(&code.claims);
            println!("good: signed by key {}", code.key);
            Ok(true)
        }
        Err(why) => Ok(not_good(why)),
    }
}

fn not_good(why: NotAdmitted) -> bool {
    let text = match why {
        NotAdmitted::Unreadable => "damaged, cut off, or no code of a ticket".to_owned(),
        NotAdmitted::Forged => "no key of this site signed it".to_owned(),
        NotAdmitted::OtherSite => "signed for another site".to_owned(),
        NotAdmitted::KeyRetired => "its key is good no more".to_owned(),
        NotAdmitted::PictureOld(minutes) => {
            format!("what changes in it is {minutes} min old: a picture, or a slow clock")
        }
        NotAdmitted::ClockAhead(minutes) => format!("what changes in it is {minutes} min early"),
        other => format!("{other:?}"),
    };
    println!("NOT GOOD: {text}");
    false
}

/// Signature, key, the part that changes, and what the site's tables say of its ticket.
async fn verify(site: &Site, code: &str, at: Timestamp) -> anyhow::Result<bool> {
    let (claims, shown) = match keys_of(site)?.read(code, at) {
        Presented::Bad(why) => return Ok(not_good(why)),
        Presented::Code(_) | Presented::Ticket(_) | Presented::Person(_) => {
            bail!(
                "a code that is typed is known by the running site only: look at its page of tickets"
            )
        }
        Presented::Signed(claims, shown, _) => (claims, shown),
    };
    say(&claims);
    println!("shown        {}", if shown == Shown::Still { "still" } else { "changing" });
    let known = on_record(site, claims.ticket).await?;
    let mut wrong: Vec<&str> = Vec::new();
    if at < claims.valid_from || at > claims.valid_until {
        wrong.push("it is not its time");
    }
    if claims.medium == Medium::Phone && shown == Shown::Still {
        wrong.push("only its page on the phone is good");
    }
    match &known {
        None => println!(
            "tables       it is not there: another daemon of the site sold it, or they were lost"
        ),
        Some(ticket) => {
            println!("tables       {} of {} came in", ticket.used, ticket.persons);
            if ticket.revoked {
                wrong.push("it went back, or was revoked");
            }
            if ticket.edition > claims.edition {
                wrong.push("a newer code was made of it");
            }
            if ticket.used >= ticket.persons && ticket.areas.iter().all(|a| a.returns == Some(0)) {
                wrong.push("all its persons came in");
            }
        }
    }
    if wrong.is_empty() {
        println!("good");
    } else {
        println!("NOT GOOD: {}", wrong.join("; "));
    }
    Ok(wrong.is_empty())
}

// ---- keys ----------------------------------------------------------------------------------------

fn keys(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::List { site } => {
            let public = keys_of(&site.load()?)?.public();
            println!("site code {:08x}", public.site.0);
            let last = public.keys.last().map(|key| key.id);
            for key in &public.keys {
                let end = match key.retire_after {
                    Some(end) => format!("what it signed is good until {end}"),
                    None if Some(key.id) == last => "signs".to_owned(),
                    None => "what it signed is good, no end is set".to_owned(),
                };
                println!("key {:3}  {}  {end}", key.id, key.public);
            }
        }
        KeysCommand::Rotate { site, overlap_days } => {
            let overlap = SignedDuration::from_hours(24 * i64::from(overlap_days));
            let now = wall_now();
            let id = keys_of(&site.load()?)?.rotate(now, overlap.unsigned_abs())?;
            println!("key {id} signs from now on; a running daemon uses it within a minute");
            println!("what was signed before is good until {}", now + overlap);
            println!("give other verifiers the keys anew: paifang ticket keys export");
        }
        KeysCommand::Export { site, format } => {
            let public = keys_of(&site.load()?)?.public();
            match format {
                Format::Json => println!("{}", serde_json::to_string_pretty(&public)?),
                Format::Pem => {
                    let pem = public.keys.iter().filter_map(|key| Some((key.id, key.pem()?)));
                    pem.for_each(|(id, pem)| print!("# key {id}\n{pem}"));
                }
            }
        }
    }
    Ok(())
}
