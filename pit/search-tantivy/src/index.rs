// SPDX-License-Identifier: Apache-2.0
//! The index behind search/1: one tantivy index in the plugin's folder, one writer, searches beside it.

use crate::abi::{E_BUSY, E_DATA_CORRUPT, E_DEADLINE, E_EXHAUSTED, E_INVALID_ARGUMENT, E_IO, Failure};
use crate::directory::{HostDirectory, Threads, stopped, with_stop};
use crate::excerpt::make_excerpt;
use crate::facets::{FACET_FIELDS, Facets, most_frequent};
use crate::host::Host;
use crate::matching::{Asking, Fields, is_pruned};
use crate::query::{parse_query, wanted_words};

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, TryLockError};
use std::time::{Duration, Instant};

use tantivy::collector::{Count, TopDocs};
use tantivy::directory::error::OpenReadError;
use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::Value;
use tantivy::{DocAddress, IndexReader, IndexWriter, Order, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};

const ID_BYTES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 4096;
const WINDOW_MAX: u64 = 10_000;
const LIMIT_MAX: u64 = 1000;
const LIMIT_DEFAULT: u64 = 20;
const FACETS_MAX: u64 = 100;
const EXCERPT_BYTES_MAX: u64 = 4096;

#[derive(Default)]
pub struct Document {
    pub id: String,
    pub name: String,
    pub text: String,
    pub kind: String,
    pub tags: Vec<String>,
    pub inputs: Vec<String>,
    pub date_unix_ms: u64,
}

#[derive(Default)]
pub struct Query {
    pub text: String,
    pub offset: u32,
    pub limit: u32,
    pub facets: u32,
    pub excerpt_bytes: u32,
    pub newest_first: bool,
}

pub struct Hit {
    pub id: String,
    pub score: f64,
    pub excerpt: String,
    pub highlights: Vec<u32>,
}

pub struct FacetCount {
    pub field: &'static str,
    pub value: String,
    pub count: u64,
}

#[derive(Default)]
pub struct Hits {
    pub hits: Vec<Hit>,
    pub total: u64,
    pub partial: bool,
    pub facets: Vec<FacetCount>,
}

#[derive(Default)]
pub struct Status {
    pub documents: u64,
    pub size_bytes: u64,
    pub feed: String,
    pub watermark: u64,
    pub pending: u64,
}

#[derive(Clone, Copy)]
pub struct Options {
    pub text_bytes_max: usize,
    pub buffer_bytes: usize,
}

/// What is open. The writer is alone behind its lock; the reader is shared.
struct Open {
    directory: HostDirectory,
    index: tantivy::Index,
    writer: IndexWriter,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    /// Damage lasts until clear.
    damage: Option<Failure>,
    pending: u64,
}

pub struct Index {
    host: Host,
    options: Options,
    fields: Fields,
    threads: Arc<Threads>,
    state: Mutex<State>,
    reader: RwLock<Option<IndexReader>>,
}

/// How long a change that failed, clear and the end of the instance wait for tantivy's threads.
pub const SHUT_LONGEST: Duration = Duration::from_secs(10);

const CLEAR: &str = "clear the index and feed it again: it holds nothing that is not stored elsewhere";

fn damaged(message: impl std::fmt::Display) -> Failure {
    Failure::new(E_DATA_CORRUPT, "index-damaged", format!("search index: {message}"), CLEAR)
}

/// The first `max` bytes of a text, cut between characters.
fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn of_tantivy(error: &TantivyError) -> Failure {
    let message = format!("search index: {error}");
    let io = |kind: ErrorKind| match kind {
        _ if stopped() => Failure::new(E_DEADLINE, "query-too-slow", "search index: the search was stopped", "ask for rarer words or fewer of them"),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData => damaged(error),
        _ => Failure::new(E_IO, "io", message.clone(), ""),
    };
    match error {
        TantivyError::LockFailure(..) => Failure::new(E_BUSY, "index-in-use", message.clone(), "another process has this index open"),
        TantivyError::IoError(error) => io(error.kind()),
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => io(io_error.kind()),
        // A thread that writes and never reads: what it met is the disk.
        TantivyError::OpenWriteError(_) | TantivyError::SystemError(_) | TantivyError::ErrorInThread(_) => Failure::new(E_IO, "io", message.clone(), ""),
        // Some of its threads tell of the disk in words only.
        TantivyError::InternalError(text) if text.contains("(os error ") => Failure::new(E_IO, "io", message.clone(), ""),
        _ => damaged(error),
    }
}

