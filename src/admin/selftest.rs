//! The self-test on the page: one run at a time in the background, its sheet line by line while it grows, and as a text to
//! download. The last sheet lies in memory only. What is played is told in `crate::selftest`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use tokio::sync::watch;

use super::error::Fault;
use super::page::{Here, Page, Shell, html, render};
use super::parts::{Chip, Choice, Icon, Mark};
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::Response;
use crate::http::client::Trust;
use crate::selftest::{Line, Subject, Which, summary};
use crate::service::selftest::Ground;
use crate::service::{Actor, Service};

/// No run takes longer.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// What can be played, by key.
const CHOICES: [(&str, Which); 5] = [
    ("jumpcloud", Which::Jumpcloud),
    ("okta", Which::Okta),
    ("entra", Which::Entra),
    ("onelogin", Which::Onelogin),
    ("all", Which::All),
];

/// The one place where a self-test runs, and its last sheet.
pub struct Bench {
    run: Mutex<Option<Run>>,
    changes: watch::Sender<u64>,
}

/// A run, under way or over.
#[derive(Clone)]
struct Run {
    which: Which,
    who: String,
    started: Timestamp,
    lines: Vec<Line>,
    end: Option<End>,
}

/// How a run ended: when, and what stood in its way if something did.
#[derive(Clone)]
struct End {
    at: Timestamp,
    trouble: Option<String>,
}

impl Default for Bench {
    fn default() -> Bench {
        Bench { run: Mutex::new(None), changes: watch::channel(0).0 }
    }
}

impl Bench {
    /// Changes with every line.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes the place for a run; false while another is under way.
    fn take(&self, which: Which, who: String, started: Timestamp) -> bool {
        let mut run = self.lock();
        if run.as_ref().is_some_and(|run| run.end.is_none()) {
            return false;
        }
        *run = Some(Run { which, who, started, lines: Vec::new(), end: None });
        drop(run);
        self.changed();
        true
    }

    fn add(&self, line: Line) {
        if let Some(run) = self.lock().as_mut() {
            run.lines.push(line);
        }
        self.changed();
    }

    fn end(&self, at: Timestamp, trouble: Option<String>) {
        if let Some(run) = self.lock().as_mut() {
            run.end = Some(End { at, trouble });
        }
        self.changed();
    }

    fn score(&self) -> (usize, usize) {
        self.lock().as_ref().map_or((0, 0), Run::score)
    }

    fn last(&self) -> Option<Run> {
        self.lock().clone()
    }

    fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn score(&self) -> (usize, usize) {
        let failed = self.lines.iter().filter(|line| line.failure.is_some()).count();
        (self.lines.len() - failed, failed)
    }

    /// The sheet as text, as the command prints it.
    fn text(&self, zone: &Zone) -> String {
        let mut text = format!("Self-test as {}, {}\n", self.which.name(), zone.long(self.started));
        let mut play = "";
        for line in &self.lines {
            if play != line.play {
                play = line.play;
                text.push_str(&format!("{play}\n"));
            }
            text.push_str(&line.to_string());
        }
        let (passed, failed) = self.score();
        match &self.end {
            None => text.push_str("still running\n"),
            Some(End { trouble: Some(trouble), .. }) => text.push_str(&format!("ended early: {trouble}\n")),
            Some(_) => text.push_str(&format!("{}\n", summary(passed, failed))),
        }
        text
    }
}

/// One line as the page shows it.
struct Shown {
    mark: Mark,
    kind: &'static str,
    title: &'static str,
    fault: String,
    request: String,
    sent: String,
    answered: String,
}

struct Played {
    title: &'static str,
    count: String,
    lines: Vec<Shown>,
}

/// The sheet.
#[derive(Template)]
#[template(path = "parts/sheet.html")]
struct Sheet {
    base: String,
    none: bool,
    title: &'static str,
    chip: Chip,
    told: String,
    trouble: String,
    done: usize,
    total: usize,
    bar: usize,
    plays: Vec<Played>,
    over: bool,
    said: String,
    glyph: Icon,
}

impl HtmlSafe for Sheet {}

