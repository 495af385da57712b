//! One ticket before sixteen gates at once: one admission, however often.

use futures::future::join_all;
use paifang::core::{Refusal, gate::PassAction, ticket::NotAdmitted};

use super::{rig::Site, support::Folder};

const GATES: usize = 16;
const ROUNDS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_ticket_before_sixteen_gates_lets_one_person_in_each_of_a_thousand_times() {
    let folder = Folder::new();
    let (site, mut gates) = Site::start(folder.path(), GATES).await.unwrap();
    let codes = site.sell(ROUNDS).await.unwrap();
    for (round, code) in codes.iter().enumerate() {
        let scans = gates.iter().map(|gate| gate.scan(&site.keys, code));
        let told = join_all(scans).await;
        let mut open = None;
        for (number, reply) in told.into_iter().enumerate() {
            match reply.unwrap() {
                Ok(_) => {
                    assert_eq!(open.replace(number), None, "two gates opened in round {round}")
                }
                Err(Refusal::NotAdmitted(_, NotAdmitted::UsedUp)) => {}
                Err(other) => panic!("round {round}: {other:?}"),
            }
        }
        let gate = &mut gates[open.expect("a gate that opened")];
        gate.obey(PassAction::Grant).await.unwrap();
        gate.walk().await.unwrap();
    }
    let reader = site.reader.clone();
    site.stop().await.unwrap();
    let admitted = reader.admissions_since(jiff::Timestamp::UNIX_EPOCH, 2_000).await.unwrap();
    assert_eq!(admitted.len(), ROUNDS);
    assert_eq!(reader.rebuild().await.unwrap().differences, []);
}
