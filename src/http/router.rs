//! All routes in one place, what they share, and serving them. Knows what each route is called, not what it does.

use std::{
    future::{Future, IntoFuture},
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::Request,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use tower_http::trace::{DefaultOnResponse, TraceLayer};

use super::{
    admissions, audit, bind, calls, console, counters, devices, driver,
    error::{self, ApiError},
    guard::{self, Attempts},
    hand::folder_token,
    home, invoice_list, invoices,
    link::Links,
    merchant, merchant_bills, merchants, misreads, operate, ops, pay, payments,
    ports::{
        BankDoor, Desk, DeviceDoor, Fleet, Hooks, InvoiceDesk, Lists, PaymentRecords, Pictures,
        ProgramRecords, Receipts, Records, RuleFiles, SettlementRecords, SisterDoor, Staff,
        TillRecords,
    },
    program, receipts, records, register, reports,
    roles::{self, Right},
    screen, search, settlement, signin, sisters, stream, tariff_edit, tariffs, tasks, till,
    unlicensed, users,
    visit::{self, TicketOffice},
    worklist::Differences,
    zones,
};

/// Forms here are a few hundred bytes.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;
/// Open event streams of drivers and screens at once; each costs a little memory and one look per change.
const STREAMS_MAX: usize = 256;
/// Those of operators, whom no crowd of phones may keep out.
const WATCHERS_MAX: usize = 64;

/// What the site file and the secrets give.
#[derive(Clone)]
pub struct Settings {
    /// Keys the links to orders. At least 32 random bytes; a new one makes every printed payment code useless.
    pub site_secret: Vec<u8>,
    /// Where phones reach this daemon: scheme and authority, such as `https://park.example`. No path.
    pub public_url: String,
    /// A reverse proxy of our own stands in front: its `X-Forwarded-For` names the source.
    pub behind_proxy: bool,
}

impl Settings {
    pub(super) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    pub(super) fn public_url(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// What the pages are made of.
#[derive(Clone)]
pub struct Parts {
    pub desk: Arc<dyn Desk>,
    pub records: Arc<dyn Records>,
    pub till: Arc<dyn TillRecords>,
    pub payments: Arc<dyn PaymentRecords>,
    pub lists: Arc<dyn Lists>,
    /// `None`: no program has a token, and nothing is done once only.
    pub programs: Option<Arc<dyn ProgramRecords>>,
    /// `None`: nobody is told of events.
    pub hooks: Option<Arc<dyn Hooks>>,
    pub staff: Arc<dyn Staff>,
    /// `None`: the site has no bank.
    pub settlement: Option<Arc<dyn SettlementRecords>>,
    pub pictures: Arc<dyn Pictures>,
    pub bank: Option<Arc<dyn BankDoor>>,
    pub fleet: Arc<dyn Fleet>,
    pub door: Arc<dyn DeviceDoor>,
    /// `None`: the site has one daemon.
    pub sisters: Option<Arc<dyn SisterDoor>>,
    /// `None`: the site prints nothing.
    pub receipts: Option<Arc<dyn Receipts>>,
    /// `None`: the site issues no invoices.
    pub invoices: Option<Arc<dyn InvoiceDesk>>,
    /// `None`: the site sells no tickets.
    pub tickets: Option<TicketOffice>,
    /// `None`: the rules are in no files that can be read anew.
    pub rule_files: Option<Arc<dyn RuleFiles>>,
    pub metrics: Option<PrometheusHandle>,
    pub settings: Settings,
    /// Becomes `true` when the daemon stops: event streams end, so that serving can.
    pub stop: watch::Receiver<bool>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What every handler is given.
pub(super) struct Web {
    pub(super) desk: Arc<dyn Desk>,
    pub(super) records: Arc<dyn Records>,
    pub(super) till: Arc<dyn TillRecords>,
    pub(super) payments: Arc<dyn PaymentRecords>,
    pub(super) lists: Arc<dyn Lists>,
    pub(super) programs: Option<Arc<dyn ProgramRecords>>,
    pub(super) hooks: Option<Arc<dyn Hooks>>,
    pub(super) in_flight: program::InFlight,
    /// What describes `/api/v1`; set before anybody can ask.
    pub(super) document: OnceLock<String>,
    pub(super) staff: Arc<dyn Staff>,
    pub(super) settlement: Option<Arc<dyn SettlementRecords>>,
    pub(super) pictures: Arc<dyn Pictures>,
    pub(super) bank: Option<Arc<dyn BankDoor>>,
    pub(super) fleet: Arc<dyn Fleet>,
    pub(super) door: Arc<dyn DeviceDoor>,
    pub(super) sisters: Option<Arc<dyn SisterDoor>>,
    /// Whoever holds it can read the data folder.
    pub(super) folder_token: String,
    pub(super) receipts: Option<Arc<dyn Receipts>>,
    pub(super) invoices: Option<Arc<dyn InvoiceDesk>>,
    pub(super) tickets: Option<TicketOffice>,
    pub(super) rule_files: Option<Arc<dyn RuleFiles>>,
    pub(super) metrics: Option<PrometheusHandle>,
    pub(super) settings: Settings,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) links: Links,
    pub(super) assets: ops::Assets,
    pub(super) sign_ins: Attempts,
    pub(super) plates: Attempts,
    pub(super) helps: Attempts,
    pub(super) codes: Attempts,
    /// Orders of tickets that nobody has paid yet.
    pub(super) holds: Attempts,
    /// Differences of settlement that wait for a person.
    pub(super) differences: Differences,
    /// One password at a time: each check takes 19 MiB while it lasts.
    pub(super) hashing: Semaphore,
    pub(super) streams: Arc<Semaphore>,
    pub(super) watchers: Arc<Semaphore>,
    pub(super) shown: console::Shown,
}

pub(super) type Shared = Arc<Web>;

/// The whole HTTP side.
pub fn router(parts: Parts) -> Router {
    let web = Arc::new(Web {
        links: Links::new(&parts.settings.site_secret),
        desk: parts.desk,
        records: parts.records,
        till: parts.till,
        payments: parts.payments,
        lists: parts.lists,
        programs: parts.programs,
        hooks: parts.hooks,
        in_flight: program::InFlight::default(),
        document: OnceLock::new(),
        staff: parts.staff,
        settlement: parts.settlement,
        pictures: parts.pictures,
        bank: parts.bank,
        fleet: parts.fleet,
        door: parts.door,
        sisters: parts.sisters,
        folder_token: folder_token(&parts.settings.site_secret),
        receipts: parts.receipts,
        invoices: parts.invoices,
        tickets: parts.tickets,
        rule_files: parts.rule_files,
        metrics: parts.metrics,
        settings: parts.settings,
        stop: parts.stop,
        assets: ops::Assets::new(),
        sign_ins: Attempts::default(),
        plates: Attempts::default(),
        helps: Attempts::default(),
        codes: Attempts::default(),
        holds: Attempts::default(),
        differences: Differences::default(),
        hashing: Semaphore::new(1),
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
        shown: console::Shown::default(),
    });
    let log = || {
        TraceLayer::new_for_http()
            .make_span_with(|request: &Request<Body>| {
                let path = guard::masked(request.uri().path());
                tracing::info_span!("http", method = %request.method(), path)
            })
            .on_response(DefaultOnResponse::new().level(tracing::Level::DEBUG))
    };
    let pages = Router::new()
        .merge(public())
        .merge(visit::public())
        .merge(merchants().layer(from_fn_with_state(web.clone(), guard::own_origin)))
        .merge(program::routes(&web))
        .merge(signing().layer(from_fn_with_state(web.clone(), guard::own_origin)))
        .merge(operators(&web))
        .fallback(|| async { ApiError::NotFound })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(web.clone(), error::dress));
    Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .fallback_service(pages.with_state(web.clone()))
        .layer(from_fn_with_state(web.clone(), guard::bank_first))
        .layer(from_fn_with_state(web.clone(), guard::secure))
        .layer(log())
        // Beside the pages, not below them: devices get no cookie, no policy and no page in place of an error.
        .merge(calls::routes().layer(log()))
        .merge(sisters::routes().layer(log()))
        .with_state(web)
}

/// Pages that anyone with a phone may see.
fn public() -> Router<Shared> {
    Router::new()
        .route("/", get(home::page))
        .route("/l/{lane}", get(driver::at_lane))
        .route("/l/{lane}/plate", post(driver::give_plate))
        .route("/l/{lane}/help", post(driver::ask_help))
        .route("/l/{lane}/no-plate", post(unlicensed::name_it))
        .route("/l/{lane}/phone", post(unlicensed::show_phone))
        .route("/l/{lane}/picture", get(driver::picture_at_lane))
        .route("/l/{lane}/live", get(stream::lane_turn))
        .route("/p/{token}", get(driver::by_token))
        .route("/p/{token}/pay", post(driver::pay_by_token))
        .route("/p/{token}/picture", get(driver::picture_by_token))
        .route("/p/{token}/live", get(stream::order_turn))
        .route("/pay", get(pay::page).post(pay::find))
        .route("/pay/pass", post(pay::renew))
        .route("/bind", get(|| async { axum::response::Redirect::to("/pay/bind") }))
        .route("/pay/bind", get(bind::page).post(bind::start))
        .route("/pay/bind/back", get(bind::back))
        .route("/pay/bind/made", post(bind::made))
        .route("/pay/bind/end", post(bind::end))
        .route("/i", get(invoices::by_code).post(invoices::find))
        .route("/i/{token}", get(invoices::page).post(invoices::claim))
        .route("/pay/sign", get(screen::lot_sign))
        .route("/lane/{lane}/screen", get(screen::screen))
        .route("/lane/{lane}/screen/live", get(stream::screen))
        .route("/lane/{lane}/sign", get(screen::sign))
        .route("/tariff", get(tariffs::sign))
        .route("/assets/{name}", get(ops::asset))
}

/// The merchants' own page.
fn merchants() -> Router<Shared> {
    Router::new()
        .route("/merchant", get(merchant::page))
        .route("/merchant/signin", get(merchant::sign_in_form).post(merchant::sign_in))
        .route("/merchant/signout", post(merchant::sign_out))
        .route("/merchant/give", post(merchant::give))
        .route("/merchant/bill/{month}/{file}", get(merchant_bills::own_file))
        .route("/merchant/password", post(merchant::new_password))
        .route("/merchant/{validation}/revoke", post(merchant::revoke))
}

/// Signing in and out.
fn signing() -> Router<Shared> {
    Router::new()
        .route("/signin", get(signin::page).post(signin::sign_in))
        .route("/signout", post(signin::sign_out))
        .route("/password", get(signin::password_page).post(signin::change_password))
}

/// Pages and acts that need a right; which role has it, says [`roles`].
fn operators(web: &Shared) -> Router<Shared> {
    let need = |right, routes| roles::need(web, right, routes);
    let enter = Router::new()
        .route("/console", get(console::page))
        .route("/console/pictures/{name}", get(records::picture));
    let lanes = Router::new()
        .route("/console/live", get(stream::console))
        .route("/console/lanes/{lane}", get(records::lane))
        .route("/console/lanes/{lane}/live", get(stream::lane));
    // An arm needs more: see `operate`.
    let gates = Router::new().route("/console/lanes/{lane}/operate", post(operate::operate));
    let operate = Router::new()
        .route("/console/lanes/{lane}/plate", post(operate::plate))
        .route("/console/lanes/{lane}/no-plate", post(unlicensed::name_by_hand));
    let tasks = Router::new()
        .route("/console/tasks", get(tasks::page))
        .route("/console/tasks/live", get(stream::tasks))
        .route("/console/tasks/{task}", get(tasks::one));
    let settle_tasks = Router::new()
        .route("/console/tasks/{task}/take", post(tasks::take))
        .route("/console/tasks/{task}/settle", post(tasks::settle))
        .route("/console/tasks/{task}/stay", post(misreads::pick));
    let count = Router::new().route("/console/zones/{zone}/count", post(zones::count_form));
    let stays = Router::new()
        .route("/console/stays", get(records::stays))
        .route("/console/stays/{stay}", get(records::stay));
    let revoke = Router::new()
        .route("/console/stays/{stay}/validations/{validation}/revoke", post(records::revoke));
    let devices = Router::new()
        .route("/console/devices", get(devices::page))
        .route("/console/devices/live", get(stream::devices));
    let test = Router::new().route("/console/devices/{device}/test", post(devices::test_form));
    Router::new()
        .merge(need(Right::Enter, enter))
        .merge(need(Right::SeeLanes, lanes))
        .merge(need(Right::OperateGates, gates))
        .merge(need(Right::Operate, operate))
        .merge(need(Right::SeeTasks, tasks))
        .merge(need(Right::SettleTasks, settle_tasks))
        .merge(need(Right::SeeSpaces, Router::new().route("/console/zones", get(zones::page))))
        .merge(need(Right::CountSpaces, count))
        .merge(need(Right::SeeStays, stays))
        .merge(need(Right::ChangeMerchants, revoke))
        .merge(need(Right::ChangeTariffs, tariff_edit::routes()))
        .merge(need(Right::SeeTariffs, Router::new().route("/console/tariffs", get(tariffs::page))))
        .merge(need(Right::SeeDevices, devices))
        .merge(need(Right::TestDevices, test))
        .merge(admissions(web))
        .merge(register::routes(web))
        .merge(counter(web))
        .merge(merchants_of_site(web))
        .merge(visit::staff(web))
        .merge(program::staff(web))
        .merge(need(Right::ChangeUsers, users::routes()))
        .merge(need(Right::SeeReports, reports::routes()))
        .merge(need(Right::SeeAudit, audit::routes()))
        .merge(need(Right::Search, Router::new().route("/console/search", get(search::page))))
}

/// Who went through turnstiles.
fn admissions(web: &Shared) -> Router<Shared> {
    let see = Router::new().route("/console/admissions", get(admissions::page));
    let settle =
        Router::new().route("/console/admissions/{admission}/settle", post(admissions::settle));
    roles::need(web, Right::SeeAdmissions, see).merge(roles::need(
        web,
        Right::SettleAdmissions,
        settle,
    ))
}

/// Money at the desk.
fn counter(web: &Shared) -> Router<Shared> {
    let cash = Router::new()
        .route("/console/shift", get(till::page))
        .route("/console/shift/{what}", post(till::drawer))
        .route("/console/orders/{order}/cash", post(till::cash))
        .route("/console/orders/{order}/code", post(payments::code))
        .route("/console/cash/{cash}/refund", post(till::refund))
        .route("/console/lanes/{lane}/fee", post(till::fee))
        .route("/console/lanes/{lane}/entry", post(till::entry))
        .route("/console/stays/{stay}/print", post(receipts::print));
    let see = Router::new()
        .route("/console/orders/{order}", get(payments::order))
        .route("/console/payments", get(payments::page))
        .route("/console/payments/{payment}", get(payments::one));
    let act = Router::new()
        .route("/console/payments/{payment}/refund", post(payments::refund))
        .route("/console/payments/{payment}/portal", post(payments::portal))
        .route("/console/payments/{payment}/{what}", post(payments::act));
    let judge = Router::new()
        .route("/console/refunds/{refund}/portal", post(payments::made))
        .route("/console/refunds/{refund}/{what}", post(payments::judge));
    let arrears = Router::new()
        .route("/console/arrears", get(till::arrears))
        .route("/console/arrears/file/{form}", get(till::arrears_file));
    let forgive = Router::new()
        .route("/console/arrears/{arrears}/forgive", post(till::forgive))
        .route("/console/stays/{stay}/end", post(till::end_stay));
    let invoices = Router::new()
        .route("/console/invoices", get(invoice_list::page))
        .route("/console/invoices/{order}/again", post(invoice_list::again));
    let programs = Router::new()
        .route("/console/counters", get(counters::page).post(counters::put))
        .route("/console/counters/{counter}/forget", post(counters::forget));
    let need = |right, routes| roles::need(web, right, routes);
    need(Right::TakeCash, cash)
        .merge(need(Right::SeePayments, see))
        .merge(need(Right::ActOnPayments, act))
        .merge(need(Right::JudgeRefunds, judge))
        .merge(need(Right::SeeArrears, arrears))
        .merge(need(Right::ForgiveArrears, forgive))
        .merge(need(Right::IssueInvoices, invoices))
        .merge(need(Right::ChangePrograms, programs))
        .merge(settlement::routes(web))
}

/// The site's own pages about merchants.
fn merchants_of_site(web: &Shared) -> Router<Shared> {
    let see = Router::new()
        .route("/console/merchants", get(merchants::page))
        .route("/console/merchants/{merchant}/bill", get(merchant_bills::page))
        .route("/console/merchants/{merchant}/bill/{month}/{file}", get(merchant_bills::file));
    let change = Router::new()
        .route("/console/merchants", post(merchants::add))
        .route("/console/merchants/{merchant}", post(merchants::change))
        .route("/console/merchants/{merchant}/offer", post(merchants::offer))
        .route("/console/merchants/{merchant}/account", post(merchants::account))
        .route("/console/merchants/{merchant}/suspend", post(merchants::suspend))
        .route("/console/merchants/{merchant}/bear", post(merchant_bills::bear))
        .route("/console/merchants/{merchant}/paid", post(merchant_bills::paid));
    roles::need(web, Right::SeeMerchants, see).merge(roles::need(
        web,
        Right::ChangeMerchants,
        change,
    ))
}

/// Serves until `parts.stop` turns true and what is under way has ended.
pub fn serve(
    listener: TcpListener,
    parts: Parts,
) -> impl Future<Output = io::Result<()>> + Send + 'static {
    let mut stop = parts.stop.clone();
    let service = router(parts).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let _ = stop.wait_for(|stop| *stop).await;
        })
        .into_future()
}
