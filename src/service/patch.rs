//! PATCH (RFC 7644 §3.5.2): planned before anything is loaded, applied in one write job, all of it or nothing.

use super::job::{Job, Outcome, Target, Verb, document_of};
use super::provision::{Body, change, may_write};
use super::record::Asked;
use super::{Caller, Error, Service};
use crate::scim::patch::{self, Plan};
use crate::store::WriteTx;

impl Service {
    /// Applies the operations of a PatchOp message to a user or group.
    pub async fn patch(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        id: &str,
        body: &Body,
    ) -> Result<Outcome, Error> {
        may_write(caller)?;
        self.settled(caller.team, || self.try_patch(caller, asked, target.clone(), id, body)).await
    }

    async fn try_patch(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        id: &str,
        body: &Body,
    ) -> Result<Outcome, Error> {
        let mut job = Job::new(self, caller, asked, target)?;
        let plan = patch::plan(job.view.registry(), job.target.kind, body, caller.mode)?;
        job.shows_sent(|_| plan.paths());
        asked.underway.leave(&plan.notes);
        let id = id.to_owned();
        self.store().write(move |tx| apply(tx, &job, &id, &plan)).await
    }
}

fn apply(tx: &mut WriteTx<'_>, job: &Job, id: &str, plan: &Plan) -> Result<Outcome, Error> {
    let row = job.existing(tx, id)?;
    let old = document_of(&row)?;
    let mut notes = plan.notes.clone();
    let document = plan.apply(job.view.registry(), row.kind, &old, job.caller.mode, &mut notes);
    job.asked.underway.leave(&notes);
    let document = document?;
    change(tx, job, Verb::Patch, &row, &old, &document, &plan.members, notes)
}

#[cfg(test)]
mod tests {
    //! What is stored after any PATCH is what a naive reader of RFC 7644 §3.5.2 keeps; the index finds it, and the version
    //! counts the changes. The model knows nothing of plans, edits and edges.

    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use crate::scim::patch::PATCH_OP;
    use crate::scim::registry::{ENTERPRISE, USER};
    use crate::scim::resource::Projection;
    use crate::scim::{Kind, Mode, ScimType};
    use crate::service::testing::{Desk, caller, desk};
    use crate::service::{Outcome, Search};

    type Refused = ScimType;

