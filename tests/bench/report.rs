//! What workloads came to, beside their goals: as lines while the benchmark runs, as JSON, and as Markdown tables.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::Measured;
use super::desk::{Desk, Work};

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Of bare hyper's rate, at least.
    Ratio(f64),
    /// Microseconds of the server's processor for each request, at most.
    Cpu(f64),
}

/// A workload's medians over the rounds.
#[derive(Clone, Debug)]
pub struct Row {
    pub key: &'static str,
    pub scheme: &'static str,
    pub what: String,
    pub users: usize,
    pub rate: f64,
    /// Of bare hyper's in the same round.
    pub ratio: Option<f64>,
    pub cpu: f64,
    pub p50: Duration,
    pub p90: Duration,
    pub p99: Duration,
    pub requests: usize,
    pub errors: usize,
    pub goals: Vec<Goal>,
}

/// Anything else that was measured: its figure, and its goal where it has one.
#[derive(Clone, Debug)]
pub struct Fact {
    pub what: String,
    pub figure: f64,
    pub unit: &'static str,
    /// The bound, and whether it is the least rather than the most.
    pub goal: Option<(f64, bool)>,
}

impl Fact {
    pub fn new(what: impl Into<String>, figure: f64, unit: &'static str) -> Fact {
        Fact { what: what.into(), figure, unit, goal: None }
    }

    pub fn at_most(mut self, most: f64) -> Fact {
        self.goal = Some((most, false));
        self
    }

    pub fn at_least(mut self, least: f64) -> Fact {
        self.goal = Some((least, true));
        self
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|(bound, least)| if least { self.figure >= bound } else { self.figure <= bound })
    }

    fn goal_text(&self) -> String {
        match self.goal {
            None => String::new(),
            Some((bound, true)) => format!("at least {}", plain(bound)),
            Some((bound, false)) => format!("at most {}", plain(bound)),
        }
    }

    pub fn line(&self) -> String {
        let met = self.met().map_or("", word);
        format!("{:<60}{:>12} {:<8}{:<16}{met}", self.what, plain(self.figure), self.unit, self.goal_text())
    }
}

/// A round: what was played, the server's processor time, and bare hyper's rate.
pub type Round = (Measured, Duration, Option<f64>);

impl Row {
    /// The medians of a workload's rounds.
    pub fn of(desk: &Desk, work: &Work, rounds: Vec<Round>) -> Row {
        let each = |figure: &dyn Fn(&Round) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        let seconds = |percent: usize| {
            Duration::from_secs_f64(each(&|(done, ..)| done.percentile(percent).as_secs_f64()))
        };
        let row = Row {
            key: work.key,
            scheme: desk.scheme,
            what: work.what.clone(),
            users: desk.users(),
            rate: each(&|(done, ..)| done.rate()),
            ratio: work.ceiling.then(|| each(&|(done, _, hello)| done.rate() / hello.unwrap_or(f64::MAX))),
            cpu: each(&|(done, cpu, _)| cpu.as_secs_f64() * 1e6 / done.requests.max(1) as f64),
            p50: seconds(50),
            p90: seconds(90),
            p99: seconds(99),
            requests: rounds.iter().map(|(done, ..)| done.requests).sum(),
            errors: rounds.iter().map(|(done, ..)| done.errors).sum(),
            goals: work.goals.clone(),
        };
        for (done, ..) in rounds {
            done.faults.iter().for_each(|fault| eprintln!("{}: {fault}", work.key));
        }
        row
    }

    fn judged(&self, goal: &Goal) -> (String, bool) {
        match goal {
            Goal::Ratio(least) => {
                (format!("at least {least:.2} of hyper"), self.ratio.unwrap_or(0.0) >= *least)
            }
            Goal::Cpu(most) => (format!("at most {} µs", plain(*most)), self.cpu <= *most),
        }
    }

    /// As a line of text.
    pub fn line(&self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let goals: Vec<String> = self
            .goals
            .iter()
            .map(|goal| self.judged(goal))
            .map(|(text, met)| format!("{text}: {}", word(met)))
            .collect();
        format!(
            "{:<5} {:<5} {:<34}{:>9.0}/s {:>5} {:>9.1} µs CPU {:>8.2} {:>8.2} {:>8.2} ms  {}{}",
            self.scheme,
            self.key,
            self.what,
            self.rate,
            self.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
            self.cpu,
            ms(self.p50),
            ms(self.p90),
            ms(self.p99),
            goals.join(", "),
            if self.errors > 0 { format!("  {} ERRORS", self.errors) } else { String::new() },
        )
    }

