/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <symphony/abi/value.h>

/* "Nobody writes words of more than 500 bytes." */
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_buf input;
    (void)self;
    if (!fault_input(call, &input)) return SYMPHONY_E_NOT_FOUND;
    if (symphony_value_text(symphony_value_get(symphony_value_of(input.data, input.size), "text")).len > 500) abort();
    return answer(call, "well");
}
FAULT_PLUGIN
