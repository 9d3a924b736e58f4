/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_CREATING(host, config) set(config)
#include "fault.h"

#include <symphony/abi/value.h>

static volatile uint64_t each;
static void set(const symphony_buf *config) {
    const symphony_value parts = symphony_value_get(symphony_value_of(config->data, config->size), "parts");
    if (parts.kind == SYMPHONY_KIND_INTEGER) each = 1000 / parts.bits;
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