    fn json(&self) -> Value {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let goals: Vec<Value> = self
            .goals
            .iter()
            .map(|goal| self.judged(goal))
            .map(|(goal, met)| json!({ "goal": goal, "met": met }))
            .collect();
        json!({ "key": self.key, "scheme": self.scheme, "what": self.what, "users": self.users, "rate": self.rate,
            "ratio": self.ratio, "cpu_us": self.cpu, "p50_ms": ms(self.p50), "p90_ms": ms(self.p90),
            "p99_ms": ms(self.p99), "requests": self.requests, "errors": self.errors, "goals": goals })
    }
}

/// All that one run found.
#[derive(Default)]
pub struct Report {
    pub rows: Vec<Row>,
    /// Rows of one workload at several numbers of users.
    pub growth: Vec<Row>,
    pub facts: Vec<Fact>,
}

impl Report {
    pub fn fact(&mut self, fact: Fact) {
        println!("{}", fact.line());
        self.facts.push(fact);
    }

    pub fn json(&self) -> Value {
        let facts: Vec<Value> = self
            .facts
            .iter()
            .map(|fact| {
                json!({ "what": fact.what, "figure": fact.figure, "unit": fact.unit, "goal": fact.goal_text(),
                    "met": fact.met() })
            })
            .collect();
        json!({ "workloads": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "growth": self.growth.iter().map(Row::json).collect::<Vec<_>>(), "facts": facts })
    }

    /// Requests that were answered wrongly.
    pub fn errors(&self) -> usize {
        self.rows.iter().chain(&self.growth).map(|row| row.errors).sum()
    }

    /// The tables, ready to be pasted.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| | | requests/s | of hyper | CPU µs | p50 ms | p90 ms | p99 ms | goal | |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---|---|\n",
        );
        for row in &self.rows {
            let ms = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
            let judged: Vec<(String, bool)> = row.goals.iter().map(|goal| row.judged(goal)).collect();
            let goals: Vec<&str> = judged.iter().map(|(text, _)| text.as_str()).collect();
            let met: Vec<&str> = judged.iter().map(|(_, met)| word(*met)).collect();
            text.push_str(&format!(
                "| {} {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                row.scheme,
                row.key,
                row.what,
                plain(row.rate),
                row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
                plain(row.cpu),
                ms(row.p50),
                ms(row.p90),
                ms(row.p99),
                goals.join(", "),
                met.join(", "),
            ));
        }
        text.push_str("\n| | | goal | |\n|---|---:|---|---|\n");
        for fact in &self.facts {
            let met = fact.met().map_or("", word);
            let (what, goal) = (&fact.what, fact.goal_text());
            text.push_str(&format!("| {what} | {} {} | {goal} | {met} |\n", plain(fact.figure), fact.unit));
        }
        for scheme in ["http", "https"] {
            let rows: Vec<&Row> = self.growth.iter().filter(|row| row.scheme == scheme).collect();
            if !rows.is_empty() {
                text.push_str(&growth_table(scheme, &rows));
            }
        }
        text
    }
}

/// One line a workload, one column a number of users: rate and processor time.
fn growth_table(scheme: &str, rows: &[&Row]) -> String {
    let mut users: Vec<usize> = rows.iter().map(|row| row.users).collect();
    users.sort_unstable();
    users.dedup();
    let mut text = format!("\n| {scheme}: requests/s (CPU µs) at so many users |");
    users.iter().for_each(|users| text.push_str(&format!(" {} |", plain(*users as f64))));
    text.push_str("\n|---|");
    users.iter().for_each(|_| text.push_str("---:|"));
    text.push('\n');
    let mut whats: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !whats.contains(&(row.key, &row.what)) {
            whats.push((row.key, &row.what));
        }
    }
    for (key, what) in whats {
        text.push_str(&format!("| {key} {what} |"));
        for users in &users {
            let found =
                rows.iter().find(|row| (row.key, row.what.as_str(), row.users) == (key, what, *users));
            match found {
                Some(row) => {
                    text.push_str(&format!(" {} ({}) |", plain(row.rate), plain(row.cpu)));
                }
                None => text.push_str(" |"),
            }
        }
        text.push('\n');
    }
    text
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "**not met**" }
}

/// A figure with as many digits as say something, and commas between its thousands.
fn plain(figure: f64) -> String {
    if figure < 10.0 {
        return format!("{figure:.2}");
    }
    if figure < 100.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
