/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_error error;
    (void)self;
    refuse(&error, SYMPHONY_E_IO, "Disk Full", "the disk is full", "");
    call->ops->fail(call->ctx, call->id, &error);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
