/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin in plain C11: the descriptor, the instance, and one call from its arguments to its answer.
 */
#include "checksum.h"

#include <symphony/abi/plugin.h>
#include <symphony/abi/ports/operator.h>
#include <symphony/abi/value.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SYMPHONY_NOTE()

/* Nothing is kept between calls, so one instance serves any number of threads. */
struct symphony_instance {
    const symphony_host *host;
};

static void copy_text(char *to, size_t room, const char *text) {
    const size_t size = strlen(text) < room ? strlen(text) : room - 1;
    memcpy(to, text, size);
    to[size] = '\0';
}

static void fail(const symphony_call *call, symphony_status code, const char *reason, const char *message) {
    symphony_error error = {sizeof error, 0, 0, 0, {0}, {0}, {0}};
    error.code = code;
    copy_text(error.reason, sizeof error.reason, reason);
    copy_text(error.message, sizeof error.message, message);
    call->ops->fail(call->ctx, call->id, &error);
}

/* Answers with one value: the record holds a reference to out[1], where the bytes are. */
static void complete(const symphony_call *call, const symphony_value_writer *value) {
    uint8_t memory[16];
    symphony_buf out[2];
    symphony_wire_writer record = {memory, sizeof memory, 0, 0, 0};
    const uint64_t start = symphony_wire_begin_record(&record);
    symphony_wire_put_attachment(&record);
    symphony_wire_end_record(&record, start);
    out[0] = symphony_wire_buf(&record);
    out[1] = out[0];
    out[1].data = value->data;
    out[1].size = value->size;
    call->ops->complete(call->ctx, call->id, out, 2); /* borrowed: free to go when this returns */
}

static void answer_crc32(const symphony_call *call, symphony_value data) {
    uint8_t memory[64];
    char hex[9];
    symphony_value_writer out = {memory, sizeof memory, 0, 0, 0};
    const uint32_t crc = checksum_crc32(data.body, data.count);
    snprintf(hex, sizeof hex, "%08x", (unsigned)crc);
    symphony_value_put_map(&out, 3);
    symphony_value_put_key(&out, "crc32");
    symphony_value_put_uint(&out, crc);
    symphony_value_put_key(&out, "hex");
    symphony_value_put_key(&out, hex);
    symphony_value_put_key(&out, "size");
    symphony_value_put_uint(&out, data.count);
    complete(call, &out);
}

static void answer_histogram(const symphony_call *call, symphony_value data) {
    uint8_t memory[256 * 9 + 64]; /* an integer takes at most 9 bytes */
    checksum_histogram histogram;
    symphony_value_writer out = {memory, sizeof memory, 0, 0, 0};
    uint32_t i;
    checksum_count(data.body, data.count, &histogram);
    symphony_value_put_map(&out, 4);
    symphony_value_put_key(&out, "counts");
    symphony_value_put_list(&out, 256);
    for (i = 0; i < 256; ++i) symphony_value_put_uint(&out, histogram.counts[i]);
    symphony_value_put_key(&out, "distinct");
    symphony_value_put_uint(&out, histogram.distinct);
    symphony_value_put_key(&out, "entropy");
    symphony_value_put_number(&out, histogram.entropy_bits);
    symphony_value_put_key(&out, "size");
    symphony_value_put_uint(&out, histogram.size);
    complete(call, &out);
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_wire_reader arguments;
    symphony_str operation;
    symphony_buf input;
    symphony_value data;
    (void)self;
    if (call->struct_size < sizeof *call || !symphony_str_equal(call->port, SYMPHONY_PORT_OPERATOR)) {
        return SYMPHONY_E_UNSUPPORTED; /* below zero: nothing more is owed */
    }
    if (call->method != SYMPHONY_OPERATOR_APPLY) {
        fail(call, SYMPHONY_E_UNSUPPORTED, "unknown-method", "operator/1: no such method");
        return SYMPHONY_OK;
    }
    arguments = symphony_wire_read(call->args, call->arg_count);
    operation = symphony_wire_string(&arguments);
    input = symphony_wire_payload(&arguments);
    if (arguments.failed) {
        fail(call, SYMPHONY_E_DATA_CORRUPT, "bad-record", "the arguments cannot be read");
        return SYMPHONY_OK;
    }
    data = symphony_value_get(symphony_value_of(input.data, input.size), "data");
    if (data.kind == SYMPHONY_KIND_ABSENT) {
        fail(call, SYMPHONY_E_INVALID_ARGUMENT, "missing-input", "input \"data\" is missing");
    } else if (data.kind != SYMPHONY_KIND_TEXT && data.kind != SYMPHONY_KIND_BYTES) {
        fail(call, SYMPHONY_E_INVALID_ARGUMENT, "wrong-kind", "input \"data\" is neither text nor bytes");
    } else if (symphony_str_equal(operation, "crc32")) {
        answer_crc32(call, data);
    } else if (symphony_str_equal(operation, "histogram")) {
        answer_histogram(call, data);
    } else {
        fail(call, SYMPHONY_E_NOT_FOUND, "unknown-operation", "checksum has the operations crc32 and histogram");
    }
    return SYMPHONY_OK;
}

static symphony_status nothing(symphony_instance *self, symphony_error *error) {
    (void)self, (void)error;
    return SYMPHONY_OK;
}

static const void *query(symphony_instance *self, symphony_str id) {
    static const symphony_port_info info = {sizeof info, SYMPHONY_OPERATOR_METHOD_MAX};
    (void)self;
    return symphony_str_equal(id, SYMPHONY_PORT_OPERATOR) ? &info : NULL;
}

static void cancel(symphony_instance *self, symphony_handle call_id) {
    (void)self, (void)call_id; /* calls are too short to be stopped */
}

static symphony_status quiesce(symphony_instance *self, uint64_t deadline_ns, symphony_error *error) {
    (void)self, (void)deadline_ns, (void)error; /* every call is answered inside invoke */
    return SYMPHONY_OK;
}

static symphony_status save_state(symphony_instance *self, symphony_buf *out, symphony_error *error) {
    (void)self, (void)out, (void)error;
    return SYMPHONY_E_UNSUPPORTED;
}

static symphony_status load_state(symphony_instance *self, const symphony_buf *in, symphony_error *error) {
    (void)self, (void)in, (void)error;
    return SYMPHONY_E_UNSUPPORTED;
}

static void destroy(symphony_instance *self) { free(self); }

static symphony_status create(const symphony_host *host, const symphony_buf *config, symphony_instance **out,
                              const symphony_instance_ops **ops_out, symphony_error *error) {
    static const symphony_instance_ops ops = {
        sizeof ops, SYMPHONY_INSTANCE_CONCURRENT, nothing, query, nothing, invoke,
        cancel,     quiesce,                      nothing, save_state, load_state, destroy};
    symphony_instance *self = malloc(sizeof *self);
    (void)config, (void)error;
    if (self == NULL) return SYMPHONY_E_EXHAUSTED;
    self->host = host;
    *out = self;
    *ops_out = &ops;
    return SYMPHONY_OK;
}

SYMPHONY_EXPORT const symphony_plugin *symphony_plugin_v1(void);

const symphony_plugin *symphony_plugin_v1(void) {
    static const symphony_plugin plugin = {
        sizeof plugin, SYMPHONY_MAGIC, SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR, SYMPHONY_TARGET_MINOR, 0, 0, 0,
        {SYMPHONY_PLUGIN_ID, sizeof SYMPHONY_PLUGIN_ID - 1},
        {SYMPHONY_PLUGIN_VERSION, sizeof SYMPHONY_PLUGIN_VERSION - 1},
        create};
    return &plugin;
}
