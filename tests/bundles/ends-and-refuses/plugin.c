/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    answer(call, "first");
    return SYMPHONY_E_BUSY;
}
FAULT_PLUGIN
