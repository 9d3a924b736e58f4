/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin for the tests of the runtime: every method is one way to behave, good or bad. What its library says about
 * itself is set by the PROBE_... definitions in ../CMakeLists.txt.
 */
#define _POSIX_C_SOURCE 200809L
#include <symphony/abi/plugin.h>
#include <symphony/abi/services/config.h>
#include <symphony/abi/services/fs.h>
#include <symphony/abi/services/log.h>
#include <symphony/abi/services/metrics.h>
#include <symphony/abi/services/net.h>
#include <symphony/abi/services/ports.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef PROBE_MAJOR
#define PROBE_MAJOR SYMPHONY_ABI_MAJOR
#endif
#ifndef PROBE_REQUIRED
#define PROBE_REQUIRED 0
#endif
#ifndef PROBE_MAGIC
#define PROBE_MAGIC SYMPHONY_MAGIC
#endif
#ifndef PROBE_SIZE
#define PROBE_SIZE sizeof(symphony_plugin)
#endif
#ifndef PROBE_FLAGS
#define PROBE_FLAGS 0
#endif
#ifndef PROBE_NOTE_MAJOR
#define PROBE_NOTE_MAJOR SYMPHONY_ABI_MAJOR
#endif
#ifndef PROBE_NOTE_REQUIRED
#define PROBE_NOTE_REQUIRED 0
#endif

#ifndef PROBE_NULL
#define PROBE_NULL 0
#endif

#ifndef PROBE_NO_NOTE
SYMPHONY_NOTE_ABI_(PROBE_NOTE_MAJOR, SYMPHONY_ABI_MINOR, PROBE_NOTE_REQUIRED)
#endif

struct symphony_instance {
    const symphony_host *host;
    const symphony_host_ports *ports;
    symphony_call kept; /* of the call that method 4 never answers */
    symphony_handle kept_port; /* of method 31 */
    symphony_handle self_port;
    char mode[32];
    _Atomic uint32_t count; /* of method 26; the state that is saved */
};

/* What the tests look at: how often the control functions ran. Lives as long as the library is mapped. */
static _Atomic uint32_t seen_cancel, seen_destroy;

static const void *service(const symphony_instance *self, const char *id) {
    return self->host->query(self->host->ctx, (symphony_str){id, strlen(id)});
}
static int is_mode(const symphony_instance *self, const char *mode) { return strcmp(self->mode, mode) == 0; }
static void hang(void) {
    for (;;) pause();
}

static void fill_error(symphony_error *error, symphony_status code, const char *text) {
    memset(error, 0, sizeof *error);
    error->struct_size = sizeof *error;
    error->code = code;
    strncpy(error->message, text, sizeof error->message - 1);
}

static symphony_status init(symphony_instance *self, symphony_error *error) {
    if (is_mode(self, "init-fails")) {
        fill_error(error, SYMPHONY_E_UNSUPPORTED, "no model here");
        return SYMPHONY_E_UNSUPPORTED;
    }
    return SYMPHONY_OK;
}
static symphony_status activate(symphony_instance *self, symphony_error *error) {
    if (is_mode(self, "activate-hangs")) hang();
    if (is_mode(self, "needs-other")) {
        const symphony_host_ports *ports = service(self, SYMPHONY_HOST_PORTS);
        symphony_handle handle = 0;
        return ports->acquire(self->host->ctx, (symphony_str){"operator/1", 10}, (symphony_str){NULL, 0}, &handle, error);
    }
    return SYMPHONY_OK;
}
static symphony_status quiesce(symphony_instance *self, uint64_t deadline_ns, symphony_error *error) {
    (void)deadline_ns;
    (void)error;
    if (is_mode(self, "quiesce-hangs")) hang();
    return SYMPHONY_OK;
}
static symphony_status deactivate(symphony_instance *self, symphony_error *error) {
    (void)self;
    (void)error;
    return SYMPHONY_OK;
}
static void destroy(symphony_instance *self) {
    atomic_fetch_add(&seen_destroy, 1);
    free(self);
}
static void cancel(symphony_instance *self, symphony_handle id) {
    (void)self;
    (void)id;
    atomic_fetch_add(&seen_cancel, 1);
}

static void complete_text(const symphony_call *call, const char *text, size_t size) {
    const symphony_buf out = {sizeof out, SYMPHONY_BUF_BORROWED, (const uint8_t *)text, size, 0, 0, NULL, NULL};
    call->ops->complete(call->ctx, call->id, &out, 1);
}

static void *complete_later(void *argument) {
    symphony_call *call = argument;
    complete_text(call, "later", 5);
    free(call);
    return NULL;
}

