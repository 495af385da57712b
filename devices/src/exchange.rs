//! A question for a serial line and how to know its answer. Knows no port and no time-out: the
//! owner of the line brings those.

use std::ops::Range;

use crate::{
    id_card::IdReply,
    modbus::{Reply, ReplyError},
    osdp::OsdpReply,
};

/// One request and what its reply looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Bytes to send, checksum included.
    pub request: Vec<u8>,
    /// Picks the reply out of what comes in.
    pub expect: Expect,
    /// Asking again changes nothing. A pulse is not repeatable: nobody knows whether the lost one
    /// moved the arm.
    pub repeatable: bool,
}

/// How a reply is recognised. Two requests with equal `Expect`s cannot be told apart by their
/// replies: a late reply to one would pass for the other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A Modbus RTU reply or exception.
    Modbus(Reply),
    /// A reader's reply to one question.
    Osdp(OsdpReply),
    /// An identity card reader's answer to one question.
    IdCard(IdReply),
}

impl Expect {
    /// Where in `bytes` the complete reply is, garbage before and after ignored. `None`: not yet.
    pub fn find(&self, bytes: &[u8]) -> Option<Range<usize>> {
        match self {
            Self::Modbus(reply) => reply.find(bytes),
            Self::Osdp(reply) => reply.find(bytes),
            Self::IdCard(reply) => reply.find(bytes),
        }
    }

    /// What a Modbus reply has to be; asked of another protocol's exchange, no bytes are its reply.
    pub(crate) fn modbus(&self) -> Result<&Reply, ReplyError> {
        match self {
            Self::Modbus(reply) => Ok(reply),
            Self::Osdp(reply) => Err(ReplyError::Foreign { address: reply.address(), function: 0 }),
            Self::IdCard(_) => Err(ReplyError::Foreign { address: 0, function: 0 }),
        }
    }

    /// Who is asked, for fair turns between the devices on one line.
    pub fn address(&self) -> u8 {
        match self {
            Self::Modbus(reply) => reply.address(),
            Self::Osdp(reply) => reply.address(),
            Self::IdCard(_) => 0,
        }
    }
}
