/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <symphony/abi/services/fs.h>

static const symphony_host_fs *files(const symphony_instance *self) {
    const symphony_str id = {SYMPHONY_HOST_FS, sizeof SYMPHONY_HOST_FS - 1};
    return (const symphony_host_fs *)self->host->query(self->host->ctx, id);
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_error error;
    if (files(self) != NULL) return answer(call, "well");
    refuse(&error, SYMPHONY_E_INTERNAL, "oops", "something went wrong", "");
    call->ops->fail(call->ctx, call->id, &error);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
