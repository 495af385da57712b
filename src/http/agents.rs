//! Tickets sold by other programs (agents, OTAs): `/api/v1/tickets/...`, by the counter's own token as
//! `Authorization: Bearer <token>`. Each sees and changes its own orders only. Knows no page.
//!
//! | | |
//! |---|---|
//! | `GET products` | what this counter sells, and how it may be changed afterwards |
//! | `GET availability?day=2026-11-28` | prices of that day, and the places left in each time slot |
//! | `POST orders` | reserves: places are held until `open_until`. The same `key` is the same order |
//! | `GET orders/{id}`, `GET orders?key=` | the order with its tickets |
//! | `POST orders/{id}/confirm` | settled by account: tickets are made |
//! | `POST orders/{id}/cancel` | gives up what is not paid |
//! | `POST orders/{id}/return` | `{"key", "tickets": [{"id", "persons"}]}`: by the products' rules |
//! | `POST orders/{id}/rename` | `{"ticket", "visitor": {"name", "number"}}`: where the product lets it |
//! | `POST orders/{id}/move` | `{"key", "tickets": [id], "day", "slot"}`: answers the order to pay where it costs more |
//!
//! Amounts are `{"minor", "currency"}`. Of an error, `code` is `refused` (its `detail` says why), `token`, `not_found`,
//! `unfit`, or `busy` (nothing was done; try again with the same key).

mod operations;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) use self::operations::api;
use super::{
    error::ApiError,
    orders::AtCounter,
    router::{Shared, Web},
    visit::{
        change::{bought, rename_by},
        keep,
        offer::{self, Choice, Offered, Seller},
        office, sealed,
    },
    words::Lang,
};
use crate::{
    core::{
        Answer, Input, Refusal,
        money::{Order, OrderState, PaidBy},
        product::Product,
        selling::{Asker, Back, LineAsked, MoveAsked, ReturnAsked, TicketsAsked},
        ticket::{Medium, Ticket},
    },
    types::{CounterId, Money, OrderId, ProductId, SlotId, TicketId},
};

// ---- what there is -------------------------------------------------------------------------------

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
struct ProductBody {
    id: ProductId,
    name: String,
    name_en: String,
    /// On one ticket, least and most.
    #[schema(value_type = Vec<u32>, min_items = 2, max_items = 2)]
    persons: (u32, u32),
    needs_slot: bool,
    needs_names: bool,
    days_ahead: u16,
    /// Seconds before the visit begins, and the percentage that goes back until then.
    #[schema(value_type = Vec<Vec<i64>>)]
    refunds: Vec<(i64, u8)>,
    can_move: bool,
    can_rename: bool,
}

fn product_body(product: &Product) -> ProductBody {
    ProductBody {
        id: product.id.clone(),
        name: product.name.zh.clone(),
        name_en: product.name.en.clone(),
        persons: product.persons(),
        needs_slot: product.schedule.is_some(),
        needs_names: product.named.is_some(),
        days_ahead: product.window.days_ahead,
        refunds: product.refunds.iter().map(|s| (s.until.as_secs(), s.percent)).collect(),
        can_move: product.rebook.is_some(),
        can_rename: product.rename && product.named.is_some(),
    }
}

async fn products(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
) -> Result<Json<Vec<ProductBody>>, ApiError> {
    let rules = web.desk.rules();
    let mine = rules.shop.products.values().filter(|product| product.sold_by(&counter));
    Ok(Json(mine.map(product_body).collect()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfDay {
    #[param(value_type = String, format = Date)]
    day: Date,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketDay)]
struct DayBody {
    #[schema(value_type = String, format = Date)]
    day: Date,
    /// The site stays closed, and why.
    closed: Option<String>,
    products: Vec<OfferBody>,
    slots: Vec<SlotBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketOffer)]
struct OfferBody {
    id: ProductId,
    /// Of one person.
    price: Money,
    /// Whose time slots it is sold for.
    schedule: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketSlot)]
