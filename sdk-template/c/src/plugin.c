/* SPDX-License-Identifier: Apache-2.0 */
#include "line_count.h"

#include <symphony/abi/plugin.h>
#include <symphony/abi/ports/operator.h>

#include <stdlib.h>
#include <string.h>

/* It keeps no state, but an instance must be an address of its own. */
struct symphony_instance {
    const symphony_host *host;
};

static symphony_status succeed(symphony_instance *self, symphony_error *error) {
    (void)self;
    (void)error;
    return SYMPHONY_OK;
}

/* Answers a call with an error: `error` is copied before fail() returns. */
static void refuse(const symphony_call *call, symphony_status code, const char *reason, const char *message) {
    symphony_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    error.code = code;
    strncpy(error.reason, reason, sizeof error.reason - 1);
    strncpy(error.message, message, sizeof error.message - 1);
    call->ops->fail(call->ctx, call->id, &error);
}

/* Returning SYMPHONY_OK promises exactly one complete() or fail(); here it has always happened already. */
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_wire_reader arguments = symphony_wire_read(call->args, call->arg_count);
    const symphony_str operation = symphony_wire_string(&arguments);
    const symphony_buf input = symphony_wire_payload(&arguments);
    const char *text = NULL;
    uint64_t text_size = 0;
    uint8_t counts[32];
    uint8_t record[64];
    symphony_wire_writer result = {record, sizeof record, 0, 0, 0};
    symphony_buf answer;
    uint64_t start;
    (void)self;

    if (call->method != SYMPHONY_OPERATOR_APPLY) return SYMPHONY_E_UNSUPPORTED;
    if (arguments.failed) return SYMPHONY_E_INVALID_ARGUMENT;
    if (operation.len != 5 || memcmp(operation.ptr, "count", 5) != 0) {
        refuse(call, SYMPHONY_E_NOT_FOUND, "unknown-operation", "line-count has the operation \"count\" only");
        return SYMPHONY_OK;
    }
    switch (find_text(input.data, input.size, "text", &text, &text_size)) {
    case 0: break;
    case -1: refuse(call, SYMPHONY_E_INVALID_ARGUMENT, "missing-input", "input \"text\" is missing"); return SYMPHONY_OK;
    case -2: refuse(call, SYMPHONY_E_INVALID_ARGUMENT, "wrong-kind", "input \"text\" is not text"); return SYMPHONY_OK;
    default: refuse(call, SYMPHONY_E_DATA_CORRUPT, "", "the input is not a map"); return SYMPHONY_OK;
    }
    start = symphony_wire_begin_record(&result);
    symphony_wire_put_payload(&result, counts, write_counts(count_lines(text, text_size), counts));
    symphony_wire_end_record(&result, start);
    answer = symphony_wire_buf(&result);
    call->ops->complete(call->ctx, call->id, &answer, 1);
    return SYMPHONY_OK;
}

/* Calls end before invoke returns, so there is nothing to cancel and nothing to wait for. */
static void cancel(symphony_instance *self, symphony_handle call_id) {
    (void)self;
    (void)call_id;
}
static symphony_status quiesce(symphony_instance *self, uint64_t deadline_ns, symphony_error *error) {
    (void)deadline_ns;
    return succeed(self, error);
}

static const void *query(symphony_instance *self, symphony_str id) {
    static const symphony_port_info operator_port = {sizeof(symphony_port_info), SYMPHONY_OPERATOR_METHOD_MAX};
    static const char name[] = SYMPHONY_PORT_OPERATOR;
    (void)self;
    return id.len == sizeof name - 1 && memcmp(id.ptr, name, sizeof name - 1) == 0 ? &operator_port : NULL;
}

static symphony_status save_state(symphony_instance *self, symphony_buf *out, symphony_error *error) {
    (void)self;
    (void)out;
    (void)error;
    return SYMPHONY_E_UNSUPPORTED;
}
static symphony_status load_state(symphony_instance *self, const symphony_buf *in, symphony_error *error) {
    (void)self;
    (void)in;
    (void)error;
    return SYMPHONY_E_UNSUPPORTED;
}
static void destroy(symphony_instance *self) { free(self); }

static symphony_status create(const symphony_host *host, const symphony_buf *config, symphony_instance **out,
                              const symphony_instance_ops **ops_out, symphony_error *error) {
    static const symphony_instance_ops ops = {
        sizeof(symphony_instance_ops), SYMPHONY_INSTANCE_CONCURRENT, succeed, query, succeed, invoke, cancel, quiesce,
        succeed, save_state, load_state, destroy};
    symphony_instance *const self = malloc(sizeof *self);
    (void)config;
    (void)error;
    if (self == NULL) return SYMPHONY_E_EXHAUSTED;
    self->host = host;
    *out = self;
    *ops_out = &ops;
    return SYMPHONY_OK;
}

SYMPHONY_NOTE()

SYMPHONY_EXPORT const symphony_plugin *symphony_plugin_v1(void) {
    static const symphony_plugin descriptor = {
        sizeof(symphony_plugin), SYMPHONY_MAGIC, SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR, SYMPHONY_TARGET_MINOR, 0, 0, 0,
        {SYMPHONY_PLUGIN_ID, sizeof SYMPHONY_PLUGIN_ID - 1},
        {SYMPHONY_PLUGIN_VERSION, sizeof SYMPHONY_PLUGIN_VERSION - 1},
        create};
    return &descriptor;
}
