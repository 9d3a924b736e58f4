// SPDX-License-Identifier: Apache-2.0
//! search/1 for many documents: the C ABI on one side, `index.rs` on the other. Every function that the host calls catches panics.

mod abi;
mod directory;
mod excerpt;
mod facets;
mod host;
mod index;
mod matching;
mod period;
mod query;
mod wire;
mod words;
mod words_table;

use abi::{Buf, Call, E_DATA_CORRUPT, E_NOT_GRANTED, E_PLUGIN_FAILED, E_UNSUPPORTED, Failure, Instance, InstanceOps, OK, Plugin, PortInfo, Str};
use host::Host;
use index::{Document, Index, Options, Query, SHUT_LONGEST};
use wire::{Reader, Value, Writer};

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::Duration;

const ID: &str = match option_env!("SYMPHONY_PLUGIN_ID") {
    Some(id) => id,
    None => "unnamed",
};
const VERSION: &str = match option_env!("SYMPHONY_PLUGIN_VERSION") {
    Some(version) => version,
    None => "0.0.0",
};
const PORT: &str = "search/1";
const METHOD_MAX: u32 = 6;

#[used]
#[unsafe(link_section = ".note.symphony")]
static NOTE: abi::NoteSection = abi::note(ID, VERSION);

struct SearchTantivy {
    host: Host,
    index: Index,
    query_time_max_ms: u64,
}

/// # Safety
/// `instance` is what create() made, and not destroyed.
unsafe fn of<'a>(instance: *mut Instance) -> &'a SearchTantivy {
    unsafe { &*instance.cast::<SearchTantivy>() }
}

fn panicked() -> Failure {
    Failure::new(E_PLUGIN_FAILED, "exception", "search-tantivy panicked", "")
}

/// Runs what the host asked for; a panic becomes an error like any other.
unsafe fn control(error: *mut abi::Error, work: impl FnOnce() -> Result<(), Failure>) -> i32 {
    match catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked())) {
        Ok(()) => OK,
        Err(failure) => unsafe { failure.give(error) },
    }
}

unsafe extern "C" fn create(host: *const abi::Host, config: *const Buf, out: *mut *mut Instance, ops: *mut *const InstanceOps, error: *mut abi::Error) -> i32 {
    let work = || {
        std::panic::set_hook(Box::new(|_| {})); // nothing is printed; a panic is in the answer
        let host = unsafe { Host::new(host) }.filter(Host::has_files);
        let host = host.ok_or_else(|| Failure::new(E_NOT_GRANTED, "service-not-granted", "host service symphony.host.fs/1 is not granted", ""))?;
        let config = unsafe { config.as_ref() }.filter(|config| !config.data.is_null());
        let config = config.and_then(|config| Value::parse(unsafe { std::slice::from_raw_parts(config.data, config.size as usize) }));
        let setting = |key: &str, otherwise| config.as_ref().and_then(|config| config.get(key)).and_then(Value::unsigned).unwrap_or(otherwise);
        let options = Options { text_bytes_max: setting("text_size_max", 1 << 20) as usize, buffer_bytes: setting("buffer_size", 64_000_000) as usize };
        let made = SearchTantivy { host, index: Index::new(host, options), query_time_max_ms: setting("query_time_max", 2000) };
        unsafe {
            *out = Box::into_raw(Box::new(made)).cast();
            *ops = &OPS;
        }
        Ok(())
    };
    unsafe { control(error, work) }
}

unsafe extern "C" fn destroy(instance: *mut Instance) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(instance.cast::<SearchTantivy>()) })));
}

unsafe extern "C" fn succeed(_: *mut Instance, _: *mut abi::Error) -> i32 {
    OK
}
unsafe extern "C" fn cancel(_: *mut Instance, _: u64) {} // searches ask the host themselves
unsafe extern "C" fn quiesce(instance: *mut Instance, deadline_ns: u64, error: *mut abi::Error) -> i32 {
    // Calls end before invoke returns: only threads are left to end.
    let work = || {
        let plugin = unsafe { of(instance) };
        plugin.index.close(Duration::from_nanos(deadline_ns.saturating_sub(plugin.host.now_ns())).min(SHUT_LONGEST))
    };
    unsafe { control(error, work) }
}
unsafe extern "C" fn deactivate(instance: *mut Instance, error: *mut abi::Error) -> i32 {
    unsafe { control(error, || of(instance).index.close(SHUT_LONGEST)) }
}
unsafe extern "C" fn save_state(_: *mut Instance, _: *mut Buf, _: *mut abi::Error) -> i32 {
    E_UNSUPPORTED
}
unsafe extern "C" fn load_state(_: *mut Instance, _: *const Buf, _: *mut abi::Error) -> i32 {
    E_UNSUPPORTED
}

unsafe extern "C" fn query(_: *mut Instance, interface: Str) -> *const c_void {
    static INFO: PortInfo = PortInfo { struct_size: size_of::<PortInfo>() as u32, method_max: METHOD_MAX };
    if unsafe { interface.bytes() } == PORT.as_bytes() { (&raw const INFO).cast() } else { ptr::null() }
}

