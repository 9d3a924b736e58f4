/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    static const uint8_t bytes[] = {0xFF, 0xFF, 0xFF, 0x7F, 'j', 'u', 'n', 'k'};
    const symphony_buf out = {sizeof out, SYMPHONY_BUF_BORROWED, bytes, sizeof bytes, 0, 0, NULL, NULL};
    (void)self;
    call->ops->complete(call->ctx, call->id, &out, 1);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
