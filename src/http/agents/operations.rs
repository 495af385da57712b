//! What agents may ask, each operation once: its route, bodies and answers. Answers nothing itself.

use super::{
    ByKey, DayBody, Given, MoveTo, OfDay, OrderBody, ProductBody, Rename, Wanted, availability,
    by_key, cancel, confirm, give_back, move_to, products, rename, reserve, see,
};
use crate::{
    http::program::{Access, Api, Op},
    types::Scope,
};

pub(in crate::http) fn api(api: Api) -> Api {
    let by = Access::Counter(Scope::TicketsSell);
    let api = api
        .on(
            Op::get("/api/v1/tickets/products", "listProducts", "What this counter sells")
                .by(by)
                .lists::<ProductBody>("And how it may be changed afterwards"),
            products,
        )
        .on(
            Op::get(
                "/api/v1/tickets/availability",
                "getAvailability",
                "Prices of a day, and the places left in each time slot",
            )
            .by(by)
            .query::<OfDay>()
            .gives::<DayBody>(200, "As of now"),
            availability,
        )
        .on(
            Op::post(
                "/api/v1/tickets/orders",
                "reserveTickets",
                "Holds places until `open_until`; the same key is the same order",
            )
            .by(by)
            .body::<Wanted>()
            .gives::<OrderBody>(200, "The order"),
            reserve,
        )
        .on(
            Op::get(
                "/api/v1/tickets/orders",
                "findTicketOrder",
                "The order of a number of the counter's own",
            )
            .by(by)
            .query::<ByKey>()
            .gives::<OrderBody>(200, "The order with its tickets"),
            by_key,
        );
    let changed = "The order with its tickets";
    api.on(
        Op::get("/api/v1/tickets/orders/{order}", "getTicketOrder", "An order of this counter")
            .by(by)
            .gives::<OrderBody>(200, changed),
        see,
    )
    .on(
        Op::post(
            "/api/v1/tickets/orders/{order}/confirm",
            "confirmTicketOrder",
            "Settled by account: tickets are made",
        )
        .by(by)
        .gives::<OrderBody>(200, changed),
        confirm,
    )
    .on(
        Op::post(
            "/api/v1/tickets/orders/{order}/cancel",
            "cancelTicketOrder",
            "Gives up what is not paid",
        )
        .by(by)
        .gives::<OrderBody>(200, changed),
        cancel,
    )
    .on(
        Op::post(
            "/api/v1/tickets/orders/{order}/return",
            "returnTickets",
            "Gives tickets back, by the products' rules",
        )
        .by(by)
        .body::<Given>()
        .gives::<OrderBody>(200, changed),
        give_back,
    )
    .on(
        Op::post(
            "/api/v1/tickets/orders/{order}/move",
            "moveTickets",
            "To another day or time slot; answers the order to pay where it costs more",
        )
        .by(by)
        .body::<MoveTo>()
        .gives::<OrderBody>(200, changed),
        move_to,
    )
    .on(
        Op::post(
            "/api/v1/tickets/orders/{order}/rename",
            "renameTicket",
            "Another visitor takes the ticket; the code before it lets nobody in",
        )
        .by(by)
        .body::<Rename>()
        .gives::<OrderBody>(200, changed),
        rename,
    )
}
