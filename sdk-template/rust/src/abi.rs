// SPDX-License-Identifier: Apache-2.0
//! The C ABI of the installed headers symphony/abi, with the host services for files and the log; more services (ports, timers) are structs of functions
//! like these, asked for with Host::query. Layouts are checked at the end. Copy this file as it is: `pit/search-tantivy` and
//! `sdk-template/rust` in the Symphony tree have the same one.
#![allow(dead_code)]

use std::ffi::c_void;

pub const MAGIC: u32 = 0x504D_5953;
pub const OK: i32 = 0;
pub const E_INVALID_ARGUMENT: i32 = -1;
pub const E_NOT_FOUND: i32 = -2;
pub const E_NOT_GRANTED: i32 = -3;
pub const E_UNSUPPORTED: i32 = -4;
pub const E_BUSY: i32 = -5;
pub const E_DEADLINE: i32 = -7;
pub const E_EXHAUSTED: i32 = -8;
pub const E_DATA_CORRUPT: i32 = -10;
pub const E_IO: i32 = -11;
pub const E_PLUGIN_FAILED: i32 = -15;

pub const INSTANCE_CONCURRENT: u32 = 1;
pub const INSTANCE_BLOCKING: u32 = 2;
pub const BUF_BORROWED: u32 = 0;
pub const BUF_COUNTED: u32 = 1;
pub const FS_READ: u32 = 1;
pub const FS_WRITE: u32 = 2;
pub const FS_CREATE: u32 = 4;
pub const FS_TRUNCATE: u32 = 8;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub ptr: *const u8,
    pub len: u64,
}
// SAFETY: only made of constants and of texts that outlive it.
unsafe impl Sync for Str {}

impl Str {
    pub const fn new(text: &str) -> Str {
        Str { ptr: text.as_ptr(), len: text.len() as u64 }
    }
    /// # Safety
    /// The memory lives as long as `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.ptr.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(self.ptr, self.len as usize) } }
    }
}

#[repr(C)]
pub struct BufOps {
    pub struct_size: u32,
    pub zero: u32,
    pub retain: Option<unsafe extern "C" fn(*mut c_void)>,
    pub release: Option<unsafe extern "C" fn(*mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Buf {
    pub struct_size: u32,
    pub flags: u32,
    pub data: *const u8,
    pub size: u64,
    pub region: u64,
    pub offset: u64,
    pub owner: *mut c_void,
    pub ops: *const BufOps,
}

#[repr(C)]
pub struct Error {
    pub struct_size: u32,
    pub code: i32,
    pub retry_after_ms: u32,
    pub flags: u32,
    pub reason: [u8; 48],
    pub message: [u8; 432],
    pub hint: [u8; 192],
}

#[repr(C)]
pub struct CallOps {
    pub struct_size: u32,
    pub zero: u32,
    pub complete: Option<unsafe extern "C" fn(*mut c_void, u64, *const Buf, u32)>,
    pub fail: Option<unsafe extern "C" fn(*mut c_void, u64, *const Error)>,
    pub emit: Option<unsafe extern "C" fn(*mut c_void, u64, *const Buf, u32)>,
    pub progress: Option<unsafe extern "C" fn(*mut c_void, u64, u32, Str)>,
    pub cancelled: Option<unsafe extern "C" fn(*mut c_void, u64) -> u32>,
}

#[repr(C)]
pub struct Call {
    pub struct_size: u32,
    pub method: u32,
    pub arg_count: u32,
    pub flags: u32,
    pub id: u64,
    pub deadline_ns: u64,
    pub trace_hi: u64,
    pub trace_lo: u64,
    pub args: *const Buf,
    pub ctx: *mut c_void,
    pub ops: *const CallOps,
    pub port: Str,
}

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub ctx: *mut c_void,
    pub query: Option<unsafe extern "C" fn(*mut c_void, Str) -> *const c_void>,
    pub buf_alloc: Option<unsafe extern "C" fn(*mut c_void, u64, *mut Buf) -> i32>,
    pub now_ns: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
}

#[repr(C)]
pub struct HostFs {
    pub struct_size: u32,
    pub zero: u32,
    pub open: Option<unsafe extern "C" fn(*mut c_void, Str, Str, u32, *mut i32, *mut Error) -> i32>,
    pub list: Option<unsafe extern "C" fn(*mut c_void, Str, Str, *mut Buf, *mut Error) -> i32>,
    pub rename: Option<unsafe extern "C" fn(*mut c_void, Str, Str, Str, *mut Error) -> i32>,
    pub remove: Option<unsafe extern "C" fn(*mut c_void, Str, Str, *mut Error) -> i32>,
    /// Of a host of 1.0 or later; an older one has a smaller `struct_size`.
    pub sync_folder: Option<unsafe extern "C" fn(*mut c_void, Str, Str, *mut Error) -> i32>,
}

#[repr(C)]
pub struct HostLog {
    pub struct_size: u32,
    pub zero: u32,
    pub write: Option<unsafe extern "C" fn(*mut c_void, u32, Str)>,
}

#[repr(C)]
pub struct PortInfo {
    pub struct_size: u32,
    pub method_max: u32,
}

/// The plugin's own; the host only carries the pointer.
pub type Instance = c_void;

#[repr(C)]
pub struct InstanceOps {
    pub struct_size: u32,
    pub flags: u32,
    pub init: unsafe extern "C" fn(*mut Instance, *mut Error) -> i32,
    pub query: unsafe extern "C" fn(*mut Instance, Str) -> *const c_void,
    pub activate: unsafe extern "C" fn(*mut Instance, *mut Error) -> i32,
    pub invoke: unsafe extern "C" fn(*mut Instance, *const Call) -> i32,
    pub cancel: unsafe extern "C" fn(*mut Instance, u64),
    pub quiesce: unsafe extern "C" fn(*mut Instance, u64, *mut Error) -> i32,
    pub deactivate: unsafe extern "C" fn(*mut Instance, *mut Error) -> i32,
    pub save_state: unsafe extern "C" fn(*mut Instance, *mut Buf, *mut Error) -> i32,
    pub load_state: unsafe extern "C" fn(*mut Instance, *const Buf, *mut Error) -> i32,
    pub destroy: unsafe extern "C" fn(*mut Instance),
}

pub type Create = unsafe extern "C" fn(*const Host, *const Buf, *mut *mut Instance, *mut *const InstanceOps, *mut Error) -> i32;

#[repr(C)]
pub struct Plugin {
    pub struct_size: u32,
    pub magic: u32,
    pub abi_major: u16,
    pub abi_built: u16,
    pub abi_required: u16,
    pub zero: u16,
    pub flags: u32,
    pub zero2: u32,
    pub id: Str,
    pub version: Str,
    pub create: Create,
}

#[repr(C)]
pub struct Note {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_built: u16,
    pub abi_required: u16,
    pub zero: u16,
    pub id: [u8; 104],
    pub version: [u8; 64],
    pub sdk: [u8; 16],
}

#[repr(C, align(4))]
pub struct NoteSection {
    pub name_size: u32,
    pub desc_size: u32,
    pub kind: u32,
    pub name: [u8; 12],
    pub desc: Note,
}

/// A text in an array that ends with zero.
pub const fn array<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    assert!(bytes.len() < N, "too long for its array");
    let mut out = [0; N];
    let mut i = 0;
    while i < bytes.len() {
        out[i] = bytes[i];
        i += 1;
    }
    out
}

