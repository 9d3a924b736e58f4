/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    static volatile int *volatile nowhere = (volatile int *)16;
    (void)self;
    (void)call;
    return *nowhere;
}
FAULT_PLUGIN
