/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_CREATING(host, config) if ((host)->now_ns((host)->ctx) == 0) return SYMPHONY_E_INTERNAL; (void)(config)
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
