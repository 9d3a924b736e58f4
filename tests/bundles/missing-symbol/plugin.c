/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

int nobody_has_this(void);

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return nobody_has_this() + answer(call, "never");
}
FAULT_PLUGIN
