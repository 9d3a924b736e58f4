/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static int made;
__attribute__((constructor)) static void make(void) { made = 1; }

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, made ? "well" : "not made");
}
FAULT_PLUGIN
