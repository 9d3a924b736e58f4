/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything of a plugin that is not its fault. A bundle defines `invoke` and what it wants different, then writes
 * FAULT_PLUGIN. The host only ever sees the C ABI: nothing of the SDK catches the fault first.
 */
#ifndef SYMPHONY_TESTS_FAULT_H
#define SYMPHONY_TESTS_FAULT_H

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* usleep */
#endif
#include <symphony/abi/plugin.h>
#include <symphony/abi/wire.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __cplusplus
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif

struct symphony_instance {
    const symphony_host *host;
    symphony_call call; /* for who keeps one */
};

static inline symphony_status hang(void) {
    for (int woken = 0; woken <= 0; woken = 0) pause();
    return SYMPHONY_OK;
}

/* Ends a call with a MessagePack value as the operation's output. */
static inline void answer_bytes(const symphony_call *call, const void *value, uint64_t size) {
    uint8_t record[512];
    symphony_wire_writer writer = {record, sizeof record, 0, 0, 0};
    const uint64_t start = symphony_wire_begin_record(&writer);
    symphony_wire_put_payload(&writer, (const uint8_t *)value, size);
    symphony_wire_end_record(&writer, start);
    const symphony_buf out = symphony_wire_buf(&writer);
    call->ops->complete(call->ctx, call->id, &out, 1);
}

/* Ends a call with {"text": text}; fewer than 32 bytes of it. */
static inline symphony_status answer(const symphony_call *call, const char *text) {
    uint8_t value[64] = {0x81, 0xA4, 't', 'e', 'x', 't'};
    const size_t size = strlen(text) & 31u;
    value[6] = (uint8_t)(0xA0u | size);
    memcpy(value + 7, text, size);
    answer_bytes(call, value, 7 + size);
    return SYMPHONY_OK;
}

static inline symphony_status refuse(symphony_error *error, symphony_status code, const char *reason, const char *message,
                                     const char *hint) {
    memset(error, 0, sizeof *error);
    error->struct_size = sizeof *error;
    error->code = code;
    strncpy(error->reason, reason, sizeof error->reason - 1);
    strncpy(error->message, message, sizeof error->message - 1);
    strncpy(error->hint, hint, sizeof error->hint - 1);
    return code;
}

static inline symphony_status fault_ok(symphony_instance *self, symphony_error *error) {
    (void)self;
    (void)error;
    return SYMPHONY_OK;
}
static inline symphony_status fault_quiesce(symphony_instance *self, uint64_t deadline_ns, symphony_error *error) {
    (void)deadline_ns;
    return fault_ok(self, error);
}
static inline void fault_cancel(symphony_instance *self, symphony_handle call) {
    (void)self;
    (void)call;
}
static inline void fault_destroy(symphony_instance *self) { free(self); }
static inline const void *fault_query(symphony_instance *self, symphony_str id) {
    static const symphony_port_info info = {sizeof(symphony_port_info), 1};
    (void)self;
    return id.len == 10 && memcmp(id.ptr, "operator/1", 10) == 0 ? &info : NULL;
}

/* The input of a call of the operation "go"; false when it is a call of something else. */
static inline int fault_input(const symphony_call *call, symphony_buf *input) {
    symphony_wire_reader reader = symphony_wire_read(call->args, call->arg_count);
    const symphony_str operation = symphony_wire_string(&reader);
    *input = symphony_wire_payload(&reader);
    return call->method == 1 && call->port.len == 10 && memcmp(call->port.ptr, "operator/1", 10) == 0 && !reader.failed &&
           operation.len == 2 && memcmp(operation.ptr, "go", 2) == 0;
}