#[derive(Template)]
#[template(path = "selftest.html")]
struct SelftestPage {
    shell: Shell,
    may_change: bool,
    running: bool,
    busy: bool,
    choices: Vec<Choice>,
    sheet: Sheet,
}

/// The page with the last sheet.
pub fn show(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let provider = super::idp::of(&page);
    let run = page.visit.desk.bench.last();
    let sheet = sheet(&page.visit.zone, &page.base(), run.as_ref());
    let running = run.as_ref().is_some_and(|run| run.end.is_none());
    let busy = page.visit.request.query.get("busy").is_some() && running;
    let chosen = CHOICES.iter().find(|(key, _)| *key == provider.key).map_or("all", |(key, _)| *key);
    let mut shell = page.shell("Self-test", Here::Connect);
    shell.events = format!("{}events?page=selftest", shell.base);
    let template = SelftestPage {
        may_change: page.may_change(),
        running,
        busy,
        choices: CHOICES
            .iter()
            .map(|(key, which)| Choice {
                value: (*key).to_owned(),
                text: which.name().to_owned(),
                selected: *key == chosen,
            })
            .collect(),
        sheet,
        shell,
    };
    html(200, &template)
}

/// The sheet as it is now.
pub fn live(page: &Page<'_, '_>) -> Result<String, Fault> {
    render(&sheet(&page.visit.zone, &page.base(), page.visit.desk.bench.last().as_ref()))
}

/// The last sheet as text.
pub fn text(page: Page<'_, '_>) -> Result<Response, Fault> {
    let run = page.visit.desk.bench.last().ok_or(Fault::NotFound)?;
    let response = Response::text(200, run.text(&page.visit.zone));
    Ok(response.header("content-disposition", "attachment; filename=\"selftest.txt\""))
}

/// Begins a run, unless one is under way.
pub async fn run(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.form().await?;
    // A provider whose sequence is not known has all of them played.
    let which = form.get("as").and_then(Which::from_key).unwrap_or(Which::All);
    let (desk, actor) = (page.visit.desk, page.who.actor());
    let to = format!("{}selftest", page.base());
    if !desk.bench.take(which, actor.name(), desk.service.clock().now()) {
        return Ok(Response::redirect(&format!("{to}?busy=1")));
    }
    let ground = match desk.service.begin_selftest(&actor, Some(page.team.id), which.name()).await {
        Ok(ground) => ground,
        Err(error) => {
            desk.bench.end(desk.service.clock().now(), Some("it could not be prepared".into()));
            return Err(error.into());
        }
    };
    let (service, bench) = (desk.service.clone(), desk.bench.clone());
    let base = format!("{}/scim", desk.options.own_url);
    tokio::spawn(async move { play(&service, &bench, &actor, ground, which, &base).await });
    Ok(Response::redirect(&to))
}

async fn play(service: &Service, bench: &Bench, actor: &Actor, ground: Ground, which: Which, base: &str) {
    // Nobody stops it: it is short, and its team goes whatever becomes of it.
    let (_running, stop) = watch::channel(false);
    let played = async {
        // The certificate is this server's own, whoever vouches for it.
        let subject = Subject::new(base, &ground.token, Trust::Anybody)?;
        subject.play(which, &stop, &mut |line| bench.add(line)).await
    };
    let trouble = match tokio::time::timeout(LONGEST, played).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("it took longer than {} minutes", LONGEST.as_secs() / 60)),
    };
    let (passed, failed) = bench.score();
    if let Err(error) = service.end_selftest(actor, &ground, passed, failed).await {
        tracing::warn!(%error, "the team of the self-test is still there; it goes within the hour");
    }
    bench.end(service.clock().now(), trouble);
}

