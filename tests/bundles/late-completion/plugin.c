/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    while (call->ops->cancelled(call->ctx, call->id) == 0) usleep(1000);
    usleep(20000);
    return answer(call, "too late"); /* still owed, and dropped */
}
FAULT_PLUGIN
