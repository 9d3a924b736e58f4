// SPDX-License-Identifier: Apache-2.0
//! tantivy's files in the plugin's own folder, through the host's file service: so it runs the same in a process of its own.

use crate::host::Host;
use crate::abi::{FS_CREATE, FS_READ, FS_TRUNCATE, FS_WRITE};

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{fmt, ptr};

use tantivy::HasLen;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, TerminatingWrite, WatchCallback, WatchHandle, WritePtr};

/// The folder of the index beneath the root.
const FOLDER: &str = "index/";

/// tantivy's list of what the index is made of: whoever has it has the index.
const META: &str = "meta.json";

thread_local! {
    static STOP: Cell<*const (dyn Fn() -> bool + 'static)> = const { Cell::new(ptr::null::<fn() -> bool>() as *const dyn Fn() -> bool) };
}

/// Runs `work`; while it does, reads on this thread fail once `stop` says so. A search reads before each list of documents that it
/// walks, so that it ends soon.
pub fn with_stop<T>(stop: &dyn Fn() -> bool, work: impl FnOnce() -> T) -> T {
    struct Reset(*const dyn Fn() -> bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            STOP.set(self.0);
        }
    }
    // SAFETY: only the lifetime changes; it is taken back before `stop` ends, also when `work` panics.
    let long: *const (dyn Fn() -> bool + 'static) = unsafe { std::mem::transmute(stop as *const dyn Fn() -> bool) };
    let _reset = Reset(STOP.replace(long));
    work()
}

pub fn stopped() -> bool {
    let stop = STOP.get();
    // SAFETY: set by with_stop for as long as it lives.
    !stop.is_null() && unsafe { (*stop)() }
}

unsafe extern "C" {
    fn flock(fd: i32, operation: i32) -> i32;
}
const LOCK_EX: i32 = 2;
const LOCK_NB: i32 = 4;

/// Counts the threads that tantivy started and that came by here, so that the end of the instance can wait for theirs: the pools
/// of rayon tell their threads to end and do not wait.
#[derive(Default)]
pub struct Threads {
    count: Mutex<usize>,
    less: Condvar,
}

struct Presence(Arc<Threads>);

impl Drop for Presence {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) -= 1;
        self.0.less.notify_all();
    }
}

thread_local! {
    static PRESENCE: std::cell::RefCell<Option<Presence>> = const { std::cell::RefCell::new(None) };
}

impl Threads {
    /// The host's threads have no name that Rust knows; tantivy's do.
    fn note(self: &Arc<Threads>) {
        PRESENCE.with_borrow_mut(|presence| {
            if presence.is_none() && std::thread::current().name().is_some_and(|name| name != "main") {
                *presence = Some(self.enter());
            }
        });
    }
    fn enter(self: &Arc<Threads>) -> Presence {
        *self.count.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
        Presence(Arc::clone(self))
    }
    /// Drops what owns threads, on a thread of its own: that waits for some of them and cannot be told how long.
    pub fn end(self: &Arc<Threads>, owner: impl Send + 'static) {
        let presence = self.enter();
        let ending = std::thread::Builder::new().name("ending".to_owned());
        // Where no thread can be had, the closure was dropped by spawn, and with it the owner.
        let _ = ending.spawn(move || {
            drop(owner);
            drop(presence);
        });
    }
    /// Waits until they ended; false when some had not after `longest`.
    pub fn wait(&self, longest: Duration) -> bool {
        let count = self.count.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.less.wait_timeout_while(count, longest, |count| *count > 0).is_ok_and(|(count, _)| *count == 0)
    }
}

#[derive(Clone)]
pub struct HostDirectory {
    host: Host,
    /// A write found the disk or the quota full since it was last asked.
    full: Arc<AtomicBool>,
    /// Nothing is read and written any more, so that a merge that is under way ends.
    closed: Arc<AtomicBool>,
    above_is_synced: Arc<AtomicBool>,
    threads: Arc<Threads>,
}

