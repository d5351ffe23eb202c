//! Log lines on their way out: those of some milliseconds are written together, because a write for each request costs as
//! much as the answer itself. Order is kept and no line is cut in two by another; who meets a full buffer writes it out, and
//! warnings and errors go at once, with all before them. Lost is what the place refuses to take, and what waits when the
//! process is killed hard; a change that was answered is in the activity all the same.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others.
const GATHER: Duration = Duration::from_millis(5);
/// Bytes that wait at most.
const FULL: usize = 64 * 1024;

/// Gathers lines for a place to write them to, until the [`Ending`] is dropped.
pub fn gathered<W: Write + Send + 'static>(place: W) -> (Gathered<W>, Ending) {
    let lines = Arc::new(Lines { waiting: Mutex::default(), some: Condvar::new(), place: Mutex::new(place) });
    let written = Arc::clone(&lines);
    let thread = std::thread::Builder::new().name("log".into()).spawn(move || written.keep_writing());
    if thread.is_err() {
        lines.end();
    }
    let ended = Arc::clone(&lines);
    (Gathered(lines), Ending(Box::new(move || ended.end())))
}

/// Where events leave their lines.
pub struct Gathered<W>(Arc<Lines<W>>);

/// Writes what waits when it is dropped; lines that come later are written one by one.
pub struct Ending(Box<dyn Fn() + Send>);

impl Drop for Ending {
    fn drop(&mut self) {
        (self.0)();
    }
}

struct Lines<W> {
    waiting: Mutex<Waiting>,
    some: Condvar,
    /// Locked before `waiting` by whoever writes, so that lines leave in their order.
    place: Mutex<W>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Nothing is gathered any more.
    ended: bool,
}

impl<W: Write> Lines<W> {
    fn add(&self, line: &[u8], urgent: bool) -> io::Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        let due = urgent || waiting.ended || waiting.bytes.len() >= FULL;
        drop(waiting);
        if due {
            return self.write();
        }
        if first {
            self.some.notify_one();
        }
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner).bytes);
        place.write_all(&bytes)?;
        place.flush()
    }

    fn keep_writing(&self) {
        loop {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.ended;
            let waiting = self.some.wait_while(waiting, nothing).unwrap_or_else(PoisonError::into_inner);
            if waiting.ended {
                return;
            }
            drop(waiting);
            std::thread::sleep(GATHER);
            // There is nowhere to say that the log cannot be written.
            let _ = self.write();
        }
    }

    fn end(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.some.notify_one();
        let _ = self.write();
    }
}

/// A line being written.
pub struct Line<'l, W> {
    lines: &'l Lines<W>,
    urgent: bool,
}

impl<W: Write> Write for Line<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.add(bytes, self.urgent)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l, W: Write + 'l> MakeWriter<'l> for Gathered<W> {
    type Writer = Line<'l, W>;

    fn make_writer(&'l self) -> Line<'l, W> {
        Line { lines: &self.0, urgent: true }
    }

    fn make_writer_for(&'l self, about: &Metadata<'_>) -> Line<'l, W> {
        Line { lines: &self.0, urgent: *about.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// What was written, piece by piece.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic").concat()).expect("UTF-8")
        }
    }

    #[test]
    fn lines_of_many_threads_are_whole_and_in_order_and_all_there_at_the_end() {
        let kept = Kept::default();
        let (gathered, ending) = gathered(kept.clone());
        std::thread::scope(|threads| {
            for thread in 0..4 {
                let lines = &gathered.0;
                threads.spawn(move || {
                    for n in 0..5_000 {
                        lines
                            .add(format!("{thread} {n} {}\n", "x".repeat(40)).as_bytes(), n % 1_000 == 7)
                            .expect("written");
                    }
                });
            }
        });
        drop(ending);
        let mut next = [0; 4];
        for line in kept.text().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (thread, n): (usize, usize) =
                (words[0].parse().expect("a thread"), words[1].parse().expect("a number"));
            assert_eq!((n, words[2].len()), (next[thread], 40), "{line}");
            next[thread] += 1;
        }
        assert_eq!(next, [5_000; 4]);
        assert!(kept.0.lock().expect("no panic").len() < 2_000, "written together");
    }

    #[test]
    fn warnings_take_along_what_waits_and_nothing_waits_after_the_end() {
        let kept = Kept::default();
        let (gathered, ending) = gathered(kept.clone());
        gathered.0.add(b"a\n", false).expect("written");
        gathered.0.add(b"b\n", true).expect("written");
        assert_eq!(kept.text(), "a\nb\n");
        drop(ending);
        gathered.0.add(b"c\n", false).expect("written");
        assert_eq!(kept.text(), "a\nb\nc\n");
    }

    #[test]
    fn a_line_alone_is_written_soon() {
        let kept = Kept::default();
        let (gathered, _ending) = gathered(kept.clone());
        gathered.0.add(b"alone\n", false).expect("written");
        let began = Instant::now();
        while kept.text() != "alone\n" {
            assert!(began.elapsed() < Duration::from_secs(20), "it still waits");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
