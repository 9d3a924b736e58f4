/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_QUIESCE quiesce
#include "fault.h"

static symphony_status quiesce(symphony_instance *self, uint64_t deadline_ns, symphony_error *error) {
    (void)self;
    (void)deadline_ns;
    return refuse(error, SYMPHONY_E_DEADLINE, "", "not yet", "");
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
