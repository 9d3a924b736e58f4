// SPDX-License-Identifier: Apache-2.0
//! The wiring: what the host calls, with panics caught at each boundary.

pub mod abi;
pub mod msgpack;
pub mod word_count;

use abi::{Buf, Call, E_DATA_CORRUPT, E_INVALID_ARGUMENT, E_NOT_FOUND, E_PLUGIN_FAILED, E_UNSUPPORTED, Failure, Instance, InstanceOps, OK, Plugin, PortInfo, Str};

use std::ffi::c_void;
use std::panic::catch_unwind;
use std::ptr;

const ID: &str = match option_env!("SYMPHONY_PLUGIN_ID") {
    Some(id) => id, // from manifest.toml, by symphony_add_rust_plugin
    None => "unnamed",
};
const VERSION: &str = match option_env!("SYMPHONY_PLUGIN_VERSION") {
    Some(version) => version,
    None => "0.0.0",
};
const PORT: &str = "operator/1";
const APPLY: u32 = 1;

#[used]
#[unsafe(link_section = ".note.symphony")]
static NOTE: abi::NoteSection = abi::note(ID, VERSION);

/// What one instance knows. This one keeps no state, but an instance must be an address of its own.
struct WordCount {
    _host: *const abi::Host, // valid until destroy; query() gives services
}

/// A length and that many bytes at the front of `rest`, which are taken off; the tag of an attachment is no length.
fn take<'a>(rest: &mut &'a [u8], attachments: &'a [Buf]) -> Option<&'a [u8]> {
    let (size, left) = rest.split_first_chunk::<4>()?;
    let size = u32::from_le_bytes(*size);
    if size & 0x8000_0000 != 0 {
        *rest = left;
        let attached = attachments.get((size & 0x7FFF_FFFF) as usize)?;
        // SAFETY: the host's buffers live until invoke returns.
        return Some(if attached.data.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(attached.data, attached.size as usize) } });
    }
    let (taken, left) = left.split_at_checked(size as usize)?;
    *rest = left;
    Some(taken)
}

/// apply(operation: string, input: value) -> value, from the bytes of the arguments to the bytes of the result.
pub fn apply(arguments: &[u8], attachments: &[Buf]) -> Result<Vec<u8>, Failure> {
    let corrupt = || Failure::new(E_DATA_CORRUPT, "bad-record", "the arguments cannot be read", "");
    let mut outer = arguments;
    let mut rest = take(&mut outer, &[]).ok_or_else(corrupt)?;
    let operation = take(&mut rest, &[]).ok_or_else(corrupt)?;
    let input = take(&mut rest, attachments).ok_or_else(corrupt)?;
    if operation != b"count" {
        return Err(Failure::new(E_NOT_FOUND, "unknown-operation", "word-count has the operation \"count\" only", ""));
    }
    let text = msgpack::text(input, "text")
        .ok_or_else(|| Failure::new(E_INVALID_ARGUMENT, "missing-input", "input \"text\" is missing or no text", ""))?;
    let counts = word_count::count(text);
    let value = msgpack::integers(&[("words", counts.words), ("characters", counts.characters)]);
    let mut out = Vec::with_capacity(value.len() + 8);
    out.extend_from_slice(&(value.len() as u32 + 4).to_le_bytes()); // the record, with one field:
    out.extend_from_slice(&(value.len() as u32).to_le_bytes()); // a value
    out.extend_from_slice(&value);
    Ok(out)
}

fn panicked() -> Failure {
    Failure::new(E_PLUGIN_FAILED, "exception", "word-count panicked", "")
}

/// Returning OK promises exactly one complete or fail; here it has always happened already.
unsafe extern "C" fn invoke(_: *mut Instance, call: *const Call) -> i32 {
    let call = unsafe { &*call };
    if unsafe { call.port.bytes() } != PORT.as_bytes() {
        return E_UNSUPPORTED;
    }
    let buffers = if call.args.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(call.args, call.arg_count as usize) } };
    let done = catch_unwind(|| match (call.method, buffers.split_first()) {
        (APPLY, Some((record, attachments))) if !record.data.is_null() => {
            apply(unsafe { std::slice::from_raw_parts(record.data, record.size as usize) }, attachments)
        }
        _ => Err(Failure::new(E_UNSUPPORTED, "unknown-method", "operator/1 has no such method", "")),
    });
    let ops = unsafe { &*call.ops };
    match done.unwrap_or_else(|_| Err(panicked())) {
        Ok(bytes) => {
            if let Some(complete) = ops.complete {
                unsafe { complete(call.ctx, call.id, &abi::borrowed(&bytes), 1) }
            }
        }
        Err(failure) => {
            if let Some(fail) = ops.fail {
                unsafe { fail(call.ctx, call.id, &failure.to_abi()) }
            }
        }
    }
    OK
}

unsafe extern "C" fn query(_: *mut Instance, interface: Str) -> *const c_void {
    static INFO: PortInfo = PortInfo { struct_size: size_of::<PortInfo>() as u32, method_max: APPLY };
    if unsafe { interface.bytes() } == PORT.as_bytes() { (&raw const INFO).cast() } else { ptr::null() }
}

unsafe extern "C" fn create(host: *const abi::Host, _: *const Buf, out: *mut *mut Instance, ops: *mut *const InstanceOps, _: *mut abi::Error) -> i32 {
    std::panic::set_hook(Box::new(|_| {})); // nothing is printed; a panic is in the answer
    unsafe {
        *out = Box::into_raw(Box::new(WordCount { _host: host })).cast();
        *ops = &OPS;
    }
    OK
}
unsafe extern "C" fn destroy(instance: *mut Instance) {
    drop(unsafe { Box::from_raw(instance.cast::<WordCount>()) });
}

// Calls end before invoke returns, so there is nothing to cancel and nothing to wait for.
unsafe extern "C" fn cancel(_: *mut Instance, _: u64) {}
unsafe extern "C" fn quiesce(_: *mut Instance, _: u64, _: *mut abi::Error) -> i32 {
    OK
}
unsafe extern "C" fn succeed(_: *mut Instance, _: *mut abi::Error) -> i32 {
    OK
}
unsafe extern "C" fn save_state(_: *mut Instance, _: *mut Buf, _: *mut abi::Error) -> i32 {
    E_UNSUPPORTED
}
unsafe extern "C" fn load_state(_: *mut Instance, _: *const Buf, _: *mut abi::Error) -> i32 {
    E_UNSUPPORTED
}

static OPS: InstanceOps = InstanceOps {
    struct_size: size_of::<InstanceOps>() as u32,
    flags: abi::INSTANCE_CONCURRENT,
    init: succeed,
    query,
    activate: succeed,
    invoke,
    cancel,
    quiesce,
    deactivate: succeed,
    save_state,
    load_state,
    destroy,
};

static PLUGIN: Plugin = Plugin {
    struct_size: size_of::<Plugin>() as u32,
    magic: abi::MAGIC,
    abi_major: 1,
    abi_built: 0,
    abi_required: 0,
    zero: 0,
    flags: 0,
    zero2: 0,
    id: Str::new(ID),
    version: Str::new(VERSION),
    create,
};

/// The one symbol that the library exports.
#[unsafe(no_mangle)]
pub extern "C" fn symphony_plugin_v1() -> *const Plugin {
    &PLUGIN
}