    /// An e-mail address as the model keeps it.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Email {
        value: Option<String>,
        kind: Option<String>,
        display: Option<String>,
        primary: Option<bool>,
    }

    impl Email {
        fn json(&self) -> Value {
            let mut members = Map::new();
            for (name, text) in [("value", &self.value), ("display", &self.display), ("type", &self.kind)] {
                members.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
            }
            members.extend(self.primary.map(|primary| ("primary".to_owned(), json!(primary))));
            Value::Object(members)
        }

        fn set(&mut self, part: Part, text: Option<&str>) {
            let text = text.map(str::to_owned);
            match part {
                Part::Value => self.value = text,
                Part::Type => self.kind = text,
                Part::Display => self.display = text,
                Part::Primary => self.primary = text.map(|text| text == "true"),
            }
        }

        fn is_empty(&self) -> bool {
            *self == Email::default()
        }

        /// What makes it the one it is, its type apart.
        fn identity(&self) -> String {
            let folded = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
            match folded(&self.value) {
                Some(value) => format!("value {value}"),
                None => format!("other {:?} {:?}", folded(&self.kind), folded(&self.display)),
            }
        }

        fn kind(&self) -> Option<String> {
            self.kind.as_deref().map(str::to_lowercase)
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Part {
        Value,
        Type,
        Display,
        Primary,
    }

    impl Part {
        fn name(self) -> &'static str {
            match self {
                Part::Value => "value",
                Part::Type => "type",
                Part::Display => "display",
                Part::Primary => "primary",
            }
        }
    }

    /// A filter in a path.
    #[derive(Clone, Debug)]
    enum Chosen {
        Type(String),
        Value(String),
        Both(String, String),
        Marked(bool),
        NotType(String),
        Untyped,
    }

    impl Chosen {
        fn text(&self) -> String {
            match self {
                Chosen::Type(kind) => format!("type eq \"{kind}\""),
                Chosen::Value(value) => format!("value eq \"{value}\""),
                Chosen::Both(kind, value) => format!("value eq \"{value}\" and type eq \"{kind}\""),
                Chosen::Marked(primary) => format!("primary eq {primary}"),
                Chosen::NotType(kind) => format!("not (type eq \"{kind}\")"),
                Chosen::Untyped => "type eq null".into(),
            }
        }

        fn takes(&self, email: &Email) -> bool {
            let same = |one: &Option<String>, other: &str| {
                one.as_deref().is_some_and(|one| one.to_lowercase() == other.to_lowercase())
            };
            match self {
                Chosen::Type(kind) => same(&email.kind, kind),
                Chosen::Value(value) => same(&email.value, value),
                Chosen::Both(kind, value) => same(&email.kind, kind) && same(&email.value, value),
                Chosen::Marked(primary) => email.primary.unwrap_or(false) == *primary,
                Chosen::NotType(kind) => !same(&email.kind, kind),
                Chosen::Untyped => email.kind.is_none(),
            }
        }

        /// The value that the filter describes, where it describes one.
        fn described(&self) -> Option<Email> {
            let mut email = Email::default();
            match self {
                Chosen::Type(kind) => email.kind = Some(kind.clone()),
                Chosen::Value(value) => email.value = Some(value.clone()),
                Chosen::Both(kind, value) => {
                    (email.kind, email.value) = (Some(kind.clone()), Some(value.clone()));
                }
                Chosen::Marked(primary) => email.primary = Some(*primary),
                Chosen::NotType(_) | Chosen::Untyped => return None,
            }
            Some(email)
        }
    }

    /// How an operation says where its value belongs.
    #[derive(Clone, Copy, Debug)]
    enum Form {
        Path,
        Parent,
        Nowhere,
    }

    #[derive(Clone, Debug)]
    enum Step {
        Plain { name: &'static str, to: Option<String>, op: &'static str, form: Form },
        Name { part: &'static str, to: Option<String>, op: &'static str, form: Form },
        Work { part: &'static str, to: Option<String>, op: &'static str, form: Form },
        NoWork,
        AddEmails(Vec<Email>, Form),
        AllEmails(Vec<Email>, Form),
        NoEmails,
        Drop(Chosen),
        Whole(Chosen, Email),
        Within { chosen: Chosen, part: Part, to: Option<&'static str>, op: &'static str, form: Form },
        Maybe,
    }

    impl Step {
        /// The operation, as a client sends it.
        fn operation(&self) -> Value {
            let operation = |op: &str, path: Option<String>, value: Option<Value>| {
                let mut members = Map::from_iter([("op".to_owned(), json!(op))]);
                members.extend(path.map(|path| ("path".to_owned(), json!(path))));
                members.extend(value.map(|value| ("value".to_owned(), value)));
                Value::Object(members)
            };
            let single =
                |op: &str, parent: Option<&str>, joint: &str, name: &str, to: &Option<String>, form: Form| {
                    let path = parent.map_or(name.to_owned(), |parent| format!("{parent}{joint}{name}"));
                    match (to, form, parent) {
                        (None, Form::Path, _) => operation("remove", Some(path), None),
                        (to, Form::Path, _) => operation(op, Some(path), Some(json!(to))),
                        (to, Form::Parent, Some(parent)) => {
                            operation(op, Some(parent.into()), Some(json!({name: to})))
                        }
                        (to, _, Some(parent)) => operation(op, None, Some(json!({parent: {name: to}}))),
                        (to, _, None) => operation(op, None, Some(json!({name: to}))),
                    }
                };
            let emails = |emails: &[Email]| emails.iter().map(Email::json).collect::<Vec<_>>();
            let listed = |op: &str, list: &[Email], form: Form| match (form, list) {
                (Form::Path, list) => operation(op, Some("emails".into()), Some(json!(emails(list)))),
                (Form::Parent, [one]) if op == "add" => {
                    operation(op, Some("EMAILS".into()), Some(one.json()))
                }
                (_, list) => operation(op, None, Some(json!({"emails": emails(list)}))),
            };
            match self {
                Step::Plain { name, to, op, form } => single(op, None, "", name, to, *form),
                Step::Name { part, to, op, form } => single(op, Some("name"), ".", part, to, *form),
                Step::Work { part, to, op, form } => single(op, Some(ENTERPRISE), ":", part, to, *form),
                Step::NoWork => operation("remove", Some(ENTERPRISE.into()), None),
                Step::AddEmails(list, form) => listed("add", list, *form),
                Step::AllEmails(list, form) => listed("replace", list, *form),
                Step::NoEmails => operation("remove", Some("emails".into()), None),
                Step::Drop(chosen) => operation("remove", Some(format!("emails[{}]", chosen.text())), None),
                Step::Whole(chosen, email) => {
                    operation("replace", Some(format!("emails[{}]", chosen.text())), Some(email.json()))
                }
                Step::Within { chosen, part, to, op, form } => {
                    let selected = format!("emails[{}]", chosen.text());
                    let value = match (part, to) {
                        (Part::Primary, Some(text)) => json!(*text == "true"),
                        (_, to) => json!(to),
                    };
                    match (form, to) {
                        (Form::Path, None) => {
                            operation("remove", Some(format!("{selected}.{}", part.name())), None)
                        }
                        (Form::Parent, _) if *op == "add" => {
                            operation(op, Some(selected), Some(json!({part.name(): value})))
                        }
                        _ => operation(op, Some(format!("{selected}.{}", part.name())), Some(value)),
                    }
                }
                Step::Maybe => operation("replace", Some("active".into()), Some(json!("maybe"))),
            }
        }
    }

    /// What a naive reader keeps of a user.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Model {
        plain: BTreeMap<&'static str, String>,
        name: BTreeMap<&'static str, String>,
        work: BTreeMap<&'static str, String>,
        emails: Vec<Email>,
    }

    impl Model {
        fn json(&self) -> Value {
            let mut members =
                Map::from_iter([("userName".to_owned(), json!("ada")), ("active".to_owned(), json!(true))]);
            let mut urns = vec![USER];
            members.extend(self.plain.iter().map(|(name, text)| ((*name).to_owned(), json!(text))));
            if !self.name.is_empty() {
                members.insert("name".into(), json!(self.name));
            }
            if !self.work.is_empty() {
                members.insert(ENTERPRISE.into(), json!(self.work));
                urns.push(ENTERPRISE);
            }
            if !self.emails.is_empty() {
                members.insert("emails".into(), self.emails.iter().map(Email::json).collect());
            }
            members.insert("schemas".into(), json!(urns));
            Value::Object(members)
        }

        fn act(&mut self, step: &Step) -> Result<(), Refused> {
            let put =
                |texts: &mut BTreeMap<&'static str, String>, name: &'static str, to: &Option<String>| {
                    match to {
                        Some(text) => texts.insert(name, text.clone()),
                        None => texts.remove(name),
                    };
                };
            match step {
                Step::Plain { name, to, .. } => put(&mut self.plain, name, to),
                Step::Name { part, to, .. } => put(&mut self.name, part, to),
                Step::Work { part, to, .. } => put(&mut self.work, part, to),
                Step::NoWork => self.work.clear(),
                Step::NoEmails => self.emails.clear(),
                Step::AllEmails(list, _) => self.emails = list.clone(),
                Step::AddEmails(list, _) => list.iter().for_each(|email| self.add(email)),
                Step::Drop(chosen) => {
                    self.places(chosen)?;
                    self.emails.retain(|email| !chosen.takes(email));
                }
                Step::Whole(chosen, email) => {
                    let places = self.places(chosen)?;
                    let mut at = 0..;
                    self.emails
                        .retain(|_| at.next().is_none_or(|at| at == places[0] || !places.contains(&at)));
                    self.emails[places[0]] = email.clone();
                    self.mark(&[places[0]])?;
                    self.once();
                }
                Step::Within { chosen, part, to, op, .. } => self.within(chosen, *part, *to, op)?,
                Step::Maybe => return Err(ScimType::InvalidValue),
            }
            Ok(())
        }

        /// Where the values stand that a filter takes; none is `noTarget`.
        fn places(&self, chosen: &Chosen) -> Result<Vec<usize>, Refused> {
            let numbered = self.emails.iter().enumerate().filter(|(_, email)| chosen.takes(email));
            let places: Vec<usize> = numbered.map(|(at, _)| at).collect();
            if places.is_empty() { Err(ScimType::NoTarget) } else { Ok(places) }
        }

        fn add(&mut self, sent: &Email) {
            let same = |email: &Email| {
                let types = (email.kind(), sent.kind());
                email.identity() == sent.identity()
                    && (types.0.is_none() || types.1.is_none() || types.0 == types.1)
            };
            let place = self.emails.iter().position(same).unwrap_or(self.emails.len());
            match self.emails.get_mut(place) {
                None => self.emails.push(sent.clone()),
                Some(email) => {
                    email.kind = email.kind.take().or(sent.kind.clone());
                    email.display = sent.display.clone().or(email.display.take());
                    email.primary = sent.primary.or(email.primary);
                }
            }
            if sent.primary == Some(true) {
                self.mark(&[place]).expect("one is marked");
            }
        }

        /// At most one of those that were just changed is primary, and if one is, no other stays it.
        fn mark(&mut self, sent: &[usize]) -> Result<(), Refused> {
            let marked: Vec<usize> =
                sent.iter().copied().filter(|at| self.emails[*at].primary == Some(true)).collect();
            match marked[..] {
                [] => {}
                [kept] => {
                    let others = self.emails.iter_mut().enumerate().filter(|(at, _)| *at != kept);
                    others
                        .filter(|(_, email)| email.primary == Some(true))
                        .for_each(|(_, email)| email.primary = Some(false));
                }
                _ => return Err(ScimType::InvalidValue),
            }
            Ok(())
        }

        fn within(&mut self, chosen: &Chosen, part: Part, to: Option<&str>, op: &str) -> Result<(), Refused> {
            let places = match (self.places(chosen), chosen.described()) {
                (Ok(places), _) => places,
                (Err(_), Some(described)) if op == "add" && to.is_some() => {
                    self.emails.push(described);
                    vec![self.emails.len() - 1]
                }
                (Err(refused), _) => return Err(refused),
            };
            places.iter().for_each(|at| self.emails[*at].set(part, to));
            if part == Part::Primary || places.len() == 1 && self.emails[places[0]].primary == Some(true) {
                self.mark(&places)?;
            }
            self.emails.retain(|email| !email.is_empty());
            self.once();
            Ok(())
        }

        /// Values of one identity and type are one.
        fn once(&mut self) {
            let mut kept: Vec<Email> = Vec::new();
            for email in std::mem::take(&mut self.emails) {
                let same =
                    |other: &&mut Email| other.identity() == email.identity() && other.kind() == email.kind();
                match kept.iter_mut().find(same) {
                    None => kept.push(email),
                    Some(first) => {
                        first.display = first.display.take().or(email.display);
                        first.primary = if email.primary == Some(true) {
                            Some(true)
                        } else {
                            first.primary.or(email.primary)
                        };
                    }
                }
            }
            self.emails = kept;
        }
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        prop::option::weighted(0.7, prop::sample::select(vec!["a", "B", "straße"]).prop_map(str::to_owned))
    }

    fn kind() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["work", "Work", "home"]).prop_map(str::to_owned)
    }

    fn address() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a@example.com", "A@example.com", "b@example.com", "c@example.com"])
            .prop_map(str::to_owned)
    }

    fn email() -> impl Strategy<Value = Email> {
        let display = prop::option::weighted(0.3, Just("D".to_owned()));
        (
            prop::option::weighted(0.9, address()),
            prop::option::of(kind()),
            display,
            prop::option::weighted(0.4, any::<bool>()),
        )
            .prop_map(|(value, kind, display, primary)| Email { value, kind, display, primary })
            .prop_filter("something", |email| !email.is_empty())
    }

    /// Values of which no two are the same, and at most one is primary.
    fn emails() -> impl Strategy<Value = Vec<Email>> {
        prop::collection::vec(email(), 1..4).prop_map(|mut list| {
            let (mut seen, mut marked) = (BTreeSet::new(), false);
            list.retain(|email| seen.insert(email.identity()));
            for email in list.iter_mut().filter(|email| email.primary == Some(true)) {
                email.primary = Some(!std::mem::replace(&mut marked, true));
            }
            list
        })
    }

    fn chosen() -> impl Strategy<Value = Chosen> {
        prop_oneof![
            3 => kind().prop_map(Chosen::Type),
            3 => address().prop_map(Chosen::Value),
            1 => (kind(), address()).prop_map(|(kind, value)| Chosen::Both(kind, value)),
            1 => any::<bool>().prop_map(Chosen::Marked),
            1 => kind().prop_map(Chosen::NotType),
            1 => Just(Chosen::Untyped),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let op = || prop::sample::select(vec!["add", "replace"]);
        let form = || prop::sample::select(vec![Form::Path, Form::Parent, Form::Nowhere]);
        let of = |names: &[&'static str]| prop::sample::select(names.to_vec());
        let within = prop_oneof![
            prop::option::of(of(&["a@example.com", "z@example.com"])).prop_map(|to| (Part::Value, to)),
            prop::option::of(of(&["work", "HOME", "other"])).prop_map(|to| (Part::Type, to)),
            prop::option::of(of(&["D", "E"])).prop_map(|to| (Part::Display, to)),
            prop::option::of(of(&["true", "false"])).prop_map(|to| (Part::Primary, to)),
        ];
        prop_oneof![
            3 => (of(&["title", "nickName", "externalId"]), text(), op(), form())
                .prop_map(|(name, to, op, form)| Step::Plain { name, to, op, form }),
            3 => (of(&["givenName", "familyName"]), text(), op(), form())
                .prop_map(|(part, to, op, form)| Step::Name { part, to, op, form }),
            3 => (of(&["department", "employeeNumber"]), text(), op(), form())
                .prop_map(|(part, to, op, form)| Step::Work { part, to, op, form }),
            1 => Just(Step::NoWork),
            4 => (emails(), form()).prop_map(|(list, form)| Step::AddEmails(list, form)),
            3 => (emails(), form()).prop_map(|(list, form)| Step::AllEmails(list, form)),
            1 => Just(Step::NoEmails),
            2 => chosen().prop_map(Step::Drop),
            3 => (chosen(), email()).prop_map(|(chosen, email)| Step::Whole(chosen, email)),
            8 => (chosen(), within, op(), form())
                .prop_map(|(chosen, (part, to), op, form)| Step::Within { chosen, part, to, op, form }),
            1 => Just(Step::Maybe),
        ]
    }

    /// The model after all steps, or why none of them is taken. What no document could take is told first.
    fn told(model: &Model, steps: &[Step]) -> Result<Model, Refused> {
        if steps.iter().any(|step| matches!(step, Step::Maybe)) {
            return Err(ScimType::InvalidValue);
        }
        let mut next = model.clone();
        steps.iter().try_for_each(|step| next.act(step))?;
        Ok(next)
    }

    fn message(operations: Vec<Value>) -> Value {
        json!({"schemas": [PATCH_OP], "Operations": operations})
    }

    fn body(outcome: &Outcome) -> Value {
        let body = outcome.body.as_deref().expect("a body");
        let mut shown: Value = serde_json::from_slice(body).expect("JSON");
        for name in ["id", "meta"] {
            shown.as_object_mut().expect("an object").shift_remove(name);
        }
        shown
    }

    /// How many users a filter finds.
    async fn finds(desk: &Desk, filter: &str) -> u64 {
        let search = Search {
            kinds: vec![Kind::User],
            filter: Some(filter.to_owned()),
            sort_by: None,
            descending: false,
            start_index: None,
            count: None,
            cursor: None,
            projection: Projection::all(),
            base: "https://scim.example.com/scim".into(),
        };
        let caller = caller(desk.team, Mode::Strict);
        desk.service.search(&caller, search).await.unwrap_or_else(|error| panic!("{filter}: {error:?}")).total
    }

    async fn users_follow_the_model(requests: &[Vec<Step>]) {
        let desk = desk().await;
        let caller = caller(desk.team, Mode::Strict);
        let mut model = Model::default();
        let made = desk.create(&caller, Kind::User, model.json()).await.expect("made");
        let mut version = made.version;
        for steps in requests {
            let operations: Vec<Value> = steps.iter().map(Step::operation).collect();
            let shown = json!(operations).to_string();
            let answer = desk.patch(&caller, Kind::User, &made.id, message(operations)).await;
            match (told(&model, steps), answer) {
                (Ok(next), Ok(outcome)) => {
                    assert_eq!(body(&outcome), next.json(), "{shown} on {}", model.json());
                    assert_eq!(
                        outcome.version,
                        version + u64::from(next != model),
                        "{shown} on {}",
                        model.json()
                    );
                    (model, version) = (next, outcome.version);
                }
                (Err(refused), Err(error)) => {
                    assert_eq!(error.as_scim().scim_type, Some(refused), "{shown} on {}", model.json());
                    assert_eq!(body(&desk.read(&caller, Kind::User, &made.id)), model.json(), "{shown}");
                }
                (wanted, found) => {
                    panic!("{shown} on {}: {wanted:?}, {:?}", model.json(), found.map(|found| body(&found)))
                }
            }
            for address in ["a@example.com", "B@example.com", "z@example.com"] {
                let takes = |email: &Email| Chosen::Value(address.into()).takes(email);
                let wanted = u64::from(model.emails.iter().any(takes));
                assert_eq!(
                    finds(&desk, &format!("emails.value eq \"{address}\"")).await,
                    wanted,
                    "{}",
                    model.json()
                );
            }
            let department = format!("{ENTERPRISE}:department");
            let wanted = u64::from(model.work.get("department").is_some_and(|text| text == "straße"));
            assert_eq!(
                finds(&desk, &format!("{department} eq \"STRASSE\"")).await,
                wanted,
                "{}",
                model.json()
            );
            assert_eq!(finds(&desk, "title ne null").await, u64::from(model.plain.contains_key("title")));
        }
    }

    /// What a PATCH does to the members of a group, by the numbers of people.
    #[derive(Clone, Debug)]
    enum Join {
        Add(Vec<usize>, bool),
        Leave(Vec<usize>),
        LeaveNamed(usize),
        LeaveAll,
        Only(Vec<usize>, bool),
        Instead(usize, usize),
        LeaveGroups,
        Nobody,
    }

    impl Join {
        fn operation(&self, ids: &[String]) -> Value {
            let listed =
                |people: &[usize]| people.iter().map(|one| json!({"value": ids[*one]})).collect::<Vec<_>>();
            let whole = |op: &str, people: &[usize], path: bool| match path {
                true => json!({"op": op, "path": "members", "value": listed(people)}),
                false => json!({"op": op, "value": {"members": listed(people)}}),
            };
            match self {
                Join::Add(people, path) => whole("add", people, *path),
                Join::Only(people, path) => whole("replace", people, *path),
                Join::Leave(people) => {
                    let wanted: Vec<String> =
                        people.iter().map(|one| format!("value eq \"{}\"", ids[*one])).collect();
                    json!({"op": "remove", "path": format!("members[{}]", wanted.join(" or "))})
                }
                Join::LeaveNamed(one) => {
                    json!({"op": "remove", "path": format!("members[display eq \"P{one}\"]")})
                }
                Join::LeaveAll => json!({"op": "remove", "path": "members"}),
                Join::Instead(one, other) => {
                    json!({"op": "replace", "path": format!("members[value eq \"{}\"]", ids[*one]), "value": {"value": ids[*other]}})
                }
                Join::LeaveGroups => json!({"op": "remove", "path": "members[type eq \"Group\"]"}),
                Join::Nobody => json!({"op": "add", "path": "members", "value": [{"value": "nobody"}]}),
            }
        }

        fn act(&self, members: &mut BTreeSet<usize>) -> Result<(), Refused> {
            match self {
                Join::Add(people, _) => members.extend(people),
                Join::Only(people, _) => *members = people.iter().copied().collect(),
                Join::Leave(people) => members.retain(|one| !people.contains(one)),
                Join::LeaveNamed(one) => {
                    if !members.remove(one) {
                        return Err(ScimType::NoTarget);
                    }
                }
                Join::LeaveAll => members.clear(),
                Join::Instead(one, other) => {
                    if !members.remove(one) {
                        return Err(ScimType::NoTarget);
                    }
                    members.insert(*other);
                }
                Join::LeaveGroups => {
                    let before = members.len();
                    members.retain(|one| *one < PEOPLE);
                    if members.len() == before {
                        return Err(ScimType::NoTarget);
                    }
                }
                Join::Nobody => return Err(ScimType::InvalidValue),
            }
            Ok(())
        }
    }

    /// People, and behind them groups that may be members too.
    const PEOPLE: usize = 5;
    const ALL: usize = 7;

    fn join() -> impl Strategy<Value = Join> {
        let people = || prop::collection::vec(0..ALL, 1..4);
        prop_oneof![
            4 => (people(), any::<bool>()).prop_map(|(people, path)| Join::Add(people, path)),
            2 => (people(), any::<bool>()).prop_map(|(people, path)| Join::Only(people, path)),
            3 => people().prop_map(Join::Leave),
            2 => (0..PEOPLE).prop_map(Join::LeaveNamed),
            1 => Just(Join::LeaveAll),
            2 => (0..ALL, 0..ALL).prop_map(|(one, other)| Join::Instead(one, other)),
            1 => Just(Join::LeaveGroups),
            1 => Just(Join::Nobody),
        ]
    }

    async fn groups_follow_the_model(requests: &[Vec<Join>]) {
        let desk = desk().await;
        let caller = caller(desk.team, Mode::Strict);
        let mut ids = Vec::new();
        for number in 0..ALL {
            let (kind, body) = match number < PEOPLE {
                true => (
                    Kind::User,
                    json!({"schemas": [USER], "userName": format!("p{number}"), "displayName": format!("P{number}")}),
                ),
                false => (
                    Kind::Group,
                    json!({"schemas": [Kind::Group.urn()], "displayName": format!("G{number}")}),
                ),
            };
            ids.push(desk.create(&caller, kind, body).await.expect("made").id);
        }
        let group = json!({"schemas": [Kind::Group.urn()], "displayName": "Eng"});
        let made = desk.create(&caller, Kind::Group, group).await.expect("made");
        let (mut members, mut version) = (BTreeSet::new(), made.version);
        for joins in requests {
            let operations: Vec<Value> = joins.iter().map(|join| join.operation(&ids)).collect();
            let shown = format!("{joins:?} on {members:?}");
            let mut next = members.clone();
            let wanted = joins.iter().try_for_each(|join| join.act(&mut next));
            match (wanted, desk.patch(&caller, Kind::Group, &made.id, message(operations)).await) {
                (Ok(()), Ok(outcome)) => {
                    assert_eq!(outcome.version, version + u64::from(next != members), "{shown}");
                    (members, version) = (next, outcome.version);
                }
                (Err(refused), Err(error)) => assert_eq!(error.as_scim().scim_type, Some(refused), "{shown}"),
                (wanted, found) => panic!("{shown}: {wanted:?}, {:?}", found.map(|found| body(&found))),
            }
            let listed = body(&desk.read(&caller, Kind::Group, &made.id))["members"].clone();
            let listed: BTreeSet<&str> =
                listed.as_array().expect("a list").iter().filter_map(|each| each["value"].as_str()).collect();
            assert_eq!(listed, members.iter().map(|one| ids[*one].as_str()).collect(), "{shown}");
            for (number, id) in ids[..PEOPLE].iter().enumerate() {
                let groups =
                    body(&desk.read(&caller, Kind::User, id))["groups"].as_array().map_or(0, Vec::len);
                assert_eq!(groups, usize::from(members.contains(&number)), "{shown}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

        #[test]
        fn what_is_stored_is_what_a_naive_model_keeps(requests in prop::collection::vec(prop::collection::vec(step(), 1..4), 1..12)) {
            runtime().block_on(users_follow_the_model(&requests));
        }

        #[test]
        fn who_is_a_member_is_who_a_naive_model_says(requests in prop::collection::vec(prop::collection::vec(join(), 1..4), 1..12)) {
            runtime().block_on(groups_follow_the_model(&requests));
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }
}
