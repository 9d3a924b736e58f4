/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_ACTIVATE activate
#include "fault.h"

static int ended;
static void at_exit(void) { ++ended; }
static symphony_status activate(symphony_instance *self, symphony_error *error) { return atexit(&at_exit) == 0 ? fault_ok(self, error) : SYMPHONY_E_EXHAUSTED; }

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
