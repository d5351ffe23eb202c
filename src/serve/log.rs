//! Where log lines go: standard error, as text or JSON. What is logged is decided where it happens.

mod lines;

use std::fmt::{self, Debug};
use std::io::{self, IsTerminal};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::base::Clock;
use crate::config::{LogFormat, LogLevel};

pub use lines::Ending;

/// Begins logging; the first call counts. What waits to be written is written when the value is dropped.
pub fn begin(format: LogFormat, level: LogLevel) -> Ending {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Libraries speak up only when something is wrong with them.
    let wanted = Targets::new().with_default(LevelFilter::WARN).with_target("scimd", level);
    let terminal = io::stderr().is_terminal();
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let registry = tracing_subscriber::registry().with(wanted);
    let (gathered, ending) = lines::gathered(io::stderr());
    let begun = if json {
        registry.with(layer().with_writer(gathered).event_format(Json)).try_init()
    } else {
        registry.with(layer().with_writer(gathered).with_ansi(terminal)).try_init()
    };
    if let Err(error) = begun {
        tracing::debug!(%error, "logging had begun already");
    }
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(place = panic.location().map(ToString::to_string), "{}", message(panic));
    }));
    ending
}

fn message<'a>(panic: &'a std::panic::PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("a panic without words")
}

/// A line of JSON for each event: when, how grave, what it says, and where it comes from. Every request writes one, so that
/// each field goes straight into the line.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let about = event.metadata();
        out.write_str("{\"timestamp\":\"")?;
        out.write_str(&Clock::system().now().render())?;
        out.write_str("\",\"level\":\"")?;
        out.write_str(about.level().as_str())?;
        out.write_char('"')?;
        let mut fields = Fields { out, target: None, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        let target = fields.target.take();
        fields.name("target")?;
        fields.quote(target.as_deref().unwrap_or(about.target()))?;
        fields.out.write_str("}\n")
    }
}

/// Writes the fields of an event behind each other.
struct Fields<'w> {
    out: Writer<'w>,
    /// Where the event comes from, when it came through the `log` crate, which says so in a field.
    target: Option<String>,
    written: fmt::Result,
}

impl Fields<'_> {
    /// A field's name, which is one of Rust's and needs no escapes.
    fn name(&mut self, name: &str) -> fmt::Result {
        self.out.write_str(",\"")?;
        self.out.write_str(name)?;
        self.out.write_str("\":")
    }

    fn quote(&mut self, text: &str) -> fmt::Result {
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
            return self.out.write_str(&quoted);
        }
        self.out.write_char('"')?;
        self.out.write_str(text)?;
        self.out.write_char('"')
    }

    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Self) -> fmt::Result) {
        // Of what came through `log`, file and line are a library's own.
        if self.written.is_ok() && !field.name().starts_with("log.") {
            self.written = self.name(field.name()).and_then(|()| value(self));
        }
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |fields| fields.quote(&format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
        self.field(field, |fields| fields.quote(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |fields| write!(fields.out, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |fields| write!(fields.out, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |fields| write!(fields.out, "{value}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_event_is_a_line_of_json_whatever_stands_in_it() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = tracing_subscriber::registry()
            .with(layer().with_writer(move || writer.clone()).event_format(Json));
        let hostile = "a\"b\\c\n\u{1}é\u{2028}";
        tracing::subscriber::with_default(lines, || {
            let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 80));
            tracing::info!(target: "scimd::access", id = "req_1", %peer, status = 200u16, bytes = Some(7u64), agent = hostile);
            tracing::warn!(lost = -1, whole = true, what = ?Some("x"), nothing = None::<u64>, "it {}", hostile);
        });
        let text = String::from_utf8(kept.0.lock().expect("no panic").clone()).expect("UTF-8");
        let mut lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for line in &mut lines {
            let at = line["timestamp"].as_str().and_then(crate::base::Timestamp::parse);
            assert!(at.is_some(), "{line}");
            line["timestamp"] = Value::Null;
        }
        let expected = [
            json!({ "timestamp": null, "level": "INFO", "id": "req_1", "peer": "127.0.0.1:80", "status": 200, "bytes": 7,
                "agent": hostile, "target": "scimd::access" }),
            json!({ "timestamp": null, "level": "WARN", "message": format!("it {hostile}"), "lost": -1, "whole": true,
                "what": "Some(\"x\")", "target": "scimd::serve::log::tests" }),
        ];
        assert_eq!(lines, expected);
    }
}