/* What a bundle may replace, by a #define before the include. */
#ifndef FAULT_ACTIVATE
#define FAULT_ACTIVATE fault_ok
#endif
#ifndef FAULT_DEACTIVATE
#define FAULT_DEACTIVATE fault_ok
#endif
#ifndef FAULT_CREATING /* a statement with the host and the configuration at hand */
#define FAULT_CREATING(host, config) (void)(config)
#endif
#ifndef FAULT_QUERY
#define FAULT_QUERY fault_query
#endif
#ifndef FAULT_STATE /* save_state, load_state */
#define FAULT_STATE NULL, NULL
#endif
#ifndef FAULT_QUIESCE
#define FAULT_QUIESCE fault_quiesce
#endif
#ifndef FAULT_CANCEL
#define FAULT_CANCEL fault_cancel
#endif
#ifndef FAULT_FLAGS
#define FAULT_FLAGS 0
#endif
#ifndef FAULT_NOTE
#define FAULT_NOTE SYMPHONY_NOTE()
#endif
#ifndef FAULT_SIZE
#define FAULT_SIZE sizeof(symphony_plugin)
#endif
#ifndef FAULT_MAGIC
#define FAULT_MAGIC SYMPHONY_MAGIC
#endif
#ifndef FAULT_MAJOR
#define FAULT_MAJOR SYMPHONY_ABI_MAJOR
#endif
#ifndef FAULT_REQUIRED
#define FAULT_REQUIRED 0
#endif
#ifndef FAULT_ID
#define FAULT_ID SYMPHONY_PLUGIN_ID
#endif
#ifndef FAULT_DESCRIPTOR
#define FAULT_DESCRIPTOR &fault_descriptor.plugin
#endif
#ifdef __cplusplus
#define FAULT_C extern "C"
#else
#define FAULT_C
#endif

#ifdef FAULT_RAW /* `invoke` gets calls of anything */
#define FAULT_INVOKE_ invoke
#define FAULT_CAREFUL_
#else
#define FAULT_INVOKE_ fault_invoke
#define FAULT_CAREFUL_                                                                                                   \
    static symphony_status fault_invoke(symphony_instance *self, const symphony_call *call) {                            \
        symphony_buf input;                                                                                              \
        return fault_input(call, &input) ? invoke(self, call) : SYMPHONY_E_NOT_FOUND;                                    \
    }
#endif

#define FAULT_PLUGIN                                                                                                     \
    FAULT_CAREFUL_                                                                                                       \
    FAULT_NOTE                                                                                                           \
    static const symphony_instance_ops fault_ops = {                                                                     \
        sizeof(symphony_instance_ops), FAULT_FLAGS, fault_ok, FAULT_QUERY, FAULT_ACTIVATE, FAULT_INVOKE_, FAULT_CANCEL,  \
        FAULT_QUIESCE, FAULT_DEACTIVATE, FAULT_STATE, fault_destroy};                                                    \
    static symphony_status fault_create(const symphony_host *host, const symphony_buf *config, symphony_instance **out,  \
                                        const symphony_instance_ops **ops, symphony_error *error) {                      \
        FAULT_CREATING(host, config);                                                                                    \
        (void)error;                                                                                                     \
        *out = (symphony_instance *)calloc(1, sizeof **out);                                                             \
        if (*out == NULL) return SYMPHONY_E_EXHAUSTED;                                                                   \
        (*out)->host = host;                                                                                             \
        *ops = &fault_ops;                                                                                               \
        return SYMPHONY_OK;                                                                                              \
    }                                                                                                                    \
    static const struct {                                                                                                \
        symphony_plugin plugin;                                                                                          \
        char of_a_later_minor[64];                                                                                       \
    } fault_descriptor = {{FAULT_SIZE, FAULT_MAGIC, FAULT_MAJOR, SYMPHONY_ABI_MINOR, FAULT_REQUIRED, 0, 0, 0,            \
                           {FAULT_ID, sizeof FAULT_ID - 1},                                                              \
                           {SYMPHONY_PLUGIN_VERSION, sizeof SYMPHONY_PLUGIN_VERSION - 1}, fault_create}, ""};            \
    FAULT_C SYMPHONY_EXPORT const symphony_plugin *symphony_plugin_v1(void);                                             \
    const symphony_plugin *symphony_plugin_v1(void) { return sizeof fault_descriptor != 0 ? FAULT_DESCRIPTOR : NULL; }

#endif