/* Forwards a method to the best other provider, or to the one in args[0], and answers when that answers. The handle is kept if there is a place for it. */
struct forward {
    symphony_call outer;
    struct forward *next;
};
static _Atomic(struct forward *) forwards; /* kept for good: late answers find them */
static void forwarded(void *ctx, symphony_handle id, const symphony_buf *out, uint32_t count) {
    struct forward *forward = ctx;
    (void)id;
    forward->outer.ops->complete(forward->outer.ctx, forward->outer.id, out, count);
}
static void forward_failed(void *ctx, symphony_handle id, const symphony_error *error) {
    struct forward *forward = ctx;
    (void)id;
    forward->outer.ops->fail(forward->outer.ctx, forward->outer.id, error);
}
static const symphony_call_ops forward_ops = {sizeof(symphony_call_ops), 0, forwarded, forward_failed, NULL, NULL, NULL};

static symphony_status forward(symphony_instance *self, const symphony_call *call, uint32_t method, symphony_handle *kept) {
    symphony_error error = {sizeof error, 0, 0, 0, "", "", ""};
    const symphony_str provider = {(const char *)call->args[0].data, call->args[0].size};
    symphony_handle port = kept != NULL ? *kept : 0;
    symphony_handle id = 0;
    if (self->ports == NULL) return SYMPHONY_E_NOT_GRANTED;
    symphony_status status = SYMPHONY_OK;
    if (port == 0) status = self->ports->acquire(self->host->ctx, (symphony_str){"operator/1", 10}, provider, &port, &error);
    if (status >= 0) {
        struct forward *state = calloc(1, sizeof *state);
        state->outer = *call;
        symphony_call inner = *call;
        inner.method = method;
        inner.ctx = state;
        inner.ops = &forward_ops;
        inner.id = 4711;
        status = self->ports->invoke(self->host->ctx, port, &inner, &id, &error);
        if (kept != NULL) *kept = port;
        else self->ports->release(self->host->ctx, port);
        if (status >= 0) {
            state->next = atomic_load(&forwards);
            while (!atomic_compare_exchange_weak(&forwards, &state->next, state)) {
            }
            return SYMPHONY_OK;
        }
        free(state);
    }
    error.struct_size = sizeof error;
    call->ops->fail(call->ctx, call->id, &error);
    return SYMPHONY_OK;
}

static symphony_status open_file(symphony_instance *self, const symphony_call *call) {
    const symphony_host_fs *fs = service(self, SYMPHONY_HOST_FS);
    symphony_error error = {sizeof error, 0, 0, 0, "", "", ""};
    int32_t fd = -1;
    if (fs == NULL) return SYMPHONY_E_NOT_GRANTED;
    const symphony_str path = {(const char *)call->args[0].data, call->args[0].size};
    const int temp = path.len > 5 && memcmp(path.ptr, "temp:", 5) == 0; /* a new file there */
    const symphony_str in_temp = {path.ptr + (temp ? 5 : 0), path.len - (temp ? 5 : 0)};
    if (fs->open(self->host->ctx, temp ? (symphony_str){"temp", 4} : (symphony_str){"workspace", 9}, in_temp,
                 temp ? SYMPHONY_FS_READ | SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE : SYMPHONY_FS_READ, &fd, &error) < 0) {
        call->ops->fail(call->ctx, call->id, &error);
        return SYMPHONY_OK;
    }
    char text[256];
    const ssize_t n = read(fd, text, sizeof text);
    close(fd);
    complete_text(call, text, n < 0 ? 0 : (size_t)n);
    return SYMPHONY_OK;
}

/* To the port of this machine in args[0]; the stream stays open. */
static symphony_status open_stream(symphony_instance *self, const symphony_call *call) {
    const symphony_host_net *net = service(self, SYMPHONY_HOST_NET);
    symphony_error error = {sizeof error, 0, 0, 0, "", "", ""};
    int32_t fd = -1;
    uint32_t port = 0;
    if (net == NULL) return SYMPHONY_E_NOT_GRANTED;
    for (uint64_t i = 0; i < call->args[0].size; ++i) port = port * 10 + (uint32_t)(call->args[0].data[i] - '0');
    if (net->connect(self->host->ctx, (symphony_str){"127.0.0.1", 9}, port, 0, 0, &fd, &error) < 0) {
        call->ops->fail(call->ctx, call->id, &error);
        return SYMPHONY_OK;
    }
    complete_text(call, "connected", 9);
    return SYMPHONY_OK;
}

