//! Seeded: visitors, lost and late messages, restarts and cuts in any order. Unless the site says `admit`, nobody comes in
//! twice; with it, everybody who did is told.

use super::*;

/// Small and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Something on its way.
enum Mail {
    Question(usize, SisterAsk, bool),
    Word(usize, AskId, SisterWord),
    News(usize, SisterNews),
    Took(usize, Vec<AskId>, Vec<AskId>),
}

impl Pair {
    fn deliver(&mut self, mail: Mail, wire: &mut Vec<Mail>) {
        match mail {
            Mail::Question(from, ask, watched) => {
                let word = self.word(from, &ask, watched);
                wire.push(Mail::Word(from, ask.id, word));
            }
            Mail::Word(to, ask, word) => drop(self.said(to, ask, word)),
            Mail::News(from, news) => {
                let sister = Self::issuer(from);
                let mut asks: Vec<AskId> = news.reports.iter().map(|report| report.ask).collect();
                let over = news.reports.iter().filter_map(|r| self.0[1 - from].ticket(r.ticket));
                let found = over.collect();
                let told = self.0[1 - from].site.tell(Input::SisterTold { sister, news, found });
                self.0[1 - from].obey();
                let Ok(Answer::Told { doubles, later }) = told else { panic!("{told:?}") };
                asks.retain(|ask| !later.contains(ask));
                wire.push(Mail::Took(from, asks, doubles));
            }
            Mail::Took(to, asks, doubles) => {
                self.0[to].site.tell(Input::SisterTook { asks, doubles }).unwrap();
            }
        }
    }

    fn is_apart(&self, at: usize) -> bool {
        let sister = self.0[at].site.state.sisters.get(&Self::issuer(1 - at));
        sister.is_some_and(|sister| sister.apart_since.is_some())
    }
}

fn run(seed: u64, when_apart: WhenApart) -> usize {
    let mut dice = Dice(seed);
    let mut pair = Pair::new(when_apart);
    let shown: Vec<(Presented, u32)> = (0..3)
        .map(|_| {
            let (at, persons) = (dice.roll(2) as usize, 1 + dice.roll(2) as u32);
            (pair.0[at].sell(persons), persons)
        })
        .collect();
    let mut wire: Vec<Mail> = Vec::new();
    let mut cut = false;
    for _ in 0..120 {
        let at = dice.roll(2) as usize;
        match dice.roll(10) {
            0..=2 => {
                let pick = dice.roll(shown.len() as u64) as usize;
                let _ = pair.0[at].scan(shown[pick].0);
            }
            3 | 4 if pair.0[at].is_open() => pair.0[at].walk(),
            3..=5 => {
                let news = pair.0[at].news(Pair::issuer(1 - at));
                wire.push(Mail::News(at, news));
                if !cut && pair.is_apart(at) {
                    let sister = Pair::issuer(1 - at);
                    pair.0[at].site.tell(Input::SisterHeard { sister }).unwrap();
                }
            }
            6 => {
                let time = [100, 400, 5_000, 31_000][dice.roll(4) as usize];
                pair.wait(Duration::from_millis(time));
            }
            7 if dice.roll(4) == 0 => pair.0[at].start(),
            7 if dice.roll(4) == 0 => {
                cut = !cut;
                if cut {
                    pair.part();
                }
            }
            _ if !wire.is_empty() => {
                let mail = wire.swap_remove(dice.roll(wire.len() as u64) as usize);
                match dice.roll(8) {
                    0 => {}
                    _ if cut => {}
                    _ => pair.deliver(mail, &mut wire),
                }
            }
            _ => {}
        }
        for from in [HOME, AWAY] {
            let asked = std::mem::take(&mut pair.0[from].asked);
            wire.extend(asked.into_iter().map(|(ask, watched)| Mail::Question(from, ask, watched)));
        }
    }
    // The network heals, whoever is under way goes or is given back, and all is told.
    wire.clear();
    for _ in 0..4 {
        pair.wait(Duration::from_secs(40));
        pair.meet();
    }
    for end in &pair.0 {
        assert!(end.site.state.asks.is_empty(), "seed {seed}: {:?}", end.site.state.asks);
    }
    let mut doubles = 0;
    for (shown, persons) in shown {
        let id = id_of(shown);
        let home = usize::from(TicketRules::issuer_of(id)) - 1;
        let at_gates: usize = [HOME, AWAY]
            .map(|at| {
                let used = pair.0[at].used();
                used.iter().filter(|a| a.ticket == Some(id) && a.lent_to.is_none()).count()
            })
            .iter()
            .sum();
        let ticket = pair.0[home].ticket(id).unwrap();
        let twice = at_gates.saturating_sub(persons as usize);
        assert!(
            when_apart == WhenApart::Admit || twice == 0,
            "seed {seed}: {at_gates} of {persons}"
        );
        let on_record = pair.0[home].used();
        let told = on_record.iter().filter(|a| a.ticket == Some(id) && a.double).count();
        let counted = on_record.iter().filter(|a| a.ticket == Some(id) && !a.double).count();
        assert_eq!((twice, counted), (told, ticket.used as usize), "seed {seed}");
        assert_eq!(counted + told, at_gates, "seed {seed}: each person is on record once");
        assert_eq!(ticket.held, 0, "seed {seed}");
        doubles += told;
    }
    assert_eq!(pair.0.iter().map(End::double_tasks).sum::<usize>(), 2 * doubles, "seed {seed}");
    doubles
}

#[test]
fn whatever_the_network_does_nobody_comes_in_twice_unless_the_site_says_so() {
    for when_apart in [WhenApart::HomeOnly, WhenApart::Refuse] {
        (0..400).for_each(|seed| assert_eq!(run(seed, when_apart), 0));
    }
    let doubles: usize = (0..400).map(|seed| run(seed, WhenApart::Admit)).sum();
    assert!(doubles > 10, "some came in twice, and every one was told: {doubles}");
}