fn too_large(what: &str, value: u64, most: u64) -> Failure {
    Failure::new(E_INVALID_ARGUMENT, "query-too-large", format!("query: {what} is {value}, the limit is {most}"), "ask for less at a time")
}

fn check(query: &Query) -> Result<(usize, usize), Failure> {
    let limit = if query.limit == 0 { LIMIT_DEFAULT } else { u64::from(query.limit) };
    let end = u64::from(query.offset) + limit;
    for (what, value, most) in [
        ("limit", limit, LIMIT_MAX),
        ("offset and limit together", end, WINDOW_MAX),
        ("facets", u64::from(query.facets), FACETS_MAX),
        ("excerpt_bytes", u64::from(query.excerpt_bytes), EXCERPT_BYTES_MAX),
    ] {
        if value > most {
            return Err(too_large(what, value, most));
        }
    }
    Ok((query.offset as usize, limit as usize))
}

/// Code of tantivy that meets damaged files may panic instead of failing.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(damaged(what.unwrap_or("a part of it cannot be read")))
    })
}

impl Index {
    pub fn new(host: Host, options: Options) -> Index {
        Index { host, options, fields: Fields::new(), threads: Arc::default(), state: Mutex::default(), reader: RwLock::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    fn set_reader(&self, reader: Option<IndexReader>) {
        *self.reader.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = reader;
    }

    /// Opens the index where it is not; what was not committed is gone then.
    fn open<'s>(&self, state: &'s mut State) -> Result<&'s mut Open, Failure> {
        if let Some(damage) = &state.damage {
            return Err(damage.clone());
        }
        if state.open.is_none() {
            match guarded(|| self.open_now()) {
                Ok((open, reader)) => {
                    self.set_reader(Some(reader));
                    state.open = Some(open);
                }
                Err(failure) => {
                    if failure.code == E_DATA_CORRUPT {
                        state.damage = Some(failure.clone());
                    }
                    return Err(failure);
                }
            }
        }
        state.open.as_mut().ok_or_else(|| damaged("it is not open"))
    }

    fn open_now(&self) -> Result<(Open, IndexReader), Failure> {
        // Of the index as it was open before: its writer has the lock.
        if !self.threads.wait(SHUT_LONGEST) {
            return Err(Failure::new(E_BUSY, "index-in-use", "search index: a thread of it has not ended yet", "try again"));
        }
        let directory = HostDirectory::new(self.host, Arc::clone(&self.threads));
        let open = || {
            let index = tantivy::Index::builder()
                .schema(self.fields.schema.clone())
                .tokenizers(Fields::tokenizers())
                .open_or_create(directory.clone())?;
            let options = IndexWriterOptions::builder()
                .num_worker_threads(1)
                .num_merge_threads(1)
                .memory_budget_per_thread(self.options.buffer_bytes)
                .build();
            let writer = index.writer_with_options(options)?;
            let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
            Ok((Open { directory: directory.clone(), index, writer }, reader))
        };
        let opened: tantivy::Result<_> = open();
        opened.map_err(|error| match error {
            TantivyError::SchemaError(_) => damaged("made by another version of this provider"),
            error => self.failure(&directory, &error),
        })
    }

    fn failure(&self, directory: &HostDirectory, error: &TantivyError) -> Failure {
        if directory.take_full() {
            return Failure::new(E_EXHAUSTED, "index-full", format!("search index: {error}"), "free room on the disk, then feed again what was not committed");
        }
        of_tantivy(error)
    }

    /// Runs a change. After one that failed the index is opened anew, at its last commit.
    fn change<T>(&self, work: impl FnOnce(&mut Open, &mut u64) -> tantivy::Result<T>) -> Result<T, Failure> {
        let mut state = self.state();
        self.open(&mut state)?;
        let State { open: Some(open), pending, .. } = &mut *state else { return Err(damaged("it is not open")) };
        let directory = open.directory.clone();
        let done = guarded(|| work(open, pending).map_err(|error| self.failure(&directory, &error)));
        if let Err(failure) = &done {
            self.shut(&mut state);
            if failure.code == E_DATA_CORRUPT {
                state.damage = Some(failure.clone());
            }
        }
        done
    }

    fn shut(&self, state: &mut State) {
        self.end_threads(state, SHUT_LONGEST);
    }

