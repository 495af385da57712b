//! Checks the site file as a whole and turns it into what the daemon runs on. Opens no device.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::{
    ConfigError, InvoiceSettings, Language, Mistake, Secrets, Sign, SisterAt, SiteFile, Texts,
    devices::{Bus, Device},
    lanes::{Gate, Lane},
    products::Around,
    rules,
    settlement::Settlement,
    shares::Shares,
    tariffs::Prices,
    tickets::TicketSettings,
};
use crate::{
    bank::ChannelSettings,
    core::{Rules, tariff::Hourly},
    io::bucket::Rate,
    types::{ChannelId, DeviceId, LaneId},
};

/// A checked site.
#[derive(Debug)]
pub struct Site {
    /// As it was loaded; empty: checked from a text.
    pub file: PathBuf,
    /// Where the tariff files are.
    pub tariffs_dir: PathBuf,
    /// SHA-256 of this file and of those it names, in hexadecimal digits.
    pub digest: String,
    pub rules: Rules,
    pub data_dir: PathBuf,
    pub database_mib_max: u32,
    pub http_listen: SocketAddr,
    pub public_url: String,
    pub behind_proxy: bool,
    pub mqtt: Mqtt,
    /// What is taken of each device.
    pub rate: Rate,
    /// Bank channels, those first that new payments go to first.
    pub channels: Vec<(ChannelId, ChannelSettings)>,
    pub settlement: Settlement,
    /// `None`: all of it is the site's own.
    pub shares: Option<Shares>,
    pub tickets: TicketSettings,
    /// The other daemons of this site.
    pub sisters: Vec<SisterAt>,
    /// `None`: nobody is offered an invoice.
    pub invoices: Option<InvoiceSettings>,
    pub buses: BTreeMap<DeviceId, Bus>,
    pub devices: BTreeMap<DeviceId, Device>,
    /// What displays show and say.
    pub texts: Texts,
    /// What shows free spaces.
    pub signs: Vec<Sign>,
    /// For vehicles.
    pub lanes: BTreeMap<LaneId, Lane>,
    /// For people.
    pub gates: BTreeMap<LaneId, Gate>,
}

#[derive(Clone, Debug)]
pub struct Mqtt {
    pub listen: SocketAddr,
    pub url: Option<String>,
    pub username: String,
    pub client_id: String,
    pub secrets: Secrets,
}

/// Reads and checks a site file.
pub fn load(path: &Path) -> Result<Site, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let base = path.parent().unwrap_or(Path::new("."));
    match parse(&text, base) {
        Ok(site) => Ok(Site { file: path.to_owned(), ..site }),
        Err(mistakes) => Err(ConfigError::Mistakes { path: path.to_owned(), mistakes }),
    }
}

/// Checks a site file's text; paths in it are relative to `base`.
pub fn parse(text: &str, base: &Path) -> Result<Site, Vec<Mistake>> {
    let file: SiteFile = toml::from_str(text).map_err(|e| vec![unreadable(text, &e)])?;
    let read = Sha256::new_with_prefix(text);
    let mut check = Check { text, mistakes: Vec::new(), read };
    let site = check.site(file, base);
    if check.mistakes.is_empty() {
        let digest = check.read.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        return site.map(|site| Site { digest, ..site }).ok_or_else(Vec::new);
    }
    check.mistakes.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Err(check.mistakes)
}

pub(super) fn unreadable(text: &str, error: &toml::de::Error) -> Mistake {
    let start = error.span().map_or(0, |span| span.start);
    let line = line_of(text, start);
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let field = written.split('=').next().unwrap_or_default().trim();
    let what = error.message().replace('\n', " ");
    let field = if field.is_empty() { "file".into() } else { field.into() };
    Mistake { file: None, line, field, what }
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

pub(super) struct Check<'a> {
    pub(super) text: &'a str,
    mistakes: Vec<Mistake>,
    /// All that was read.
    pub(super) read: Sha256,
}

#[cfg(test)]
impl<'a> Check<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, mistakes: Vec::new(), read: Sha256::new() }
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }
}