impl fmt::Debug for HostDirectory {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("HostDirectory")
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl HostDirectory {
    pub fn new(host: Host, threads: Arc<Threads>) -> HostDirectory {
        HostDirectory { host, full: Arc::default(), closed: Arc::default(), above_is_synced: Arc::default(), threads }
    }
    /// Whether the disk was full since this was last asked.
    pub fn take_full(&self) -> bool {
        self.full.swap(false, Ordering::Relaxed)
    }
    pub fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.host.list("index")?.iter().map(|entry| entry.size_bytes).sum())
    }
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
    fn check_open(&self) -> io::Result<()> {
        if self.closed.load(Ordering::Relaxed) { Err(io::Error::other("the index is closed")) } else { Ok(()) }
    }
    /// Removes all files, first the one that makes them an index; that they are gone is on the disk.
    pub fn remove_all(&self) -> io::Result<()> {
        let mut names: Vec<String> = self.host.list("index")?.into_iter().map(|entry| entry.name).collect();
        names.sort_by_key(|name| name != META);
        for name in names.iter().filter(|name| !name.ends_with(".lock")) {
            self.host.remove(&format!("{FOLDER}{name}"))?;
            if name == META {
                self.sync_names()?;
            }
        }
        self.sync_names()
    }
    /// Names in the folder are on the disk, and once for all the folder's own. A folder that is not there has none.
    fn sync_names(&self) -> io::Result<()> {
        match self.host.sync_folder("index") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        if !self.above_is_synced.load(Ordering::Relaxed) {
            self.host.sync_folder("")?;
            self.above_is_synced.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
    fn path(path: &Path) -> io::Result<String> {
        let name = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(format!("{FOLDER}{name}"))
    }
    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(is_full) {
            self.full.store(true, Ordering::Relaxed);
        }
        result
    }
    fn open_for_read(&self, path: &Path) -> Result<File, OpenReadError> {
        self.threads.note();
        let opened = Self::path(path).and_then(|name| self.host.open(&name, FS_READ));
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => OpenReadError::FileDoesNotExist(path.to_owned()),
            _ => OpenReadError::wrap_io_error(error, path.to_owned()),
        })
    }
}

/// A file that is complete. Never changes.
#[derive(Debug)]
struct ReadFile {
    file: File,
    size: usize,
    directory: HostDirectory,
}

impl HasLen for ReadFile {
    fn len(&self) -> usize {
        self.size
    }
}

impl FileHandle for ReadFile {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if stopped() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the search was stopped"));
        }
        self.directory.check_open()?;
        if range.start > range.end || range.end > self.size {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "beyond the end of an index file"));
        }
        let mut bytes = vec![0; range.len()];
        self.file.read_exact_at(&mut bytes, range.start as u64)?;
        Ok(OwnedBytes::new(bytes))
    }
}

struct WriteFile {
    file: File,
    directory: HostDirectory,
}

impl Write for WriteFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.directory.check_open()?;
        let written = self.file.write(bytes);
        self.directory.noted(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for WriteFile {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        let synced = self.file.sync_data();
        self.directory.noted(synced)
    }
}

impl Directory for HostDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let file = self.open_for_read(path)?;
        let size = file.metadata().map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))?.len() as usize;
        Ok(Arc::new(ReadFile { file, size, directory: self.clone() }))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        let removed = Self::path(path).and_then(|name| self.host.remove(&name));
        removed.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DeleteError::FileDoesNotExist(path.to_owned()),
            _ => DeleteError::IoError { io_error: Arc::new(error), filepath: path.to_owned() },
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        match self.open_for_read(path) {
            Ok(_) => Ok(true),
            Err(OpenReadError::FileDoesNotExist(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.threads.note();
        // What is there is of a commit that failed, and belongs to nothing: tantivy counts on from the last one, and so comes to its names again.
        let opened = Self::path(path).and_then(|name| {
            match self.host.remove(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.host.open(&name, FS_WRITE | FS_CREATE)
        });
        let file = self.noted(opened).map_err(|error| OpenWriteError::wrap_io_error(error, path.to_owned()))?;
        Ok(WritePtr::with_capacity(64 * 1024, Box::new(WriteFile { file, directory: self.clone() })))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let file = self.open_for_read(path)?;
        let read = || {
            let mut bytes = vec![0; file.metadata()?.len() as usize];
            file.read_exact_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        read().map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))
    }

    /// Written beside, synced, renamed over. A commit is one of these, and is on the disk with its name.
    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.threads.note();
        self.check_open()?;
        let name = Self::path(path)?;
        let beside = format!("{name}.new");
        let write = || {
            let mut file = self.host.open(&beside, FS_WRITE | FS_CREATE | FS_TRUNCATE)?;
            file.write_all(data)?;
            file.sync_data()?;
            self.host.rename(&beside, &name)?;
            if path == Path::new(META) { self.sync_names() } else { Ok(()) }
        };
        self.noted(write())
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.check_open()?;
        self.sync_names()
    }

    /// A lock of the kernel, which ends with the process that has it: a crash leaves no stale one.
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.threads.note();
        let failed = |error: io::Error| LockError::IoError(Arc::new(error));
        let name = Self::path(&lock.filepath).map_err(failed)?;
        let file = self.host.open(&name, FS_READ | FS_WRITE | FS_CREATE).map_err(failed)?;
        let how = if lock.is_blocking { LOCK_EX } else { LOCK_EX | LOCK_NB };
        // SAFETY: the descriptor is open.
        while unsafe { flock(file.as_raw_fd(), how) } != 0 {
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return Err(LockError::LockBusy),
                _ => return Err(failed(error)),
            }
        }
        Ok(DirectoryLock::from(Box::new(file)))
    }

    /// Whoever commits reloads.
    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}