struct SlotBody {
    id: SlotId,
    schedule: String,
    time: String,
    /// Places this counter may still sell.
    left: u32,
    /// Closed, and why.
    closed: Option<String>,
}

fn offer_body(offered: Offered) -> OfferBody {
    let schedule = offered.schedule.map(|schedule| schedule.to_string());
    OfferBody { id: offered.id, price: offered.price, schedule }
}

fn slot_body(schedule: &str, choice: Choice) -> SlotBody {
    let Choice { id, name: time, left, shut: closed } = choice;
    SlotBody { id, schedule: schedule.to_owned(), time, left, closed }
}

async fn availability(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Query(OfDay { day }): Query<OfDay>,
) -> Result<Json<DayBody>, ApiError> {
    let (rules, seller) = (web.desk.rules(), Seller::new(&web, counter.as_str())?);
    let see = move |state: &crate::core::State| {
        let choices = seller.choices(state, &rules, day).into_iter();
        let slots = choices.flat_map(|(schedule, choices)| {
            choices.into_iter().map(move |choice| slot_body(schedule.as_str(), choice))
        });
        DayBody {
            day,
            closed: offer::closed(state, day),
            products: seller.offers(&rules, Lang::Zh, day).into_iter().map(offer_body).collect(),
            slots: slots.collect(),
        }
    };
    Ok(Json(web.desk.read(see).await?))
}

// ---- orders --------------------------------------------------------------------------------------

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TicketsAsk)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The counter's own number, 1 to 64 characters.
    key: String,
    lines: Vec<WantedLine>,
    /// `any`, `phone` or `paper`; default: as the products say.
    #[serde(default)]
    medium: Medium,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TicketsLine)]
#[serde(deny_unknown_fields)]
struct WantedLine {
    product: ProductId,
    #[schema(value_type = String, format = Date)]
    day: Date,
    #[serde(default)]
    slot: Option<SlotId>,
    tickets: u32,
    #[serde(default = "one")]
    persons: u32,
    /// One for each ticket, where the product wants names.
    #[serde(default)]
    visitors: Vec<Named>,
}

/// Kept out of every log.
#[derive(Deserialize, ToSchema)]
#[schema(as = Visitor)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    number: String,
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Named")
    }
}

fn one() -> u32 {
    1
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketOrder)]
struct OrderBody {
    id: OrderId,
    key: String,
    subject: String,
    amount: Money,
    /// `due`, `paid` or `void`.
    state: &'static str,
    /// `bank`, `cash` or `account`.
    paid_by: Option<&'static str>,
    /// Places are held until then.
    open_until: Option<Timestamp>,
    /// For whoever pays by phone.
    pay_url: String,
    tickets: Vec<TicketBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SoldTicket)]
struct TicketBody {
    id: TicketId,
    product: ProductId,
    slot: Option<SlotId>,
    persons: u32,
    /// Persons who came in.
    used: u32,
    price: Money,
    valid_from: Timestamp,
    valid_until: Timestamp,
    returned: bool,
    /// The signed code, to be shown as a QR code; none where only the site's own page or paper may show it.
    code: Option<String>,
    /// The code that is typed.
    typed: String,
}

fn ticket_body(web: &Web, ticket: &Ticket) -> Option<TicketBody> {
    let (codes, _) = office(web).ok()?;
    let sold = ticket.sold.as_ref()?;
    let open = ticket.medium == Medium::Any && !ticket.revoked;
    Some(TicketBody {
        id: ticket.id,
        product: sold.product.clone(),
        slot: sold.slot.clone(),
        persons: ticket.persons,
        used: ticket.used,
        price: sold.price,
        valid_from: ticket.valid_from,
        valid_until: ticket.valid_until,
        returned: ticket.revoked,
        code: open.then(|| codes.code(ticket, &web.desk.rules())),
        typed: codes.typed(ticket.id, ticket.edition),
    })
}

