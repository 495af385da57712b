//! Against real pseudo-terminals: the test holds the master and plays the board.

use std::{fs, os::unix::fs::symlink, path::PathBuf, time::Duration};

use paifang_devices::{Exchange, modbus, relay_board};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_serial::{SerialPort, SerialStream};

use super::*;

mod pymodbus;

const REPLY_MAX: Duration = Duration::from_millis(60);
const PATIENCE: Duration = Duration::from_secs(5);

/// The far end of a line.
struct Board {
    master: SerialStream,
    path: String,
}

impl Board {
    fn new() -> Self {
        let (master, slave) = SerialStream::pair().unwrap();
        Self { master, path: slave.name().unwrap() }
    }

    /// Exactly `count` bytes.
    async fn hear(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        timeout(PATIENCE, self.master.read_exact(&mut bytes)).await.expect("no request").unwrap();
        bytes
    }

    async fn expect(&mut self, exchange: &Exchange) {
        assert_eq!(self.hear(exchange.request.len()).await, exchange.request);
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).await.unwrap();
    }

    fn is_silent(&mut self) -> bool {
        let read = self.master.try_read(&mut [0; 64]);
        read.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// A folder with the port's lasting name in it, as udev keeps one under `/dev/serial/by-id`.
struct ById(PathBuf);

impl ById {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("paifang-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn port(&self) -> String {
        self.0.join("port").to_str().unwrap().to_string()
    }

    fn plug(&self, board: &Board) {
        symlink(&board.path, self.port()).unwrap();
    }

    fn unplug(&self) {
        fs::remove_file(self.port()).unwrap();
    }
}

impl Drop for ById {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bus(path: &str) -> BusHandle {
    let gap = Duration::from_millis(2);
    Bus::open(SerialSettings { path: path.into(), baud: 115_200, gap, framing: Framing::default() })
}

async fn wait_for(bus: &BusHandle, up: bool) -> LineStatus {
    let mut status = bus.status();
    let seen = timeout(PATIENCE, status.wait_for(|s| (*s == LineStatus::Up) == up)).await;
    seen.expect("the line did not change").unwrap().clone()
}

async fn line() -> (Board, BusHandle) {
    let board = Board::new();
    let bus = bus(&board.path);
    wait_for(&bus, true).await;
    (board, bus)
}

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

fn ask(bus: &BusHandle, exchange: &Exchange) -> JoinHandle<Result<Vec<u8>, BusError>> {
    ask_until(bus, exchange, soon())
}

fn ask_until(
    bus: &BusHandle,
    exchange: &Exchange,
    deadline: Instant,
) -> JoinHandle<Result<Vec<u8>, BusError>> {
    let (bus, exchange) = (bus.clone(), exchange.clone());
    tokio::spawn(async move { bus.exchange(exchange, REPLY_MAX, deadline).await })
}

async fn answer(asked: JoinHandle<Result<Vec<u8>, BusError>>) -> Result<Vec<u8>, BusError> {
    timeout(PATIENCE, asked).await.expect("no answer").unwrap()
}

fn read(address: u8) -> Exchange {
    modbus::read_inputs(address, 0, 8).unwrap()
}

fn states(address: u8, bits: u8) -> Vec<u8> {
    modbus::frame(&[address, 2, 1, bits])
}

fn pulse() -> Exchange {
    modbus::write_coil(1, 0x0200, 5).unwrap()
}

#[tokio::test]
async fn a_request_gets_its_reply() {
    let (mut board, bus) = line().await;
    let asked = ask(&bus, &pulse());
    board.expect(&pulse()).await;
    board.say(&pulse().request).await;
    let reply = answer(asked).await.unwrap();
    assert_eq!(relay_board::accepted(&pulse(), &reply), Ok(()));
}

#[tokio::test]
async fn a_reply_in_pieces_behind_garbage_is_found() {
    let (mut board, bus) = line().await;
    let asked = ask(&bus, &read(1));
    board.expect(&read(1)).await;
    let mut damaged = states(1, 0x0F);
    damaged[3] ^= 1;
    board
        .say(
            &[&[0; 700], &damaged[..], &states(2, 0x0F), &modbus::frame(&[1, 1, 1, 0x0F])].concat(),
        )
        .await;
    for byte in states(1, 0x05) {
        board.say(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(answer(asked).await, Ok(states(1, 0x05)));
}

#[tokio::test]
async fn a_refusal_is_a_reply() {
    let (mut board, bus) = line().await;
    let asked = ask(&bus, &pulse());
    board.expect(&pulse()).await;
    board.say(&modbus::frame(&[1, 0x85, 2])).await;
    let reply = answer(asked).await.unwrap();
    assert!(relay_board::accepted(&pulse(), &reply).is_err());
}

#[tokio::test]
async fn a_silent_board_is_asked_twice_only_for_what_is_repeatable() {
    let (mut board, bus) = line().await;
    let silent = |error: &BusError| matches!(error, BusError::TimedOut { address: 1, .. });
    let error = answer(ask(&bus, &read(1))).await.unwrap_err();
    assert!(silent(&error) && error.may_have_acted(), "{error}");
    let error = answer(ask(&bus, &pulse())).await.unwrap_err();
    assert!(silent(&error) && error.may_have_acted(), "{error}");
    let last = ask(&bus, &read(9));
    for exchange in [read(1), read(1), pulse(), read(9)] {
        board.expect(&exchange).await;
    }
    board.say(&states(9, 0)).await;
    assert!(answer(last).await.is_ok());
    assert!(board.is_silent());
}

#[tokio::test]
async fn a_second_try_may_succeed() {
    let (mut board, bus) = line().await;
    let asked = ask(&bus, &read(1));
    board.expect(&read(1)).await;
    board.expect(&read(1)).await;
    board.say(&states(1, 0x01)).await;
    assert_eq!(answer(asked).await, Ok(states(1, 0x01)));
}

#[tokio::test]
async fn a_late_reply_is_not_taken_for_the_next_one() {
    let (mut board, bus) = line().await;
    let start = Instant::now();
    assert!(answer(ask(&bus, &read(1))).await.is_err());
    board.hear(16).await;
    let next = ask(&bus, &read(1));
    board.say(&states(1, 0xFF)).await;
    board.expect(&read(1)).await;
    // Two tries, and as long again in which the late reply may come.
    assert!(start.elapsed() >= REPLY_MAX * 3, "asked too early: {:?}", start.elapsed());
    board.say(&states(1, 0x00)).await;
    assert_eq!(answer(next).await, Ok(states(1, 0x00)), "the fresh one");
}

#[tokio::test]
async fn another_board_is_asked_while_a_late_reply_may_come() {
    let (mut board, bus) = line().await;
    assert!(answer(ask(&bus, &read(1))).await.is_err());
    board.hear(16).await;
    let (again, other) = (ask(&bus, &read(1)), ask(&bus, &read(2)));
    board.expect(&read(2)).await;
    board.say(&[states(1, 0xFF), states(2, 0x02)].concat()).await;
    assert_eq!(answer(other).await, Ok(states(2, 0x02)));
    board.expect(&read(1)).await;
    board.say(&states(1, 0x01)).await;
    assert_eq!(answer(again).await, Ok(states(1, 0x01)));
}

#[tokio::test]
async fn what_came_unasked_is_thrown_away() {
    let (mut board, bus) = line().await;
    board.say(&states(1, 0xFF)).await;
    let asked = ask(&bus, &read(1));
    board.expect(&read(1)).await;
    board.say(&states(1, 0x00)).await;
    assert_eq!(answer(asked).await, Ok(states(1, 0x00)));
}

#[tokio::test]
async fn a_pulse_overtakes_readings() {
    let (mut board, bus) = line().await;
    let mut asked = vec![ask(&bus, &read(1))];
    board.expect(&read(1)).await;
    for exchange in [read(2), read(3), pulse()] {
        asked.push(ask(&bus, &exchange));
    }
    tokio::task::yield_now().await;
    board.say(&states(1, 0)).await;
    for (exchange, reply) in
        [(pulse(), pulse().request), (read(2), states(2, 0)), (read(3), states(3, 0))]
    {
        board.expect(&exchange).await;
        board.say(&reply).await;
    }
    for one in asked {
        assert!(answer(one).await.is_ok());
    }
}

#[tokio::test]
async fn frames_without_reply_keep_their_gap() {
    let (mut board, bus) = line().await;
    let gap = Duration::from_millis(50);
    let (sender, start) = (bus.clone(), Instant::now());
    let sent = tokio::spawn(async move {
        for _ in 0..2 {
            sender.send(vec![0x55; 20], gap, soon()).await.unwrap();
        }
    });
    board.hear(40).await;
    assert!(start.elapsed() >= gap, "{:?}", start.elapsed());
    timeout(PATIENCE, sent).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pulled_plug_is_noticed_and_the_same_path_opened_again() {
    let by_id = ById::new("replug");
    let board = Board::new();
    by_id.plug(&board);
    let bus = bus(&by_id.port());
    wait_for(&bus, true).await;
    by_id.unplug();
    drop(board);
    let LineStatus::Down { why } = wait_for(&bus, false).await else { panic!("up") };
    assert!(why.contains("plug"), "the operator is told what to check: {why}");

    let mut board = Board::new();
    by_id.plug(&board);
    wait_for(&bus, true).await;
    let asked = ask(&bus, &read(1));
    board.expect(&read(1)).await;
    board.say(&states(1, 0x03)).await;
    assert_eq!(answer(asked).await, Ok(states(1, 0x03)));
}

#[tokio::test]
async fn a_plug_pulled_under_a_request_leaves_it_uncertain() {
    let (mut board, bus) = line().await;
    let asked = ask(&bus, &pulse());
    board.expect(&pulse()).await;
    drop(board);
    let error = answer(asked).await.unwrap_err();
    assert!(matches!(error, BusError::Lost { .. }) && error.may_have_acted(), "{error}");
}

#[tokio::test]
async fn an_open_that_fell_due_while_the_line_was_down_is_never_sent() {
    let by_id = ById::new("expiry");
    let bus = bus(&by_id.port());
    wait_for(&bus, false).await;
    let stale = ask_until(&bus, &pulse(), Instant::now() + Duration::from_millis(30));
    let taken_back = ask(&bus, &modbus::write_coil(1, 0, 0xFF00).unwrap());
    let waiting = ask(&bus, &read(1));
    let error = answer(stale).await.unwrap_err();
    assert!(matches!(error, BusError::Expired { .. }) && !error.may_have_acted(), "{error}");
    taken_back.abort();
    assert!(taken_back.await.unwrap_err().is_cancelled());

    let mut board = Board::new();
    by_id.plug(&board);
    wait_for(&bus, true).await;
    board.expect(&read(1)).await;
    board.say(&states(1, 0)).await;
    assert!(answer(waiting).await.is_ok());
    assert!(board.is_silent(), "neither the stale nor the taken back write went out");
}

#[tokio::test]
async fn a_full_queue_says_so() {
    let bus = bus("/nowhere/port");
    let deadline = Instant::now() + Duration::from_millis(50);
    let asked = (0..200).map(|_| bus.exchange(read(1), REPLY_MAX, deadline));
    let answers = futures::future::join_all(asked).await;
    let count = |wanted: fn(&BusError) -> bool| {
        answers.iter().filter(|answer| answer.as_ref().is_err_and(wanted)).count()
    };
    let full = count(|e| matches!(e, BusError::Full { .. }));
    let expired = count(|e| matches!(e, BusError::Expired { .. }));
    assert_eq!((full, expired), (200 - QUEUE_MAX, QUEUE_MAX));
}

#[tokio::test]
async fn the_port_is_free_when_the_last_handle_is_gone() {
    let (board, first) = line().await;
    let second = bus(&board.path);
    let mut status = second.status();
    let refused = |s: &LineStatus| matches!(s, LineStatus::Down { why } if why.contains("another"));
    timeout(PATIENCE, status.wait_for(refused)).await.expect("two owners on one port").unwrap();
    drop(first);
    wait_for(&second, true).await;
}

/// Asks `address` as a daemon does, whatever the answers, until the test ends.
fn poll(bus: &BusHandle, address: u8) -> JoinHandle<()> {
    let bus = bus.clone();
    tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let _ = bus.exchange(read(address), REPLY_MAX, soon()).await;
        }
    })
}

/// Answers for boards 1 and 2 until board 2 was asked `wanted` times: how often 1, 2, 3 were asked.
async fn asked_until(board: &mut Board, wanted: usize) -> [usize; 3] {
    let mut asked = [0; 3];
    while asked[1] < wanted {
        let address = board.hear(8).await[0];
        asked[usize::from(address) - 1] += 1;
        if address != 3 {
            board.say(&states(address, 0)).await;
        }
    }
    asked
}

#[tokio::test]
async fn a_dead_board_hardly_slows_the_others() {
    const POLLS: usize = 60;
    let (mut board, bus) = line().await;
    let mut polling = vec![poll(&bus, 1), poll(&bus, 2)];
    let [first, _, _] = asked_until(&mut board, POLLS).await;
    let without = POLLS.abs_diff(first);
    polling.push(poll(&bus, 3));
    let [first, second, dead] = asked_until(&mut board, POLLS).await;
    assert!(without <= 2 && first.abs_diff(second) <= 2, "not in turns: {first}, {second}");
    assert!(dead >= 4, "asked in vain some times: {dead}");
    // In turns with the others it would have been asked twice each time.
    assert!(dead <= POLLS / 4, "{dead} of {POLLS} turns went to a dead board");
    // What is written to it goes at once, and its answer ends the rest.
    polling.iter().for_each(JoinHandle::abort);
    let rests = loop {
        let asked = ask(&bus, &read(3));
        match answer(asked).await {
            Err(rests @ BusError::Resting { .. }) => break rests,
            other => assert!(other.is_err(), "nobody answered"),
        }
    };
    assert!(!rests.may_have_acted());
    let write = modbus::write_coil(3, 0x0200, 5).unwrap();
    let written = ask(&bus, &write);
    board.expect(&write).await;
    board.say(&write.request).await;
    assert!(answer(written).await.is_ok());
    let asked = ask(&bus, &read(3));
    board.expect(&read(3)).await;
    board.say(&states(3, 1)).await;
    assert_eq!(answer(asked).await, Ok(states(3, 1)));
}
