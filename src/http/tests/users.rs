//! Accounts on the console, and the tables of accounts as the tests keep them.

use futures::future::{BoxFuture, FutureExt, ready};

use super::{
    phone::{Phone, location},
    site::{PASSWORD, Site},
};
use crate::{
    http::ports::{
        AccountNote, AccountRow, Found, Operator, Person, Row, Staff, StaffAct, StaffRefusal,
        TrailPiece,
    },
    types::{AccountDid, Role},
};

/// What the operators' table does not keep.
#[derive(Default)]
pub(super) struct Roster {
    disabled: Vec<String>,
    pub(super) notes: Vec<AccountRow>,
}

const ONE_TIME: &str = "a given one-time one";

fn found<T: Send + 'static>(value: T) -> Found<'static, T> {
    ready(Ok(value)).boxed()
}

impl Site {
    /// The account, unless it is disabled.
    pub(super) fn signs_in(&self, name: &str) -> Option<Operator> {
        let world = self.world();
        let known = world.operators.get(name);
        known.filter(|_| !world.staff.disabled.iter().any(|one| one == name)).cloned()
    }

    fn owners_but(&self, name: &str) -> usize {
        let names: Vec<_> = self.world().operators.keys().cloned().collect();
        let owner = |one: &String| {
            one != name && self.signs_in(one).is_some_and(|one| one.role == Role::Owner)
        };
        names.iter().filter(|one| owner(one)).count()
    }

    pub(super) fn take_note(&self, did: AccountDid, whom: Option<&str>, by: &str, detail: &str) {
        let mut world = self.world();
        let (seq, at) = (world.staff.notes.len() as i64 + 1, world.now);
        let (whom, by, detail) = (whom.map(str::to_owned), by.to_owned(), detail.to_owned());
        world.staff.notes.push(AccountRow { seq, at, note: AccountNote { did, whom, by, detail } });
    }

    fn account(&self, act: &StaffAct, by: &str) -> Result<Option<String>, StaffRefusal> {
        let name = act.name();
        let known = self.world().operators.get(name).cloned();
        let last = self.owners_but(name) == 0;
        let one_time = |role| {
            self.add_person(name, role, true);
            let hash = crate::http::hash_password(ONE_TIME).unwrap();
            self.world().operators.get_mut(name).unwrap().password_hash = hash;
            Some(ONE_TIME.to_owned())
        };
        let (did, detail, password) = match (act, known) {
            (StaffAct::Add { name, .. }, _) if name.chars().count() < 2 => {
                return Err(StaffRefusal::Name);
            }
            (StaffAct::Add { .. }, Some(_)) => return Err(StaffRefusal::Taken),
            (StaffAct::Add { role, .. }, None) => (AccountDid::Added, role.name(), one_time(*role)),
            (_, None) => return Err(StaffRefusal::Nobody),
            (StaffAct::Reset { .. }, Some(known)) => {
                (AccountDid::PasswordReset, "", one_time(known.role))
            }
            (StaffAct::Role { role, .. }, Some(known)) => {
                if last && known.role == Role::Owner && *role != Role::Owner {
                    return Err(StaffRefusal::LastOwner);
                }
                self.world().operators.get_mut(name).unwrap().role = *role;
                (AccountDid::RoleChanged, role.name(), None)
            }
            (StaffAct::Disable { .. }, Some(known)) => {
                if last && known.role == Role::Owner {
                    return Err(StaffRefusal::LastOwner);
                }
                self.world().staff.disabled.push(name.to_owned());
                (AccountDid::Disabled, "", None)
            }
            (StaffAct::Enable { .. }, Some(_)) => {
                self.world().staff.disabled.retain(|one| one != name);
                (AccountDid::Enabled, "", None)
            }
        };
        if !matches!(act, StaffAct::Add { .. } | StaffAct::Role { .. }) {
            self.world().sessions.retain(|_, session| session.operator != name);
        }
        self.take_note(did, Some(name), by, detail);
        Ok(password)
    }
}

impl Staff for Site {
    fn people(&self) -> Found<'_, Vec<Person>> {
        let world = self.world();
        let mut people: Vec<_> = world
            .operators
            .values()
            .map(|operator| Person {
                name: operator.name.clone(),
                role: operator.role,
                must_change: operator.must_change,
                disabled: world.staff.disabled.contains(&operator.name),
                made_at: world.now,
            })
            .collect();
        people.sort_by(|a, b| a.name.cmp(&b.name));
        found(people)
    }

    fn act(
        &self,
        act: StaffAct,
        by: String,
    ) -> BoxFuture<'_, Result<Option<String>, StaffRefusal>> {
        ready(self.account(&act, &by)).boxed()
    }

    fn new_password(&self, name: String, password_hash: String) -> Found<'_, ()> {
        if let Some(operator) = self.world().operators.get_mut(&name) {
            (operator.password_hash, operator.must_change) = (password_hash, false);
        }
        self.world().sessions.retain(|_, session| session.operator != name);
        self.take_note(AccountDid::PasswordChanged, Some(&name), &name, "");
        found(())
    }

    fn note(&self, note: AccountNote) -> Found<'_, ()> {
        self.take_note(note.did, note.whom.as_deref(), &note.by, &note.detail);
        found(())
    }

    fn account_trail(&self, piece: TrailPiece) -> Found<'_, Vec<AccountRow>> {
        let world = self.world();
        let rows = world.staff.notes.iter().rev();
        let rows =
            rows.filter(|row| row.seq < piece.before && (piece.from..piece.to).contains(&row.at));
        found(rows.take(piece.limit as usize).cloned().collect())
    }

    fn journal_trail(&self, piece: TrailPiece) -> Found<'_, Vec<Row>> {
        let world = self.world();
        let rows = world.journal.iter().rev();
        let rows =
            rows.filter(|row| row.seq < piece.before && (piece.from..piece.to).contains(&row.at));
        found(rows.take(piece.limit as usize).cloned().collect())
    }
}

