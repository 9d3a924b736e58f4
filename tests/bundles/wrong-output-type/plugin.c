/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    static const uint8_t number[] = {0x81, 0xA4, 't', 'e', 'x', 't', 0x2A}; /* {text: 42} */
    (void)self;
    answer_bytes(call, number, sizeof number);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
