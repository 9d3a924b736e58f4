/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_error error;
    (void)self;
    memset(&error, 'x', sizeof error);
    error.struct_size = sizeof error;
    error.code = SYMPHONY_E_CONFLICT;
    call->ops->fail(call->ctx, call->id, &error);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
