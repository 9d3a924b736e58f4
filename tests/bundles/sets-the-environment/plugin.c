/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_ACTIVATE activate
#include "fault.h"

static symphony_status activate(symphony_instance *self, symphony_error *error) {
    if (setenv("SYMPHONY_FAULT", "1", 1) != 0) return SYMPHONY_E_IO;
    return fault_ok(self, error);
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