    /// @return false when some have not ended after `longest`; they end later.
    fn end_threads(&self, state: &mut State, longest: Duration) -> bool {
        self.set_reader(None);
        state.pending = 0;
        if let Some(open) = state.open.take() {
            open.directory.close();
            self.threads.end(open);
        }
        let ended = self.threads.wait(longest);
        if !ended {
            self.host.warn(&format!("a thread of tantivy's did not end in {} ms", longest.as_millis()));
        }
        ended
    }

    /// Ends all threads. What was not committed is gone.
    /// Fails with E_DEADLINE when that takes longer than `longest`: then it may be tried again.
    pub fn close(&self, longest: Duration) -> Result<(), Failure> {
        let last = Instant::now() + longest;
        let late = || Failure::new(E_DEADLINE, "deadline", "search index: a thread of the index has not ended yet", "wait longer, or end the process");
        let mut state = loop {
            match self.state.try_lock() {
                Ok(state) => break state,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() >= last => return Err(late()),
                // A call is at work, which the host waits for too.
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        if self.end_threads(&mut state, last.saturating_duration_since(Instant::now())) { Ok(()) } else { Err(late()) }
    }

    pub fn index(&self, documents: Vec<Document>) -> Result<(), Failure> {
        if let Some(bad) = documents.iter().find(|document| !(1..=ID_BYTES_MAX).contains(&document.id.len())) {
            let message = format!("document id of {} bytes, allowed are 1 to {ID_BYTES_MAX}", bad.id.len());
            return Err(Failure::new(E_INVALID_ARGUMENT, "bad-document", message, ""));
        }
        let fields = &self.fields;
        self.change(|open, pending| {
            for document in &documents {
                open.writer.delete_term(Term::from_field_text(fields.id, &document.id));
                let mut made = TantivyDocument::default();
                made.add_text(fields.id, &document.id);
                fields.add_words(&mut made, cut(&document.name, NAME_BYTES_MAX), cut(&document.text, self.options.text_bytes_max));
                made.add_text(fields.kind, &document.kind);
                made.add_u64(fields.date, document.date_unix_ms);
                for (field, values) in [(fields.tag, &document.tags), (fields.input, &document.inputs)] {
                    let mut values: Vec<&String> = values.iter().collect();
                    values.sort_unstable();
                    values.dedup();
                    values.into_iter().for_each(|value| made.add_text(field, value));
                }
                open.writer.add_document(made)?;
                *pending += 1;
            }
            Ok(())
        })
    }

    pub fn remove(&self, ids: &[String]) -> Result<(), Failure> {
        self.change(|open, pending| {
            for id in ids {
                open.writer.delete_term(Term::from_field_text(self.fields.id, id));
                *pending += 1;
            }
            Ok(())
        })
    }

    pub fn commit(&self, feed: &str, watermark: u64) -> Result<(), Failure> {
        if feed.len() > ID_BYTES_MAX {
            return Err(Failure::new(E_INVALID_ARGUMENT, "bad-feed", format!("feed id of {} bytes, the limit is {ID_BYTES_MAX}", feed.len()), ""));
        }
        self.change(|open, pending| {
            let mut prepared = open.writer.prepare_commit()?;
            prepared.set_payload(&format!("{watermark} {feed}"));
            prepared.commit()?;
            *pending = 0;
            match &*self.reader.read().unwrap_or_else(|poisoned| poisoned.into_inner()) {
                Some(reader) => reader.reload(),
                None => Ok(()),
            }
        })
    }

    pub fn status(&self) -> Result<Status, Failure> {
        let searcher = self.searcher()?;
        let state = self.state();
        let Some(open) = &state.open else { return Err(damaged("it is not open")) };
        let metas = open.index.load_metas().map_err(|error| self.failure(&open.directory, &error))?;
        let (watermark, feed) = metas.payload.as_deref().and_then(|payload| payload.split_once(' ')).unwrap_or(("0", ""));
        Ok(Status {
            documents: searcher.num_docs(),
            size_bytes: open.directory.size_bytes().map_err(|error| Failure::new(E_IO, "io", error.to_string(), ""))?,
            feed: feed.to_owned(),
            watermark: watermark.parse().unwrap_or(0),
            pending: state.pending,
        })
    }

    pub fn clear(&self) -> Result<(), Failure> {
        let mut state = self.state();
        self.shut(&mut state);
        state.damage = None;
        let directory = HostDirectory::new(self.host, Arc::clone(&self.threads));
        directory.remove_all().map_err(|error| Failure::new(E_IO, "io", format!("search index: {error}"), ""))?;
        self.open(&mut state).map(|_| ())
    }

    fn searcher(&self) -> Result<Searcher, Failure> {
        if let Some(reader) = &*self.reader.read().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            return Ok(reader.searcher());
        }
        self.open(&mut self.state())?;
        match &*self.reader.read().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            Some(reader) => Ok(reader.searcher()),
            None => Err(damaged("it is not open")),
        }
    }