/// The ELF note that says who the library is without running it, for a static in the section `.note.symphony`.
pub const fn note(id: &str, version: &str) -> NoteSection {
    NoteSection {
        name_size: 9,
        desc_size: size_of::<Note>() as u32,
        kind: 1,
        name: array("Symphony"),
        desc: Note {
            struct_size: size_of::<Note>() as u32,
            abi_major: 1,
            abi_built: 0,
            abi_required: 0,
            zero: 0,
            id: array(id),
            version: array(version),
            sdk: array("1.0.0"),
        },
    }
}

/// A failure on its way to the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub code: i32,
    pub reason: &'static str,
    pub message: String,
    pub hint: &'static str,
}

impl Failure {
    pub fn new(code: i32, reason: &'static str, message: impl Into<String>, hint: &'static str) -> Failure {
        Failure { code, reason, message: message.into(), hint }
    }
    /// As the ABI has it: texts are cut between characters at the arrays' ends.
    pub fn to_abi(&self) -> Error {
        fn cut<const N: usize>(text: &str) -> [u8; N] {
            let mut end = text.len().min(N - 1);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let mut out = [0; N];
            out[..end].copy_from_slice(&text.as_bytes()[..end]);
            out
        }
        Error {
            struct_size: size_of::<Error>() as u32,
            code: self.code,
            retry_after_ms: 0,
            flags: 0,
            reason: cut(self.reason),
            message: cut(&self.message),
            hint: cut(self.hint),
        }
    }
    /// Fills an error that the host gave, and returns its code.
    /// # Safety
    /// `to` is NULL or an error of the host's, of which `struct_size` bytes may be written.
    pub unsafe fn give(&self, to: *mut Error) -> i32 {
        if !to.is_null() {
            let size = (unsafe { (*to).struct_size } as usize).min(size_of::<Error>());
            let from = self.to_abi();
            // The writer sets struct_size to its own; the rest is what both know.
            unsafe { std::ptr::copy_nonoverlapping((&raw const from).cast::<u8>().add(4), to.cast::<u8>().add(4), size.saturating_sub(4)) };
        }
        self.code
    }
}

const _: () = {
    assert!(size_of::<Str>() == 16 && size_of::<Buf>() == 56 && size_of::<Error>() == 688 && size_of::<CallOps>() == 48);
    assert!(size_of::<Call>() == 88 && size_of::<Host>() == 40 && size_of::<HostFs>() == 48 && size_of::<InstanceOps>() == 88);
    assert!(size_of::<Plugin>() == 64 && size_of::<Note>() == 196 && size_of::<NoteSection>() == 220);
    assert!(std::mem::offset_of!(Call, args) == 48 && std::mem::offset_of!(Plugin, id) == 24 && std::mem::offset_of!(Buf, owner) == 40);
};

/// Bytes as a buffer that is valid until the function it is given to returns.
pub fn borrowed(bytes: &[u8]) -> Buf {
    Buf {
        struct_size: size_of::<Buf>() as u32,
        flags: BUF_BORROWED,
        data: bytes.as_ptr(),
        size: bytes.len() as u64,
        region: 0,
        offset: 0,
        owner: std::ptr::null_mut(),
        ops: std::ptr::null(),
    }
}
