/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <symphony/abi/services/ports.h>

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    const symphony_str id = {SYMPHONY_HOST_PORTS, sizeof SYMPHONY_HOST_PORTS - 1};
    const symphony_host_ports *ports = (const symphony_host_ports *)self->host->query(self->host->ctx, id);
    symphony_handle made = 0;
    if (ports == NULL) return SYMPHONY_E_NOT_GRANTED;
    for (symphony_handle stale = 1; stale != 0; stale <<= 3) {
        if (ports->invoke(self->host->ctx, stale, call, &made, NULL) >= 0) return answer(call, "was accepted");
        ports->cancel(self->host->ctx, stale);
        ports->release(self->host->ctx, stale);
        call->ops->progress(call->ctx, stale, 500, id);
    }
    return answer(call, "not-found");
}
FAULT_PLUGIN