async fn tickets_of(web: &Web, order: OrderId) -> Result<Vec<Ticket>, ApiError> {
    let (_, records) = office(web)?;
    Ok(records.of_order(order).await?)
}

/// An order of tickets of this counter; those of others are not there.
async fn own(web: &Web, counter: &CounterId, id: i64) -> Result<Order, ApiError> {
    let found = web.records.order(OrderId(id)).await?.map(|(order, _)| order);
    let mine = |order: &Order| order.sale.as_ref().is_some_and(|sale| sale.counter == *counter);
    found.filter(|order| order.basket.is_some() && mine(order)).ok_or(ApiError::NotFound)
}

async fn answer(web: &Web, counter: &CounterId, id: OrderId) -> Result<Json<OrderBody>, ApiError> {
    let order = own(web, counter, id.0).await?;
    let tickets = tickets_of(web, id).await?;
    let sale = order.sale.clone().ok_or(ApiError::NotFound)?;
    let paid_by = match &order.state {
        OrderState::Paid { by: PaidBy::Counter, .. } => Some("account"),
        OrderState::Paid { by: PaidBy::Cash(_), .. } => Some("cash"),
        OrderState::Paid { .. } => Some("bank"),
        _ => None,
    };
    Ok(Json(OrderBody {
        id,
        key: sale.key,
        subject: sale.subject,
        amount: order.amount,
        state: order.state.name(),
        paid_by,
        open_until: sale.open_until.filter(|_| order.state == OrderState::Due),
        pay_url: format!("{}/p/{}", web.settings.public_url(), web.links.token(id)),
        tickets: tickets.iter().filter_map(|ticket| ticket_body(web, ticket)).collect(),
    }))
}

/// Names and numbers are sealed before the core is asked.
async fn line(web: &Web, wanted: WantedLine) -> Result<LineAsked, ApiError> {
    let mut visitors = Vec::with_capacity(wanted.visitors.len());
    for Named { name, number } in &wanted.visitors {
        let visitor = sealed(web, name, number)?;
        keep(web, &visitor, name, number).await?;
        visitors.push(visitor);
    }
    Ok(LineAsked {
        product: wanted.product,
        day: wanted.day,
        slot: wanted.slot,
        tickets: wanted.tickets,
        persons: wanted.persons,
        visitors,
    })
}

async fn reserve(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Json(wanted): Json<Wanted>,
) -> Result<Json<OrderBody>, ApiError> {
    let mut lines = Vec::with_capacity(wanted.lines.len());
    for wanted in wanted.lines {
        lines.push(line(&web, wanted).await?);
    }
    // What is not remembered any more is in the tables still.
    if let Some(known) = web.payments.sale(counter.clone(), wanted.key.clone()).await? {
        let same = known.basket.as_ref().is_some_and(|basket| basket.is_of(&lines));
        if !same {
            return Err(Refusal::SaleDiffers(known.id).into());
        }
        return answer(&web, &counter, known.id).await;
    }
    let (key, medium) = (wanted.key, wanted.medium);
    let asked = TicketsAsked { counter: counter.clone(), key, lines, medium };
    match web.desk.tell(Input::TicketsAsked(asked)).await?? {
        Answer::Order(order) => answer(&web, &counter, order).await,
        _ => Err(ApiError::Internal),
    }
}

async fn see(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
) -> Result<Json<OrderBody>, ApiError> {
    answer(&web, &counter, OrderId(order)).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ByKey {
    key: String,
}

async fn by_key(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Query(ByKey { key }): Query<ByKey>,
) -> Result<Json<OrderBody>, ApiError> {
    let known = web.payments.sale(counter.clone(), key).await?.ok_or(ApiError::NotFound)?;
    answer(&web, &counter, known.id).await
}

async fn confirm(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
) -> Result<Json<OrderBody>, ApiError> {
    let order = own(&web, &counter, order).await?;
    // Said again long after, when the order is in the tables only.
    if !matches!(order.state, OrderState::Paid { .. }) {
        let confirmed = Input::TicketsConfirmed { counter: counter.clone(), order: order.id };
        web.desk.tell(confirmed).await??;
    }
    answer(&web, &counter, order.id).await
}

async fn cancel(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
) -> Result<Json<OrderBody>, ApiError> {
    let order = own(&web, &counter, order).await?;
    if order.state != OrderState::Void {
        let cancelled = Input::SaleCancelled { counter: counter.clone(), order: order.id };
        web.desk.tell(cancelled).await??;
    }
    answer(&web, &counter, order.id).await
}

// ---- changes -------------------------------------------------------------------------------------

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TicketsReturn)]
#[serde(deny_unknown_fields)]
struct Given {
    /// The counter's own number of the return.
    key: String,
    tickets: Vec<GivenTicket>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ReturnedTicket)]