impl Check<'_> {
    pub(super) fn mistake(&mut self, at: usize, field: &str, what: impl Into<String>) {
        let line = line_of(self.text, at);
        self.mistakes.push(Mistake { file: None, line, field: field.into(), what: what.into() });
    }

    /// One in another file than the site file; `line` counts from 1.
    pub(super) fn mistake_in(
        &mut self,
        file: &Path,
        line: usize,
        field: &str,
        what: impl Into<String>,
    ) {
        let (file, field) = (Some(file.to_owned()), field.to_owned());
        self.mistakes.push(Mistake { file, line, field, what: what.into() });
    }

    pub(super) fn count(&self) -> usize {
        self.mistakes.len()
    }

    pub(super) fn wrong<T>(&mut self, value: &Spanned<T>, field: &str, what: impl Into<String>) {
        self.mistake(value.span().start, field, what);
    }

    fn site(&mut self, file: SiteFile, base: &Path) -> Option<Site> {
        let zone = TimeZone::get(file.site.zone.get_ref()).unwrap_or_else(|_| {
            self.wrong(&file.site.zone, "site.zone", "is no IANA zone; try Asia/Shanghai");
            TimeZone::UTC
        });
        let secrets = match Secrets::load(&base.join(&file.site.secrets_file)) {
            Ok(secrets) => secrets,
            Err(e) => {
                self.mistake(0, "site.secrets_file", e.to_string());
                Secrets::default()
            }
        };
        self.pay(&file);
        let public_url = self.public_url(&file);
        let rate = self.rate(&file.limits);
        let limits = self.pay_limits(&file.limits.pay);
        let texts = self.texts(&file);
        let buses = self.buses(&file.buses);
        let devices = self.devices(&file.devices, &buses, &secrets, file.mqtt.url.is_some());
        let buses = self.bauds(buses, &devices);
        let till = self.till(&file.till, file.arrears, &file.merchants);
        let zones = self.zones(&file.zones, &file.site.name);
        let lanes = self.lanes(&file.lanes, &devices, &zones);
        let matching = self.matching(&file.matching);
        let english = file.display.language == Language::En;
        let signs = self.signs(&file.signs, &devices, &zones, &lanes, english);
        let calls = self.calls(&file.calls);
        let frictionless = self.frictionless(&file.frictionless);
        let invoices = self.invoices(file.invoices.as_ref(), base);
        let prices = self.prices(&file, base, &zone, &zones);
        let access = self.access(&file.access);
        let (sister_rules, sisters) =
            self.sisters(&file.sisters, file.tickets.issuer, &secrets, &lanes.gate_rules);
        let passes = self.passes(&file.passes, &file.pass_prices, &zones);
        let mqtt = Mqtt {
            listen: file.mqtt.listen,
            url: self.broker_url(file.mqtt.url.as_ref(), &secrets),
            username: file.mqtt.username,
            client_id: file.mqtt.client_id,
            secrets,
        };
        let channels = match file.bank.channels(base) {
            Ok(channels) => channels,
            Err(unknown) => {
                let what = format!("{unknown} has no section [bank.{unknown}]");
                self.mistake(0, "bank.order", what);
                return None;
            }
        };
        self.notify_paths(&channels);
        let settlement = self.settlement(&file.settlement, &channels);
        let named: Vec<_> = zones.iter().map(|(id, _)| id.clone()).collect();
        let shares = self.shares(file.shares.as_ref(), &channels, &named, &mqtt.secrets);
        let Prices { book, main } = prices?;
        let code = format!("{} {}", file.pay.trade_prefix, file.site.name);
        let (tickets, mut shop, mut numbering) =
            self.tickets(&file.tickets, (&zones, &file.zones), &code);
        let currency = file.site.currency;
        let around = Around { base, zones: &zones, book: &book, currency };
        self.products(&file.tickets, &around, &mut shop, &mut numbering);
        let tariffs_dir = base.join(file.tariffs.dir());
        Some(Site {
            file: PathBuf::new(),
            tariffs_dir,
            digest: String::new(),
            rules: Rules {
                lanes: lanes.lane_rules,
                gates: lanes.gate_rules,
                zones,
                access,
                passes,
                pay: rules::pay(&file.pay, &channels),
                matching,
                limits,
                calls,
                frictionless,
                shop,
                tickets: numbering,
                sisters: sister_rules,
                clouds: rules::clouds(&channels),
                invoices: invoices.is_some(),
                lane_names: rules::lane_names(&file.lanes),
                till,
                settle: settlement.rules,
                ..Rules::priced(&file.site.name, book, main)
            },
            data_dir: base.join(file.site.data_dir),
            database_mib_max: file.site.database_mib_max,
            http_listen: file.http.listen,
            public_url,
            behind_proxy: file.http.behind_proxy,
            mqtt,
            rate,
            channels,
            settlement,
            shares,
            tickets,
            sisters,
            invoices,
            buses,
            devices,
            texts: texts?,
            signs,
            lanes: lanes.lanes,
            gates: lanes.gates,
        })
    }

    /// A notification is known by the path it comes on.
    fn notify_paths(&mut self, channels: &[(ChannelId, ChannelSettings)]) {
        for (at, (id, channel)) in channels.iter().enumerate() {
            let others = channels.iter().take(at);
            let taken = others.filter(|(_, other)| other.notifies_like(channel)).map(|(id, _)| id);
            for other in taken {
                let what = format!("{other} is told of payments on this path already");
                self.mistake(0, &format!("bank.{id}.notify_url"), what);
            }
        }
    }

    fn texts(&mut self, file: &SiteFile) -> Option<Texts> {
        let mistakes = match Texts::new(&file.display, &file.site.name) {
            Ok(texts) => return Some(texts),
            Err(mistakes) => mistakes,
        };
        for (situation, what) in mistakes {
            let at = self.text.find(&format!("texts.{situation}")).unwrap_or(0);
            self.mistake(at, "display.texts", format!("{situation}: {what}"));
        }
        None
    }

    fn pay(&mut self, file: &SiteFile) {
        let prefix = &file.pay.trade_prefix;
        let fits = (1..=8).contains(&prefix.len())
            && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !fits {
            let at = self.text.find("trade_prefix").unwrap_or(0);
            self.mistake(at, "pay.trade_prefix", "must be 1 to 8 of A-Z and 0-9");
        }
        if !(60..=86_400).contains(&file.pay.link_life_s) {
            let at = self.text.find("link_life_s").unwrap_or(0);
            self.mistake(at, "pay.link_life_s", "must be 60 to 86400 seconds");
        }
        let times = [
            ("code_window_s", file.pay.code_window_s, 10..=120),
            ("sale_minutes", file.pay.sale_minutes, 5..=1_440),
        ];
        for (key, value, range) in times {
            if !range.contains(&value) {
                let at = self.text.find(key).unwrap_or(0);
                let what = format!("must be {} to {}", range.start(), range.end());
                self.mistake(at, &format!("pay.{key}"), what);
            }
        }
        let negative = |tariff: &Hourly| tariff.hour_minor < 0 || tariff.day_cap_minor < 0;
        if file.tariff.as_ref().is_some_and(negative) {
            let at = self.text.find("[tariff]").unwrap_or(0);
            self.mistake(at, "tariff", "amounts cannot be negative");
        }
    }

    fn public_url(&mut self, file: &SiteFile) -> String {
        let Some(url) = &file.http.public_url else {
            return format!("http://{}", file.http.listen);
        };
        let text = url.get_ref().trim_end_matches('/');
        if !(text.starts_with("http://") || text.starts_with("https://")) || text.contains(' ') {
            self.wrong(url, "http.public_url", "must begin with http:// or https://");
        }
        text.to_owned()
    }

    fn broker_url(&mut self, url: Option<&Spanned<String>>, secrets: &Secrets) -> Option<String> {
        let url = url?;
        if !url.get_ref().starts_with("mqtt://") {
            self.wrong(url, "mqtt.url", "must be mqtt://host:port");
        }
        if secrets.mqtt("daemon").is_none() {
            self.wrong(
                url,
                "mqtt.url",
                "needs the daemon's password: mqtt.daemon in the secrets file",
            );
        }
        Some(url.get_ref().clone())
    }
}
