/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_QUERY query
#define FAULT_RAW
#include "fault.h"

static const void *query(symphony_instance *self, symphony_str id) {
    static const symphony_port_info info = {sizeof(symphony_port_info), 1};
    (void)self;
    (void)id;
    return &info;
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
