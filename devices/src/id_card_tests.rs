//! The published frames, every split point, damage, and a card from the find to its number.

use super::*;

const NUMBER_TEXT: &str = "11010519491231002X";

/// As a reader says a card: name and the rest of the text, and a picture.
fn card(number: &str) -> Vec<u8> {
    let mut text = vec![b' '; 0];
    let mut put = |field: &str, bytes: usize| {
        let mut units: Vec<u8> = field.encode_utf16().flat_map(u16::to_le_bytes).collect();
        while units.len() < bytes {
            units.extend(u16::from(b' ').to_le_bytes());
        }
        text.extend(&units[..bytes]);
    };
    for (field, bytes) in [
        ("张三", 30),
        ("1", 2),
        ("01", 4),
        ("19491231", 16),
        ("北京市东城区", 70),
        (number, 36),
        ("北京市公安局", 30),
        ("20200101", 16),
        ("20400101", 16),
        ("", 36),
    ] {
        put(field, bytes);
    }
    assert_eq!(text.len(), 256);
    let picture = vec![0xAA; 1_024];
    let lengths = [1, 0, 4, 0];
    frame(&[&[0, 0, DONE], &lengths[..], &text, &picture].concat())
}

fn panel() -> IdCardPanel {
    IdCardPanel::new(&Profile::find("reader/id-card-serial").unwrap()).unwrap()
}

fn answers() -> [(Step, Vec<u8>); 3] {
    [
        (Step::Find, frame(&[0, 0, FOUND, 0, 0, 0, 0])),
        (Step::Select, frame(&[0, 0, DONE, 0, 0, 0, 0, 0, 0, 0, 0])),
        (Step::Read, card(NUMBER_TEXT)),
    ]
}

#[test]
fn the_frames_are_the_published_ones() {
    for (step, bytes) in [
        (Step::Find, "aaaaaa96690003200122"),
        (Step::Select, "aaaaaa96690003200221"),
        (Step::Read, "aaaaaa96690003300132"),
    ] {
        let hex: String = frame(&step.words()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, bytes);
        assert_eq!(question(&frame(&step.words())), Some(step));
    }
    assert_eq!(answers()[0].1[5..], [0, 8, 0, 0, 0x9F, 0, 0, 0, 0, 0x97]);
    assert_eq!(answers()[1].1.last(), Some(&0x9C));
    assert_eq!(frame(&[0, 0, NONE_THERE]).last(), Some(&0x84));
}

#[test]
fn an_answer_is_found_whole_behind_noise_and_at_every_split_point() {
    for (step, answer) in answers() {
        let reply = IdReply(step);
        for cut in 0..answer.len() {
            assert_eq!(reply.find(&answer[..cut]), None, "{step:?} cut at {cut}");
        }
        assert_eq!(reply.find(&answer), Some(0..answer.len()));
        // Noise, our own echo, and half a head before it.
        let noise = [&[0x00, 0xAA, 0xAA][..], &frame(&step.words()), &HEAD[..4]].concat();
        let heard = [&noise[..], &answer, &[0x55]].concat();
        assert_eq!(reply.find(&heard), Some(noise.len()..noise.len() + answer.len()));
        // One bit wrong anywhere: no answer.
        for at in 0..answer.len() {
            let mut damaged = answer.clone();
            damaged[at] ^= 0x10;
            assert_eq!(reply.find(&damaged), None, "{step:?} damaged at {at}");
        }
        for (other, late) in answers().iter().filter(|(other, _)| *other != step) {
            assert_eq!(reply.find(late), None, "{other:?} is no answer to {step:?}");
        }
    }
}

#[test]
fn a_card_is_told_once_while_it_lies_there_and_nothing_else_of_it_is_kept() {
    let mut panel = panel();
    let mut now = 1_000;
    let mut round = |panel: &mut IdCardPanel, after: i64| {
        now += after;
        let mut all = Vec::new();
        for (step, answer) in answers() {
            let Expect::IdCard(reply) = panel.ask([0; 8]).expect else { panic!() };
            assert_eq!(reply, IdReply(step));
            all.extend(panel.heard(&answer, now));
        }
        all
    };
    let number = IdNumber::parse(NUMBER_TEXT).unwrap();
    let event = || Told::Event(DeviceEvent::IdCardRead { number: number.clone() });
    assert_eq!(round(&mut panel, 0), [Told::Online { secure: false }, event()]);
    assert_eq!(round(&mut panel, 400), []);
    assert_eq!(round(&mut panel, 400), [], "it still lies there");
    assert_eq!(round(&mut panel, 60_000), [event()]);
    let printed = format!("{panel:?} {:?}", event());
    assert!(!printed.contains("1101051949") && !printed.contains("张三"), "{printed}");
}

#[test]
fn no_card_a_refusal_and_nonsense_begin_anew_and_silence_is_told_once() {
    let mut panel = panel();
    assert_eq!(panel.heard(&frame(&[0, 0, NONE_THERE]), 0), [Told::Online { secure: false }]);
    assert!(panel.due_at_ms() > 0, "looked for again after a while");
    let [find, select, read] = answers().map(|(_, answer)| answer);
    for bad in [frame(&[0, 0, NOT_TAKEN]), frame(&[0, 0, 0x21])] {
        assert_eq!(panel.heard(&find, 1), []);
        assert_eq!(panel.heard(&bad, 1), []);
        assert_eq!(panel.step, Step::Find);
    }
    for bad in [frame(&[0, 0, NOT_READ]), card("11010519491231 02X"), card("")] {
        panel.heard(&find, 1);
        panel.heard(&select, 1);
        assert_eq!(panel.heard(&bad, 1), [], "no number, no event");
        assert_eq!(panel.step, Step::Find);
    }
    let short = frame(&[&[0, 0, DONE, 1, 0, 4, 0][..], &[0; 40]].concat());
    panel.heard(&find, 1);
    panel.heard(&select, 1);
    assert_eq!(panel.heard(&short, 1), []);
    let told: Vec<_> = (0..6).flat_map(|at| panel.unheard(at)).collect();
    assert_eq!(told, [Told::Offline]);
    panel.heard(&find, 9);
    panel.heard(&select, 9);
    assert_eq!(panel.heard(&read, 9).len(), 1);
}
