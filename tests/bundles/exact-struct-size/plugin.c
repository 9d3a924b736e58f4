/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_CREATING(host, config) if ((host)->struct_size != sizeof(symphony_host)) return SYMPHONY_E_ABI_MISMATCH; (void)(config)
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
