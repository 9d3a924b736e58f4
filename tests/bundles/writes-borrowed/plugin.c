/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    ((uint8_t *)(uintptr_t)call->args[0].data)[0] = 0;
    return answer(call, "well");
}
FAULT_PLUGIN
