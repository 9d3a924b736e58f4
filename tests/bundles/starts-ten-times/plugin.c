/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_ACTIVATE activate
#include "fault.h"

/* Something that is taken and never given back. */
static symphony_status activate(symphony_instance *self, symphony_error *error) {
    static int taken;
    (void)self;
    return ++taken > 10 ? refuse(error, SYMPHONY_E_EXHAUSTED, "no-slot", "all ten slots are taken", "") : SYMPHONY_OK;
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
