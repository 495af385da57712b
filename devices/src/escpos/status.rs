//! A printer's word of itself: which bytes to ask with, and what the answers mean. Knows no
//! time-out: silence is the caller's to notice.

/// One question; its answer is one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `DLE EOT 1`: on or off line.
    Printer,
    /// `DLE EOT 2`: why off line.
    Offline,
    /// `DLE EOT 3`: which error.
    Error,
    /// `DLE EOT 4`: paper.
    Paper,
    /// `GS r 1`: paper, answered when all before it is done.
    InOrder,
}

impl Ask {
    /// What to send.
    pub fn request(self) -> &'static [u8] {
        match self {
            Self::Printer => &[0x10, 0x04, 1],
            Self::Offline => &[0x10, 0x04, 2],
            Self::Error => &[0x10, 0x04, 3],
            Self::Paper => &[0x10, 0x04, 4],
            Self::InOrder => &[0x1D, 0x72, 1],
        }
    }

    /// Some bits of every answer are fixed, so that noise and flow control bytes are told apart.
    fn fits(self, byte: u8) -> bool {
        match self {
            Self::Printer | Self::Offline | Self::Error | Self::Paper => byte & 0x93 == 0x12,
            Self::InOrder => byte & 0x90 == 0,
        }
    }

    /// The first byte that can be the answer.
    pub fn answer(self, bytes: &[u8]) -> Option<u8> {
        bytes.iter().copied().find(|byte| self.fits(*byte))
    }
}

/// Of the roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    /// Not said.
    #[default]
    Unknown,
    /// Enough.
    Present,
    /// Soon out.
    NearEnd,
    /// Out.
    Out,
}

/// What stands against printing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Put in a new roll.
    PaperOut,
    /// Close it.
    CoverOpen,
    /// Knife, head or electronics: look at it.
    Broken,
    /// It says no more than that.
    Offline,
}

/// What a printer is like, as far as it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrinterState {
    /// Of the roll.
    pub paper: Paper,
    /// It prints nothing now.
    pub offline: bool,
    /// Its cover.
    pub cover_open: bool,
    /// Knife, head, electronics.
    pub broken: bool,
}

impl PrinterState {
    /// What stands against printing, the most telling first.
    pub fn fault(self) -> Option<Fault> {
        if self.paper == Paper::Out {
            Some(Fault::PaperOut)
        } else if self.cover_open {
            Some(Fault::CoverOpen)
        } else if self.broken {
            Some(Fault::Broken)
        } else {
            self.offline.then_some(Fault::Offline)
        }
    }
}

/// Gathers answers. Only a printer that answered every question is known to be well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answers {
    state: PrinterState,
    answered: usize,
}

impl Answers {
    /// The answer to a question.
    pub fn take(&mut self, ask: Ask, byte: u8) {
        let is_set = |bits: u8| byte & bits != 0;
        self.answered += 1;
        let state = &mut self.state;
        match ask {
            Ask::Printer => state.offline |= is_set(0x08),
            Ask::Offline => {
                state.cover_open |= is_set(0x04);
                state.broken |= is_set(0x40);
                if is_set(0x20) {
                    state.paper = Paper::Out;
                }
            }
            Ask::Error => state.broken |= is_set(0x28),
            Ask::Paper => state.paper = worse(state.paper, is_set(0x60), is_set(0x0C)),
            Ask::InOrder => state.paper = worse(state.paper, is_set(0x0C), is_set(0x03)),
        }
    }

    /// What is known so far.
    pub fn state(&self) -> PrinterState {
        self.state
    }

    /// Questions answered.
    pub fn answered(&self) -> usize {
        self.answered
    }
}

/// What one answer says does not undo what another said.
fn worse(known: Paper, out: bool, near_end: bool) -> Paper {
    match known {
        Paper::Out => Paper::Out,
        _ if out => Paper::Out,
        Paper::NearEnd => Paper::NearEnd,
        Paper::Unknown | Paper::Present if near_end => Paper::NearEnd,
        Paper::Unknown | Paper::Present => Paper::Present,
    }
}
