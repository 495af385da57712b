//! What goes between an HTTP server, an HTTP client and the driver of a device. None of it shows a
//! body when printed: heart-beats carry passwords, reads carry plates.

use std::fmt;

use serde_json::Value;

use crate::words::DeviceEvent;

/// A request of a device, whole.
#[derive(Clone, Copy)]
pub struct PushRequest<'a> {
    /// Behind the part that names the device; empty or with its leading slash.
    pub path: &'a str,
    /// Without the question mark.
    pub query: &'a str,
    /// The header, if there is one.
    pub content_type: Option<&'a str>,
    /// As received.
    pub body: &'a [u8],
}

/// What a request said.
#[derive(Clone, Default, PartialEq)]
pub struct Pushed {
    /// None for a message the profile ignores.
    pub events: Vec<DeviceEvent>,
    /// Its reply may carry commands.
    pub takes_orders: bool,
    /// What the device is told whether or not there are orders.
    pub(super) reply: Option<Value>,
}

/// What to reply: always with its length, never in chunks, never compressed.
#[derive(Clone, PartialEq, Eq)]
pub struct PushReply {
    /// The header; empty if there is no body.
    pub content_type: String,
    /// Some devices compare it byte by byte.
    pub body: Vec<u8>,
    /// How many of the orders it carries, from the first: what is left waits for the next reply.
    pub taken: usize,
}

/// A request to make to the device.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// GET, PUT or POST.
    pub method: String,
    /// With its leading slash, and a query if it needs one.
    pub path: String,
    /// The header; empty if there is no body.
    pub content_type: String,
    /// Empty for GET.
    pub body: Vec<u8>,
    /// Signed in by digest. Two refusals in a row: stop, or the device locks the account.
    pub digest: bool,
    pub(super) asks: Asks,
}

/// What the answer to a call means.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Asks {
    Command { id: String },
    Position,
}

/// How a command reaches the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In the reply to its next request that takes orders.
    InReply,
    /// By a request of ours.
    ByCall,
    /// Not at all.
    None,
}

impl fmt::Debug for PushRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushRequest {{ {:?}, {} bytes }}", self.path, self.body.len())
    }
}

impl fmt::Debug for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushed")
            .field("events", &self.events)
            .field("takes_orders", &self.takes_orders)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PushReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushReply {{ {} bytes, {} orders }}", self.body.len(), self.taken)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call {{ {} {}, {} bytes }}", self.method, self.path, self.body.len())
    }
}