static symphony_status services(symphony_instance *self, const symphony_call *call) {
    static const char *const ids[] = {SYMPHONY_HOST_LOG, SYMPHONY_HOST_CONFIG, SYMPHONY_HOST_METRICS, SYMPHONY_HOST_PORTS,
                                      SYMPHONY_HOST_FS, "symphony.host.net/1", "symphony.host.secrets/1", "nonsense"};
    char text[8];
    for (int i = 0; i < 8; ++i) text[i] = service(self, ids[i]) != NULL ? '1' : '0';
    const symphony_host_log *log = service(self, SYMPHONY_HOST_LOG);
    log->write(self->host->ctx, SYMPHONY_LOG_INFO, (symphony_str){"hello", 5});
    const symphony_host_metrics *metrics = service(self, SYMPHONY_HOST_METRICS);
    metrics->count(self->host->ctx, (symphony_str){"pages", 5}, 3);
    complete_text(call, text, sizeof text);
    return SYMPHONY_OK;
}

static volatile int *volatile nowhere = (volatile int *)16;
static void *crash_there(void *unused) {
    *nowhere = 1;
    return unused;
}
static void *stay(void *unused) {
    hang();
    return unused;
}
static int recurse(int depth) { /* the volatile array keeps each frame */
    volatile char room[4096];
    room[0] = (char)depth;
    return depth == 0 ? 0 : recurse(depth + 1) + room[0];
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    const symphony_call_ops *ops = call->ops;
    const struct timespec nap = {0, 200000};
    symphony_error error;
    switch (call->method) {
    case 1: /* echo */
        ops->complete(call->ctx, call->id, call->args, call->arg_count);
        return SYMPHONY_OK;
    case 2: /* an error whose texts have no end */
        memset(&error, 'x', sizeof error);
        error.struct_size = sizeof error;
        error.code = SYMPHONY_E_CONFLICT;
        ops->fail(call->ctx, call->id, &error);
        return SYMPHONY_OK;
    case 3: /* answers twice */
        complete_text(call, "first", 5);
        complete_text(call, "second", 6);
        return SYMPHONY_OK;
    case 4: /* never answers */
        self->kept = *call;
        return SYMPHONY_OK;
    case 5: { /* answers from a thread of its own */
        symphony_call *copy = malloc(sizeof *copy);
        *copy = *call;
        pthread_t thread;
        if (pthread_create(&thread, NULL, complete_later, copy) == 0) pthread_detach(thread);
        return SYMPHONY_OK;
    }
    case 6: /* three parts */
        for (int i = 0; i < 3; ++i) {
            const symphony_buf part = {sizeof part, 0, (const uint8_t *)"abc" + i, 1, 0, 0, NULL, NULL};
            ops->emit(call->ctx, call->id, &part, 1);
        }
        ops->progress(call->ctx, call->id, 5000, (symphony_str){"done", 4});
        complete_text(call, "parts", 5);
        return SYMPHONY_OK;
    case 7: { /* a part after the end */
        complete_text(call, "end", 3);
        const symphony_buf part = {sizeof part, 0, (const uint8_t *)"x", 1, 0, 0, NULL, NULL};
        ops->emit(call->ctx, call->id, &part, 1);
        return SYMPHONY_OK;
    }
    case 8: /* answers and refuses */
        complete_text(call, "end", 3);
        return SYMPHONY_E_BUSY;
    case 9: return SYMPHONY_E_BUSY;
    case 10: /* crashes */
        *nowhere = 1;
        return SYMPHONY_OK;
    case 11: /* writes its argument */
        ((uint8_t *)(uintptr_t)call->args[0].data)[0] = 'W';
        complete_text(call, "written", 7);
        return SYMPHONY_OK;
    case 12: /* works until it is told to stop */
        while (ops->cancelled(call->ctx, call->id) == 0) nanosleep(&nap, NULL);
        fill_error(&error, SYMPHONY_E_CANCELLED, "stopped as asked");
        ops->fail(call->ctx, call->id, &error);
        return SYMPHONY_OK;
    case 13: hang(); return SYMPHONY_OK;
    case 14: return forward(self, call, 1, NULL);
    case 31: return forward(self, call, 1, &self->kept_port);
    case 15: return services(self, call);
    case 16: return open_file(self, call);
    case 30: return open_stream(self, call);
    case 17: { /* a malformed buffer */
        const symphony_buf out = {sizeof out, 0, NULL, 99, 0, 0, NULL, NULL};
        ops->complete(call->ctx, call->id, &out, 1);
        return SYMPHONY_OK;
    }
    case 18: /* answers the call that method 4 kept */
        complete_text(&self->kept, "much later", 10);
        complete_text(call, "answered", 8);
        return SYMPHONY_OK;
    case 19: { /* how often cancel came */
        const char digit = (char)('0' + atomic_load(&seen_cancel) % 10);
        complete_text(call, &digit, 1);
        return SYMPHONY_OK;
    }
    case 20: return forward(self, call, 4, NULL); /* somebody who never answers */
    case 22: { /* the providers of its first required port, as they come */
        symphony_buf list;
        if (self->ports == NULL || self->ports->list(self->host->ctx, (symphony_str){"operator/1", 10}, &list) < 0) return SYMPHONY_E_NOT_GRANTED;
        ops->complete(call->ctx, call->id, &list, 1);
        list.ops->release(list.owner);
        return SYMPHONY_OK;
    }
    case 23: { /* crashes in a thread of its own */
        pthread_t thread;
        if (pthread_create(&thread, NULL, crash_there, NULL) == 0) pthread_join(thread, NULL);
        return SYMPHONY_OK;
    }
    case 24: { /* leaves a thread behind */
        pthread_t thread;
        if (pthread_create(&thread, NULL, stay, NULL) == 0) pthread_detach(thread);
        complete_text(call, "left", 4);
        return SYMPHONY_OK;
    }
    case 25: /* needs more stack than there is */
        complete_text(call, recurse(1) != 0 ? "deep" : "", 4);
        return SYMPHONY_OK;
    case 26: { /* counts */
        char text[16];
        const int length = snprintf(text, sizeof text, "%u", atomic_fetch_add(&self->count, 1) + 1);
        complete_text(call, text, (size_t)length);
        return SYMPHONY_OK;
    }
    case 21: abort();
    default: return SYMPHONY_E_UNSUPPORTED;
    }
}

