/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_CANCEL cancel
#include "fault.h"

/* Calls are found by their id, and whoever is not found is answered all the same. */
static void cancel(symphony_instance *self, symphony_handle call) {
    const symphony_call *const found = self->call.id == call ? &self->call : NULL;
    self->call.flags = found->flags;
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    self->call = *call;
    return answer(call, "well");
}
FAULT_PLUGIN
