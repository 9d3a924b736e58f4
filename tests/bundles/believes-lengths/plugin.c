/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_RAW
#include "fault.h"

/* Reads the record by the length that it states. */
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_buf input;
    uint64_t sum = 0;
    uint32_t stated = 0;
    (void)self;
    if (call->arg_count == 0 || call->args[0].size < sizeof stated) return SYMPHONY_E_INVALID_ARGUMENT;
    memcpy(&stated, call->args[0].data, sizeof stated);
    for (uint32_t i = 0; i < stated; ++i) sum += call->args[0].data[sizeof stated + i];
    if (!fault_input(call, &input)) return SYMPHONY_E_NOT_FOUND;
    return answer(call, sum == 0 ? "nothing" : "well");
}
FAULT_PLUGIN