static void keep_nothing(void *owner) { (void)owner; }
static const symphony_buf_ops borrowed_ops = {sizeof(symphony_buf_ops), 0, keep_nothing, keep_nothing};

static symphony_status save_state(symphony_instance *self, symphony_buf *out, symphony_error *error) {
    if (is_mode(self, "save-fails")) {
        fill_error(error, SYMPHONY_E_IO, "no place for the state");
        return SYMPHONY_E_IO;
    }
    *out = (symphony_buf){sizeof *out, SYMPHONY_BUF_COUNTED, (const uint8_t *)&self->count, sizeof self->count, 0, 0, self, &borrowed_ops};
    return SYMPHONY_OK;
}
static symphony_status load_state(symphony_instance *self, const symphony_buf *in, symphony_error *error) {
    if (is_mode(self, "load-fails") || in->size != sizeof self->count) {
        fill_error(error, SYMPHONY_E_DATA_CORRUPT, "this is not my state");
        return SYMPHONY_E_DATA_CORRUPT;
    }
    uint32_t count = 0;
    memcpy(&count, in->data, sizeof count);
    atomic_store(&self->count, count);
    return SYMPHONY_OK;
}

static const symphony_instance_ops ops = {sizeof(symphony_instance_ops), PROBE_FLAGS | SYMPHONY_INSTANCE_STATEFUL, init, NULL, activate, invoke, cancel,
                                          quiesce, deactivate, save_state, load_state, destroy};

static symphony_status create(const symphony_host *host, const symphony_buf *config, symphony_instance **out,
                              const symphony_instance_ops **ops_out, symphony_error *error) {
    (void)error;
    (void)config;
    symphony_instance *self = calloc(1, sizeof *self);
    if (self == NULL) return SYMPHONY_E_EXHAUSTED;
    self->host = host;
    self->ports = service(self, SYMPHONY_HOST_PORTS);
    const symphony_host_config *settings = service(self, SYMPHONY_HOST_CONFIG);
    symphony_buf mode;
    if (settings->get(host->ctx, (symphony_str){"mode", 4}, &mode) == SYMPHONY_OK) {
        /* A short MessagePack text: one byte of length, then the text. */
        if (mode.size > 0 && mode.size <= sizeof self->mode) memcpy(self->mode, mode.data + 1, mode.size - 1);
        mode.ops->release(mode.owner);
    }
    *out = self;
    *ops_out = &ops;
    return SYMPHONY_OK;
}

#ifdef PROBE_NO_ENTRY
#define symphony_plugin_v1 another_name
#endif
SYMPHONY_EXPORT const symphony_plugin *symphony_plugin_v1(void);
const symphony_plugin *symphony_plugin_v1(void) {
    static const struct {
        symphony_plugin plugin;
        char later[64]; /* members of a later minor */
    } descriptor = {{PROBE_SIZE, PROBE_MAGIC, PROBE_MAJOR, SYMPHONY_ABI_MINOR, PROBE_REQUIRED, 0, 0, 0,
                     {SYMPHONY_PLUGIN_ID, sizeof SYMPHONY_PLUGIN_ID - 1}, {SYMPHONY_PLUGIN_VERSION, sizeof SYMPHONY_PLUGIN_VERSION - 1}, create}, ""};
    return PROBE_NULL ? NULL : &descriptor.plugin;
}

#ifdef PROBE_EXTRA
SYMPHONY_EXPORT int probe_extra(void);
int probe_extra(void) { return 1; }
#endif