async fn person(site: &Site, address: std::net::SocketAddr, name: &str, role: Role) -> Phone {
    site.add_person(name, role, false);
    let mut phone = Phone::new(address);
    phone.sign_in(name, PASSWORD).await;
    phone
}

#[tokio::test]
async fn an_account_from_its_first_password_to_its_end() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let owner = Phone::operator(address).await;
    let add = [("name", "王芳"), ("role", "booth")];
    let added = owner.post("/console/users", &add).await;
    assert_eq!(added.status().as_u16(), 200);
    assert!(added.text().await.unwrap().contains(ONE_TIME));
    assert!(!owner.text("/console/users").await.contains(ONE_TIME), "shown once");
    assert_eq!(owner.post("/console/users", &add).await.status().as_u16(), 409);

    let mut wang = Phone::new(address);
    assert_eq!(location(&wang.sign_in("王芳", ONE_TIME).await), "/password");
    let new = "one of my own making";
    let changed = wang.post("/password", &[("old", ONE_TIME), ("new", new), ("again", new)]).await;
    wang.keep_cookie(&changed);
    assert_eq!(wang.get("/console/shift").await.status().as_u16(), 200);
    assert_eq!(wang.get("/console/users").await.status().as_u16(), 403);

    let live = wang.get("/console/live").await;
    let role = [("name", "王芳"), ("what", "role"), ("role", "gate")];
    assert_eq!(owner.post("/console/users/change", &role).await.status().as_u16(), 200);
    assert_eq!(wang.get("/console/shift").await.status().as_u16(), 403, "from now on");
    site.after(std::time::Duration::from_secs(10));
    let ended = async {
        let mut live = live;
        while live.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.expect("it ends");

    let disable = [("name", "王芳"), ("what", "disable")];
    assert_eq!(owner.post("/console/users/change", &disable).await.status().as_u16(), 200);
    assert_eq!(wang.get("/console").await.status().as_u16(), 303, "signed out at once");
    assert_eq!(wang.sign_in("王芳", new).await.status().as_u16(), 401);
    let enable = [("name", "王芳"), ("what", "enable")];
    owner.post("/console/users/change", &enable).await;
    assert_eq!(wang.sign_in("王芳", new).await.status().as_u16(), 303);
    let told: Vec<_> = site.world().staff.notes.iter().map(|row| row.note.did).collect();
    let wanted = [
        AccountDid::SignedIn,
        AccountDid::Added,
        AccountDid::SignedIn,
        AccountDid::PasswordChanged,
        AccountDid::RoleChanged,
        AccountDid::Disabled,
        AccountDid::SignInFailed,
        AccountDid::Enabled,
        AccountDid::SignedIn,
    ];
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn who_may_change_whom() {
    let site = Site::new();
    let (address, _stop) = site.serve().await;
    let manager = person(&site, address, "zhao", Role::Manager).await;
    site.add_person("qian", Role::Accountant, false);
    let change = |name, what, role| vec![("name", name), ("what", what), ("role", role)];
    for (form, status) in [
        (change("li", "reset", ""), 422),
        (change("li", "disable", ""), 422),
        (change("qian", "role", "owner"), 422),
        (change("qian", "role", "manager"), 422),
        (change("zhao", "role", "booth"), 422),
        (change("nobody", "reset", ""), 404),
        (change("qian", "role", "booth"), 200),
        (change("qian", "explode", "booth"), 422),
    ] {
        let form: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let answer = manager.post("/console/users/change", &form).await;
        assert_eq!(answer.status().as_u16(), status, "{form:?}");
    }
    let owner = [("name", "sun"), ("role", "owner")];
    assert_eq!(manager.post("/console/users", &owner).await.status().as_u16(), 422);
    let page = manager.text("/console/users").await;
    assert!(!page.contains("value=\"owner\""), "no role is offered that cannot be given");

    // The last owner stays, whoever asks: another owner who is gone meanwhile does not count.
    let li = Phone::operator(address).await;
    site.add_person("zhou", Role::Owner, false);
    li.post("/console/users/change", &[("name", "zhou"), ("what", "disable")]).await;
    let own = [("name", "li"), ("what", "disable")];
    assert_eq!(li.post("/console/users/change", &own).await.status().as_u16(), 422);
    assert!(site.account(&StaffAct::Disable { name: "li".into() }, "li").is_err());
}