#[serde(deny_unknown_fields)]
struct GivenTicket {
    id: TicketId,
    /// Default: all on it.
    persons: Option<u32>,
}

/// The tickets of an order with these numbers.
async fn named_of(web: &Web, order: OrderId, ids: &[TicketId]) -> Result<Vec<Ticket>, ApiError> {
    let mut all = tickets_of(web, order).await?;
    all.retain(|ticket| ids.contains(&ticket.id));
    if all.len() == ids.len() && !ids.is_empty() { Ok(all) } else { Err(ApiError::NotFound) }
}

async fn give_back(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
    Json(given): Json<Given>,
) -> Result<Json<OrderBody>, ApiError> {
    let order = own(&web, &counter, order).await?;
    let ids: Vec<TicketId> = given.tickets.iter().map(|ticket| ticket.id).collect();
    let tickets = named_of(&web, order.id, &ids).await?;
    let back = |ticket: &Ticket| {
        let wanted = given.tickets.iter().find(|given| given.id == ticket.id);
        let persons = wanted.and_then(|given| given.persons).unwrap_or(ticket.persons);
        Back { ticket: ticket.id, persons, of: ticket.persons }
    };
    let asked = ReturnAsked {
        key: given.key,
        tickets: tickets.iter().map(back).collect(),
        bought: bought(&web, &tickets).await?,
        by: Asker::Counter(counter.clone()),
    };
    web.desk.tell(Input::TicketsReturned(asked)).await??;
    answer(&web, &counter, order.id).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TicketsMove)]
#[serde(deny_unknown_fields)]
struct MoveTo {
    /// The counter's own number; of a new order, where the new time costs more.
    key: String,
    tickets: Vec<TicketId>,
    #[schema(value_type = String, format = Date)]
    day: Date,
    #[serde(default)]
    slot: Option<SlotId>,
}

async fn move_to(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
    Json(to): Json<MoveTo>,
) -> Result<Json<OrderBody>, ApiError> {
    let order = own(&web, &counter, order).await?;
    let tickets = named_of(&web, order.id, &to.tickets).await?;
    let asked = MoveAsked {
        counter: counter.clone(),
        key: to.key,
        tickets: to.tickets,
        day: to.day,
        slot: to.slot,
        bought: bought(&web, &tickets).await?,
        by: Asker::Counter(counter.clone()),
    };
    match web.desk.tell(Input::TicketsMoved(asked)).await?? {
        Answer::Order(more) => answer(&web, &counter, more).await,
        _ => answer(&web, &counter, order.id).await,
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TicketRename)]
#[serde(deny_unknown_fields)]
struct Rename {
    ticket: TicketId,
    visitor: Named,
}

async fn rename(
    State(web): State<Shared>,
    AtCounter(counter): AtCounter,
    Path(order): Path<i64>,
    Json(Rename { ticket, visitor }): Json<Rename>,
) -> Result<Json<OrderBody>, ApiError> {
    let order = own(&web, &counter, order).await?;
    named_of(&web, order.id, &[ticket]).await?;
    let by = Asker::Counter(counter.clone());
    rename_by(&web, ticket, (&visitor.name, &visitor.number), by).await?;
    answer(&web, &counter, order.id).await
}
