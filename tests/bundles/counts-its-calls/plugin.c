/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    return answer(call, ++self->call.flags % 2 == 0 ? "even" : "odd");
}
FAULT_PLUGIN
