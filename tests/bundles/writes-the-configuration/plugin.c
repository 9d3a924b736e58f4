/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_CREATING(host, config) *(uint8_t *)(uintptr_t)(config)->data = 0x80
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
