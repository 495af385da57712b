//! Tests of the module `turnstile_lot`.

use proptest::prelude::*;

use super::*;

fn turnstile() -> LotTurnstile {
    LotTurnstile::new(&Profile::find("turnstile/lot-modbus").unwrap(), None).unwrap()
}

fn words_reply(words: &[u16]) -> Vec<u8> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    modbus::frame(&[&[1, 3, bytes.len() as u8], &bytes[..]].concat())
}

#[test]
fn published_frames() {
    let one = turnstile();
    let rows: [(Exchange, &[u8]); 5] = [
        (one.grant(Way::In), &[1, 0x10, 0, 0x40, 0, 1, 2, 0, 1, 0x69, 0x50]),
        (one.free(Way::In), &[1, 0x10, 0, 0x40, 0, 1, 2, 0xFF, 0xFF, 0xA9, 0x20]),
        (one.close(Way::In), &[1, 0x10, 0, 0x40, 0, 1, 2, 0, 0, 0xA8, 0x90]),
        (one.read_state(Way::In), &[1, 3, 0, 0x42, 0, 1, 0x24, 0x1E]),
        (one.read_counter(Way::In), &[1, 3, 0, 0x44, 0, 2, 0x84, 0x1E]),
    ];
    for (exchange, frame) in rows {
        assert_eq!(exchange.request, frame);
        assert_eq!(exchange.repeatable, frame[1] == 3, "a pass is never asked for twice");
    }
    assert_eq!(one.grant(Way::Out).request[..4], [1, 0x10, 0, 0x41]);
    assert_eq!(one.read_counter(Way::Out).request[..4], [1, 3, 0, 0x46]);
    assert_eq!(one.read_counter_high(Way::Out).request[..4], [1, 3, 0, 0x47]);
}

#[test]
fn replies_are_read() {
    let one = turnstile();
    let grant = one.grant(Way::In);
    let echo = modbus::frame(&[1, 0x10, 0, 0x40, 0, 1]);
    assert_eq!(accepted(&grant, &echo), Ok(()));
    let other = modbus::frame(&[1, 0x10, 0, 0x41, 0, 1]);
    assert!(matches!(accepted(&grant, &other), Err(ReplyError::Foreign { .. })));
    let refusal = modbus::frame(&[1, 0x90, 4]);
    let refused = ReplyError::Exception { address: 1, function: 0x10, code: 4 };
    assert_eq!(accepted(&grant, &refusal), Err(refused));
    let count = one.read_counter(Way::In);
    assert_eq!(counter(&count, &words_reply(&[0x2345, 1])), Ok(0x1_2345));
    let ask = one.read_state(Way::Out);
    let states = [0, 1, 2, 9].map(|number| state(&ask, &words_reply(&[number])).unwrap());
    let named = [SideState::Closed, SideState::Counted, SideState::Free, SideState::Other(9)];
    assert_eq!(states, named);
    let ask = one.read_mode();
    let modes = [0, 1, 2, 7].map(|number| mode(&ask, &words_reply(&[number])).unwrap());
    assert_eq!(modes, [Mode::Normal, Mode::Blocked, Mode::AntiPanic, Mode::Other(7)]);
    assert_eq!(errors(&one.read_errors(), &words_reply(&[0x7F03])), Ok(3));
}

#[test]
fn a_reply_is_found_at_every_split_behind_garbage_and_damage() {
    let ask = turnstile().read_counter(Way::In);
    let reply = words_reply(&[7, 0]);
    for cut in 0..reply.len() {
        assert_eq!(ask.expect.find(&reply[..cut]), None, "cut at {cut}");
    }
    for i in 0..reply.len() {
        let mut damaged = reply.clone();
        damaged[i] ^= 0x10;
        assert!(counter(&ask, &damaged).is_err(), "byte {i} damaged and not seen");
        let stream = [damaged, reply.clone(), vec![0; 300]].concat();
        assert_eq!(ask.expect.find(&stream), Some(reply.len()..2 * reply.len()));
    }
}

#[test]
fn a_count_that_changes_between_its_words_is_read_again() {
    let one = turnstile();
    let mut reading = CountReading::new(Way::In);
    let mut say = |words: &[u16]| {
        let ask = reading.next(&one);
        reading.heard(&ask, &words_reply(words)).unwrap()
    };
    // 0x0000FFFF was 0x00010000 by the time its high word was looked at again.
    assert_eq!(say(&[0xFFFF, 0]), None);
    assert_eq!(say(&[1]), None, "the words do not belong together");
    assert_eq!(say(&[0, 1]), None);
    assert_eq!(say(&[1]), Some(0x1_0000));
}

#[test]
fn the_profile_and_the_address_must_fit() {
    let profile = Profile::find("turnstile/lot-modbus").unwrap();
    for address in [0, 248] {
        let refused = LotTurnstile::new(&profile, Some(address)).unwrap_err();
        assert_eq!(refused, LotError::Request(RequestError::Address(address)));
    }
    assert_eq!(LotTurnstile::new(&profile, Some(9)).unwrap().address(), 9);
    let other = Profile::find("turnstile/relay-pulse").unwrap();
    assert!(matches!(LotTurnstile::new(&other, None), Err(LotError::WrongProfile(_))));
}

proptest! {
    #[test]
    fn arbitrary_replies_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let one = turnstile();
        let mut reading = CountReading::new(Way::Out);
        for ask in [one.grant(Way::In), one.read_counter(Way::Out), one.read_mode()] {
            let _ = (accepted(&ask, &bytes), counter(&ask, &bytes), state(&ask, &bytes));
            let _ = (reading.heard(&ask, &bytes), errors(&ask, &bytes), mode(&ask, &bytes));
        }
    }
}
