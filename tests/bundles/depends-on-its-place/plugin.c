/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

/* Quicker where nobody watches. */
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, access("/proc/self/exe", F_OK) == 0 ? "here" : "there");
}
FAULT_PLUGIN
