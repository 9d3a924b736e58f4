/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

/* Tidies up for long when it is not wanted any more. */
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    if (call->ops->cancelled(call->ctx, call->id)) {
        for (int i = 0; i < 80; ++i) usleep(100000);
    }
    return answer(call, "well");
}
FAULT_PLUGIN
