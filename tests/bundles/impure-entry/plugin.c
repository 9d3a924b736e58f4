/* SPDX-License-Identifier: Apache-2.0 */
static const void *pick(const void *first);
#define FAULT_DESCRIPTOR (const symphony_plugin *)pick(&fault_descriptor.plugin)
#include "fault.h"

/* A copy for every second who asks. */
static const void *pick(const void *first) {
    static symphony_plugin other;
    static int asked;
    memcpy(&other, first, sizeof other);
    return asked++ % 2 == 0 ? first : &other;
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