fn read_document(reader: &mut Reader) -> Document {
    reader.record(|r| Document {
        id: r.field(|r| r.string().to_owned()),
        name: r.field(|r| r.string().to_owned()),
        text: r.field(|r| r.string().to_owned()),
        kind: r.field(|r| r.string().to_owned()),
        tags: r.field(Reader::strings),
        inputs: r.field(Reader::strings),
        date_unix_ms: r.field(Reader::u64),
    })
}

fn read_query(reader: &mut Reader) -> Query {
    reader.record(|r| Query {
        text: r.field(|r| r.string().to_owned()),
        offset: r.field(Reader::u32),
        limit: r.field(Reader::u32),
        facets: r.field(Reader::u32),
        excerpt_bytes: r.field(Reader::u32),
        newest_first: r.field(Reader::boolean),
    })
}

/// Arguments that were read without a fault.
fn whole<T>(reader: &Reader, arguments: T) -> Result<T, Failure> {
    if reader.failed { Err(Failure::new(E_DATA_CORRUPT, "bad-record", "the arguments cannot be read", "")) } else { Ok(arguments) }
}

/// One call from the bytes of its arguments to the bytes of its result.
fn answer(plugin: &SearchTantivy, method: u32, arguments: &[u8], cancelled: &dyn Fn() -> bool) -> Result<Vec<u8>, Failure> {
    let mut reader = Reader::new(arguments);
    let mut out = Writer::default();
    match method {
        1 => {
            let documents = reader.list(4, read_document);
            plugin.index.index(whole(&reader, documents)?)?;
            out.record(|_| {});
        }
        2 => {
            let ids = reader.strings();
            plugin.index.remove(&whole(&reader, ids)?)?;
            out.record(|_| {});
        }
        3 => {
            let asked = read_query(&mut reader);
            let asked = whole(&reader, asked)?;
            let last_ns = plugin.host.now_ns().saturating_add(plugin.query_time_max_ms.saturating_mul(1_000_000));
            let hits = plugin.index.search(&asked, &|| cancelled() || plugin.host.now_ns() > last_ns)?;
            out.record(|w| {
                w.record(|w| {
                    w.list(&hits.hits, |w, hit| {
                        w.record(|w| {
                            w.string(&hit.id);
                            w.f64(hit.score);
                            w.string(&hit.excerpt);
                            w.list(&hit.highlights, |w, place| w.u32(*place));
                        });
                    });
                    w.u64(hits.total);
                    w.boolean(hits.partial);
                    w.list(&hits.facets, |w, facet| {
                        w.record(|w| {
                            w.string(facet.field);
                            w.string(&facet.value);
                            w.u64(facet.count);
                        });
                    });
                });
            });
        }
        4 => {
            let (feed, watermark) = (reader.string().to_owned(), reader.u64());
            let (feed, watermark) = whole(&reader, (feed, watermark))?;
            plugin.index.commit(&feed, watermark)?;
            out.record(|_| {});
        }
        5 => {
            let status = plugin.index.status()?;
            out.record(|w| {
                w.record(|w| {
                    w.u64(status.documents);
                    w.u64(status.size_bytes);
                    w.string(&status.feed);
                    w.u64(status.watermark);
                    w.u64(status.pending);
                });
            });
        }
        6 => {
            plugin.index.clear()?;
            out.record(|_| {});
        }
        _ => return Err(Failure::new(E_UNSUPPORTED, "unknown-method", format!("{PORT} has no method {method}"), "")),
    }
    Ok(out.bytes)
}

/// Taken and answered before it returns.
unsafe extern "C" fn invoke(instance: *mut Instance, call: *const Call) -> i32 {
    let call = unsafe { &*call };
    if unsafe { call.port.bytes() } != PORT.as_bytes() {
        return E_UNSUPPORTED;
    }
    let ops = unsafe { &*call.ops };
    let cancelled = || ops.cancelled.is_some_and(|cancelled| unsafe { cancelled(call.ctx, call.id) } != 0);
    let work = || {
        let record = if call.arg_count == 0 { None } else { unsafe { call.args.as_ref() } };
        let record = record.filter(|record| !record.data.is_null());
        let bytes = record.map_or(&[][..], |record| unsafe { std::slice::from_raw_parts(record.data, record.size as usize) });
        answer(unsafe { of(instance) }, call.method, bytes, &cancelled)
    };
    match catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked())) {
        Ok(bytes) => {
            let out = abi::borrowed(&bytes);
            if let Some(complete) = ops.complete {
                unsafe { complete(call.ctx, call.id, &out, 1) }
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

static OPS: InstanceOps = InstanceOps {
    struct_size: size_of::<InstanceOps>() as u32,
    flags: abi::INSTANCE_CONCURRENT | abi::INSTANCE_BLOCKING,
    init: succeed,
    query,
    activate: succeed,
    invoke,
    cancel,
    quiesce,
    deactivate,
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

/// The one symbol that a plugin exports.
#[unsafe(no_mangle)]
pub extern "C" fn symphony_plugin_v1() -> *const Plugin {
    &PLUGIN
}