    pub fn search(&self, query: &Query, stop: &dyn Fn() -> bool) -> Result<Hits, Failure> {
        let (offset, limit) = check(query)?;
        let node = parse_query(&query.text)?;
        let searcher = self.searcher()?;
        let wanted = wanted_words(&node);
        let facets = (query.facets > 0).then_some(Facets);
        let by_date = query.newest_first || wanted.is_empty();
        let top = TopDocs::with_limit(limit).and_offset(offset);
        let look = || -> tantivy::Result<Hits> {
            let mut asking = Asking { fields: &self.fields, searcher: &searcher, partial: false };
            let asked = asking.query(&node)?;
            let (found, total, counts): (Vec<(f64, DocAddress)>, usize, _) = if !by_date && facets.is_none() && is_pruned(&node) {
                // Two walks that skip most are shorter than one that scores all.
                let found = searcher.search(&asked, &top.order_by_score())?;
                (found.into_iter().map(|(score, at)| (f64::from(score), at)).collect(), asked.count(&searcher)?, None)
            } else if by_date {
                let (found, total, counts) = searcher.search(&asked, &(top.order_by_fast_field::<u64>("date", Order::Desc), Count, facets))?;
                (found.into_iter().map(|(_, at)| (0.0, at)).collect(), total, counts)
            } else {
                let (found, total, counts) = searcher.search(&asked, &(top.order_by_score(), Count, facets))?;
                (found.into_iter().map(|(score, at)| (f64::from(score), at)).collect(), total, counts)
            };
            let mut hits = Hits { total: total as u64, partial: asking.partial, ..Hits::default() };
            for (score, at) in found {
                let document: TantivyDocument = searcher.doc(at)?;
                let text_of = |field| document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default();
                let mut hit = Hit { id: text_of(self.fields.id).to_owned(), score, excerpt: String::new(), highlights: Vec::new() };
                if query.excerpt_bytes > 0 {
                    let (excerpt, highlights) = make_excerpt(text_of(self.fields.text), &wanted, query.excerpt_bytes as usize);
                    hit.excerpt = excerpt.to_owned();
                    hit.highlights = highlights;
                }
                hits.hits.push(hit);
            }
            for (field, counts) in FACET_FIELDS.into_iter().zip(counts.into_iter().flatten()) {
                let most = most_frequent(counts, query.facets as usize);
                hits.facets.extend(most.into_iter().map(|(value, count)| FacetCount { field, value, count }));
            }
            Ok(hits)
        };
        let done = with_stop(stop, || guarded(|| look().map_err(|error| of_tantivy(&error))));
        if let Err(failure) = &done
            && failure.code == E_DATA_CORRUPT
        {
            let mut state = self.state();
            self.shut(&mut state);
            state.damage = Some(failure.clone());
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const SHORT: Duration = Duration::from_millis(20);

    fn index() -> Index {
        Index::new(Host::detached(), Options { text_bytes_max: 1, buffer_bytes: 1 })
    }

    /// Something of the index whose end takes until somebody says so.
    struct Slow(mpsc::Receiver<()>);
    impl Drop for Slow {
        fn drop(&mut self) {
            let _ = self.0.recv();
        }
    }

    #[test]
    fn closing_gives_up_on_a_thread_at_its_deadline_and_may_be_tried_again() {
        let index = index();
        let (end, told) = mpsc::channel();
        index.threads.end(Slow(told));
        assert_eq!(index.close(SHORT).unwrap_err().code, E_DEADLINE);
        assert_eq!(index.close(Duration::ZERO).unwrap_err().code, E_DEADLINE);
        end.send(()).unwrap();
        assert!(index.close(SHUT_LONGEST).is_ok());
    }

    #[test]
    fn closing_gives_up_on_a_call_at_its_deadline_and_may_be_tried_again() {
        let index = index();
        let at_work = index.state();
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| index.close(SHORT).unwrap_err().code);
            assert_eq!(closing.join().unwrap(), E_DEADLINE);
        });
        drop(at_work);
        assert!(index.close(SHUT_LONGEST).is_ok());
    }
}
