/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_ACTIVATE activate
#include "fault.h"

static symphony_status activate(symphony_instance *self, symphony_error *error) {
    static volatile int *volatile nowhere = (volatile int *)16;
    (void)self;
    (void)error;
    return *nowhere;
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
