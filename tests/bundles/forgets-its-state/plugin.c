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
    static uint32_t lives = 0; /* of an instance that nobody can have again */
    const uint32_t life = ++lives;
    (void)error;
    return keep(self, out, &life, sizeof life);
}
static symphony_status load(symphony_instance *self, const symphony_buf *in, symphony_error *error) {
    (void)in;
    return fault_ok(self, error);
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
