/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <symphony/abi/services/fs.h>

static const symphony_host_fs *files(const symphony_instance *self) {
    const symphony_str id = {SYMPHONY_HOST_FS, sizeof SYMPHONY_HOST_FS - 1};
    return (const symphony_host_fs *)self->host->query(self->host->ctx, id);
}

/* It asked for files, so they are there. */
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    return files(self)->open == NULL ? SYMPHONY_E_UNSUPPORTED : answer(call, "well");
}
FAULT_PLUGIN
