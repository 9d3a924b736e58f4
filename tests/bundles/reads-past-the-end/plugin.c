/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

/* Takes the arguments for a text that ends with zero. */
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    const volatile uint8_t *at = call->args[0].data + call->args[0].size;
    (void)self;
    return answer(call, *at == 0 ? "well" : "more");
}
FAULT_PLUGIN
