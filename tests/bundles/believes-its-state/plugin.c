/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_FLAGS SYMPHONY_INSTANCE_STATEFUL
#define FAULT_STATE save, load
#include "fault.h"

static symphony_status keep(symphony_instance *self, symphony_buf *out, const void *bytes, uint64_t size) {
    const symphony_status made = self->host->buf_alloc(self->host->ctx, size, out);
    if (made >= 0) memcpy((uint8_t *)(uintptr_t)out->data, bytes, size);
    return made;
}

static symphony_status save(symphony_instance *self, symphony_buf *out, symphony_error *error) {
    const uint8_t state[5] = {4, 1, 2, 3, 4}; /* a length, and so many bytes */
    (void)error;
    return keep(self, out, state, sizeof state);
}
static symphony_status load(symphony_instance *self, const symphony_buf *in, symphony_error *error) {
    uint64_t sum = 0;
    for (uint8_t i = 0; i < in->data[0]; ++i) sum += in->data[1 + i];
    self->call.trace_lo = sum;
    return fault_ok(self, error);
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
