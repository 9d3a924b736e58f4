// SPDX-License-Identifier: Apache-2.0
//! The host's services as safe functions. Everything here may be called on any thread while the instance lives.

use crate::abi::{self, Buf, E_NOT_FOUND, Str};
use crate::wire::Value;

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;

/// Files of the plugin's own folder and the log. Valid until the instance is destroyed.
#[derive(Clone, Copy)]
pub struct Host {
    ctx: *mut c_void,
    fs: *const abi::HostFs,
    log: *const abi::HostLog,
    now_ns: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
}
// SAFETY: services may be called on any thread; the pointers are valid until the instance is destroyed, which ends all of its threads.
unsafe impl Send for Host {}
unsafe impl Sync for Host {}

const ROOT: Str = Str::new("state");

pub struct Entry {
    pub name: String,
    pub size_bytes: u64,
}

fn no_error() -> abi::Error {
    abi::Error { struct_size: size_of::<abi::Error>() as u32, code: 0, retry_after_ms: 0, flags: 0, reason: [0; 48], message: [0; 432], hint: [0; 192] }
}

/// What the host said, as an error of the kind that callers tell apart.
fn io_error(status: i32, error: &abi::Error) -> io::Error {
    let end = error.message.iter().position(|byte| *byte == 0).unwrap_or(error.message.len());
    let kind = match status {
        E_NOT_FOUND => io::ErrorKind::NotFound,
        abi::E_NOT_GRANTED => io::ErrorKind::PermissionDenied,
        abi::E_EXHAUSTED => io::ErrorKind::StorageFull,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, String::from_utf8_lossy(&error.message[..end]).into_owned())
}

impl Host {
    /// # Safety
    /// `host` is the host's, as given to create, and outlives what is made here.
    pub unsafe fn new(host: *const abi::Host) -> Option<Host> {
        let query = unsafe { (*host).query }?;
        let ctx = unsafe { (*host).ctx };
        let fs = unsafe { query(ctx, Str::new("symphony.host.fs/1")) }.cast::<abi::HostFs>();
        let log = unsafe { query(ctx, Str::new("symphony.host.log/1")) }.cast::<abi::HostLog>();
        Some(Host { ctx, fs, log, now_ns: unsafe { (*host).now_ns } })
    }

    /// One that grants nothing.
    #[cfg(test)]
    pub fn detached() -> Host {
        Host { ctx: std::ptr::null_mut(), fs: std::ptr::null(), log: std::ptr::null(), now_ns: None }
    }

    pub fn has_files(&self) -> bool {
        !self.fs.is_null()
    }

    pub fn warn(&self, text: &str) {
        if let Some(write) = unsafe { self.log.as_ref() }.and_then(|log| log.write) {
            unsafe { write(self.ctx, 3, Str::new(text)) }
        }
    }

    pub fn now_ns(&self) -> u64 {
        self.now_ns.map_or(0, |now_ns| unsafe { now_ns(self.ctx) })
    }

    fn fs(&self) -> io::Result<&abi::HostFs> {
        // SAFETY: valid until the instance is destroyed.
        unsafe { self.fs.as_ref() }.ok_or_else(|| io::Error::new(io::ErrorKind::PermissionDenied, "files are not granted"))
    }

    pub fn open(&self, path: &str, flags: u32) -> io::Result<File> {
        let open = self.fs()?.open.ok_or(io::ErrorKind::Unsupported)?;
        let (mut fd, mut error) = (-1, no_error());
        let status = unsafe { open(self.ctx, ROOT, Str::new(path), flags, &mut fd, &mut error) };
        if status < 0 {
            return Err(io_error(status, &error));
        }
        // SAFETY: the descriptor is open and the caller's.
        Ok(unsafe { File::from_raw_fd(fd) })
    }

    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let rename = self.fs()?.rename.ok_or(io::ErrorKind::Unsupported)?;
        let mut error = no_error();
        let status = unsafe { rename(self.ctx, ROOT, Str::new(from), Str::new(to), &mut error) };
        if status < 0 { Err(io_error(status, &error)) } else { Ok(()) }
    }

    pub fn remove(&self, path: &str) -> io::Result<()> {
        let remove = self.fs()?.remove.ok_or(io::ErrorKind::Unsupported)?;
        let mut error = no_error();
        let status = unsafe { remove(self.ctx, ROOT, Str::new(path), &mut error) };
        if status < 0 { Err(io_error(status, &error)) } else { Ok(()) }
    }

    /// New, renamed and removed names of a folder are on the disk.
    pub fn sync_folder(&self, path: &str) -> io::Result<()> {
        let fs = self.fs()?;
        // What the host's struct does not have must not be read.
        let has = fs.struct_size as usize >= size_of::<abi::HostFs>();
        let sync = if has { fs.sync_folder } else { None }.ok_or(io::ErrorKind::Unsupported)?;
        let mut error = no_error();
        let status = unsafe { sync(self.ctx, ROOT, Str::new(path), &mut error) };
        if status < 0 { Err(io_error(status, &error)) } else { Ok(()) }
    }

    /// The files of one folder; a folder that is not there has none.
    pub fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let list = self.fs()?.list.ok_or(io::ErrorKind::Unsupported)?;
        let mut error = no_error();
        let mut out = Buf {
            struct_size: size_of::<Buf>() as u32,
            flags: 0,
            data: std::ptr::null(),
            size: 0,
            region: 0,
            offset: 0,
            owner: std::ptr::null_mut(),
            ops: std::ptr::null(),
        };
        let status = unsafe { list(self.ctx, ROOT, Str::new(path), &mut out, &mut error) };
        if status == E_NOT_FOUND {
            return Ok(Vec::new());
        }
        if status < 0 {
            return Err(io_error(status, &error));
        }
        let listing = if out.data.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(out.data, out.size as usize) } };
        let value = Value::parse(listing);
        if out.flags == abi::BUF_COUNTED {
            if let Some(release) = unsafe { out.ops.as_ref() }.and_then(|ops| ops.release) {
                unsafe { release(out.owner) }
            }
        }
        let Some(Value::List(items)) = value else { return Err(io::Error::other("the host's list cannot be read")) };
        let files = items.iter().filter(|item| item.get("kind").and_then(Value::text) == Some("file"));
        Ok(files.filter_map(|item| Some(Entry { name: item.get("name")?.text()?.to_owned(), size_bytes: item.get("size")?.unsigned()? })).collect())
    }
}
