//! Tests of the module `modbus`.

use proptest::prelude::*;

use super::*;

fn expect(exchange: &Exchange) -> &Reply {
    let Expect::Modbus(reply) = &exchange.expect;
    reply
}

#[test]
fn published_requests() {
    let rows: [(Exchange, &[u8]); 5] = [
        (read_coils(1, 0, 8).unwrap(), &[1, 1, 0, 0, 0, 8, 0x3D, 0xCC]),
        (read_inputs(1, 0, 8).unwrap(), &[1, 2, 0, 0, 0, 8, 0x79, 0xCC]),
        (write_coil(1, 0, 0x5500).unwrap(), &[1, 5, 0, 0, 0x55, 0, 0xF2, 0x9A]),
        (write_coil(1, 0xFF, 0xFF00).unwrap(), &[1, 5, 0, 0xFF, 0xFF, 0, 0xBC, 0x0A]),
        (write_coils(1, 0, &[true; 8]).unwrap(), &[1, 0x0F, 0, 0, 0, 8, 1, 0xFF, 0xBE, 0xD5]),
    ];
    for (exchange, frame) in rows {
        assert_eq!(exchange.request, frame);
    }
}

#[test]
fn requests_out_of_range_are_refused() {
    assert_eq!(read_inputs(0, 0, 8), Err(RequestError::Address(0)));
    assert_eq!(write_coil(248, 0, 0), Err(RequestError::Address(248)));
    assert_eq!(read_coils(1, 0, 0), Err(RequestError::Count(0)));
    assert_eq!(read_coils(1, 0, 2001), Err(RequestError::Count(2001)));
    assert_eq!(write_coils(1, 0, &[]), Err(RequestError::Count(0)));
    assert_eq!(write_coils(1, 0, &[false; 1969]), Err(RequestError::Count(1969)));
}

#[test]
fn a_reply_is_complete_only_at_its_last_byte() {
    let ask = read_inputs(7, 0, 12).unwrap();
    let reply = frame(&[7, 2, 2, 0x34, 0x0A]);
    for cut in 0..reply.len() {
        assert_eq!(expect(&ask).find(&reply[..cut]), None, "cut at {cut}");
    }
    assert_eq!(expect(&ask).find(&reply), Some(0..7));
    let states = expect(&ask).bits(&reply, 12).unwrap();
    let on: Vec<usize> = (0..12).filter(|i| states[*i]).collect();
    assert_eq!(on, [2, 4, 5, 9, 11]);
}

#[test]
fn what_is_not_the_reply_is_stepped_over() {
    let ask = read_inputs(1, 0, 8).unwrap();
    let reply = frame(&[1, 2, 1, 0x05]);
    let mut damaged = reply.clone();
    damaged[3] ^= 0x10;
    let rows: [(&str, Vec<u8>); 6] = [
        ("noise", vec![0x00, 0xFF, 0x01, 0x02, 0x01]),
        ("wrong checksum", damaged),
        ("another address", frame(&[2, 2, 1, 0x05])),
        ("another function", frame(&[1, 1, 1, 0x05])),
        ("another length", frame(&[1, 2, 2, 0x05, 0x00])),
        ("cut short", reply[..4].to_vec()),
    ];
    for (what, before) in rows {
        assert_eq!(expect(&ask).find(&before), None, "{what} taken for the reply");
        let stream = [before.as_slice(), &reply, b"more"].concat();
        let range = expect(&ask).find(&stream).unwrap_or_else(|| panic!("lost behind {what}"));
        assert_eq!(&stream[range], reply, "{what}");
    }
    let long = [vec![0x01; 5000], reply.clone()].concat();
    assert_eq!(expect(&ask).find(&long), Some(5000..5006));
}

#[test]
fn an_echo_must_be_of_this_very_write() {
    let pulse = write_coil(1, 0x0200, 5).unwrap();
    let longer = write_coil(1, 0x0200, 7).unwrap();
    assert_eq!(expect(&pulse).find(&longer.request), None);
    assert_eq!(expect(&pulse).find(&pulse.request), Some(0..8));
    assert_ne!(pulse.expect, longer.expect);
    assert_eq!(read_inputs(1, 0, 8).unwrap().expect, read_inputs(1, 0, 7).unwrap().expect);
}

#[test]
fn exceptions_are_refusals_with_words() {
    let ask = read_inputs(1, 0, 8).unwrap();
    let refusal = frame(&[1, 0x82, 2]);
    assert_eq!(expect(&ask).find(&refusal), Some(0..5));
    let error = expect(&ask).bits(&refusal, 8).unwrap_err();
    assert_eq!(error, ReplyError::Exception { address: 1, function: 2, code: 2 });
    assert!(error.to_string().contains("no such coil, input or register"), "{error}");
    assert!(matches!(expect(&ask).bits(b"nonsense", 8), Err(ReplyError::Foreign { .. })));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for ask in [read_coils(1, 0, 2000).unwrap(), write_coil(1, 0, 0).unwrap()] {
            if let Some(range) = expect(&ask).find(&bytes) {
                prop_assert!(checksum_holds(&bytes[range]));
            }
            let _ = expect(&ask).bits(&bytes, 2000);
        }
    }

    #[test]
    fn a_valid_frame_is_found_behind_garbage(
        garbage in prop::collection::vec(any::<u8>(), 0..100),
        state in any::<u8>(),
    ) {
        let ask = read_inputs(3, 0, 8).unwrap();
        let reply = frame(&[3, 2, 1, state]);
        let stream = [garbage, reply.clone()].concat();
        let range = expect(&ask).find(&stream);
        // Garbage may by chance hold or complete a valid frame; then that one comes first.
        prop_assert!(range.is_some());
        prop_assert!(range.is_some_and(|r| checksum_holds(&stream[r.clone()]) && r.end <= stream.len()));
    }
}
