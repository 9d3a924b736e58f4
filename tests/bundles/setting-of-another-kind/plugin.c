/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_CREATING(host, config) set(config)
#include "fault.h"

#include <symphony/abi/value.h>

static volatile char first;
static void set(const symphony_buf *config) {
    first = symphony_value_text(symphony_value_get(symphony_value_of(config->data, config->size), "word")).ptr[0];
}

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