fn sheet(zone: &Zone, base: &str, run: Option<&Run>) -> Sheet {
    let glyph = Icon { name: "download" };
    let empty = Sheet {
        base: base.to_owned(),
        none: true,
        title: "",
        chip: Chip::default(),
        told: String::new(),
        trouble: String::new(),
        done: 0,
        total: 0,
        bar: 0,
        plays: Vec::new(),
        over: false,
        said: String::new(),
        glyph,
    };
    let Some(run) = run else { return empty };
    let ((passed, failed), total) = (run.score(), run.which.lines());
    let done = run.lines.len();
    let trouble = run.end.as_ref().and_then(|end| end.trouble.clone());
    let chip = match (&run.end, &trouble, failed) {
        (None, ..) => Chip::new("wait", "Running"),
        (_, Some(_), _) => Chip::new("bad", "Ended early"),
        (_, None, 0) => Chip::new("ok", "Passed"),
        (_, None, _) => Chip::new("bad", "Failed"),
    };
    let told = match &run.end {
        None => format!("Started {} by {}", zone.relative(run.started), run.who),
        Some(end) => format!("{}, {} by {}", summary(passed, failed), zone.relative(end.at), run.who),
    };
    let mut plays: Vec<Played> = Vec::new();
    for line in &run.lines {
        if plays.last().is_none_or(|play| play.title != line.play) {
            plays.push(Played { title: line.play, count: String::new(), lines: Vec::new() });
        }
        let play = plays.last_mut().expect("one was pushed");
        play.lines.push(shown(line));
    }
    for play in &mut plays {
        let good = play.lines.iter().filter(|line| line.kind == "ok").count();
        play.count = format!("{good} of {}", play.lines.len());
    }
    Sheet {
        none: false,
        title: run.which.name(),
        said: if run.end.is_some() {
            format!("{}. {}", chip.text, summary(passed, failed))
        } else {
            String::new()
        },
        chip,
        told,
        trouble: trouble.unwrap_or_default(),
        done,
        total,
        bar: done * 120 / total.max(1),
        plays,
        over: run.end.is_some(),
        ..empty
    }
}

fn shown(line: &Line) -> Shown {
    let kind = if line.failure.is_none() { "ok" } else { "bad" };
    let failure = line.failure.as_ref();
    let text =
        |part: fn(&crate::selftest::Failure) -> &String| failure.map(part).cloned().unwrap_or_default();
    Shown {
        mark: Mark { kind },
        kind,
        title: line.title,
        fault: text(|failure| &failure.fault),
        request: text(|failure| &failure.request),
        sent: text(|failure| &failure.sent),
        answered: text(|failure| &failure.answered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::Failure;

    fn line(fault: Option<&str>) -> Line {
        let failure = fault.map(|fault| Failure {
            fault: fault.into(),
            request: "POST https://localhost/scim/Users".into(),
            sent: "{}".into(),
            answered: "<script>".into(),
        });
        Line { play: "Okta", title: "create", failure }
    }

    #[test]
    fn one_run_at_a_time_and_its_sheet_stays_until_the_next() {
        let bench = Bench::default();
        let zone = Zone::utc(Timestamp(10_000));
        assert!(bench.take(Which::Okta, "ada".into(), Timestamp(0)));
        assert!(!bench.take(Which::All, "bea".into(), Timestamp(1)), "one is under way");
        bench.add(line(None));
        bench.add(line(Some("the status is 400, not 201")));
        assert_eq!(bench.score(), (1, 1));
        let text = bench.last().expect("a run").text(&zone);
        assert!(
            text.ends_with("still running\n")
                && text.contains("\nOkta\n  passed  create\n  failed  create: "),
            "{text}"
        );
        bench.end(Timestamp(2), None);
        assert!(bench.last().expect("a run").text(&zone).ends_with("1 lines passed, 1 failed\n"));
        assert!(bench.take(Which::All, "bea".into(), Timestamp(3)));
        assert_eq!(bench.score(), (0, 0));
    }

    #[test]
    fn the_sheet_shows_request_and_answer_of_what_failed_as_text() {
        let zone = Zone::utc(Timestamp(10_000));
        let run = Run {
            which: Which::Okta,
            who: "ada".into(),
            started: Timestamp(0),
            lines: vec![line(None), line(Some("no"))],
            end: Some(End { at: Timestamp(9_000), trouble: None }),
        };
        let html = sheet(&zone, "/admin/t/a/", Some(&run)).render().expect("rendered");
        assert!(html.contains("POST https://localhost/scim/Users") && html.contains("1 of 2"), "{html}");
        assert!(!html.contains("<script>"), "what a server answers is text");
        let nothing = sheet(&zone, "/admin/t/a/", None).render().expect("rendered");
        assert!(nothing.contains("No self-test"), "{nothing}");
    }
}
