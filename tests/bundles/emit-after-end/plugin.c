/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    const symphony_buf part = {sizeof part, SYMPHONY_BUF_BORROWED, (const uint8_t *)"x", 1, 0, 0, NULL, NULL};
    (void)self;
    answer(call, "well");
    call->ops->emit(call->ctx, call->id, &part, 1);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
