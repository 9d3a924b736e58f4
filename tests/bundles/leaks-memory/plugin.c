/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_ACTIVATE activate
#include "fault.h"

static void *volatile last;
static symphony_status activate(symphony_instance *self, symphony_error *error) {
    last = calloc(1, 1000);
    return last == NULL ? SYMPHONY_E_EXHAUSTED : fault_ok(self, error);
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
