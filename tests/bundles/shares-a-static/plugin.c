/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_FLAGS SYMPHONY_INSTANCE_CONCURRENT
#include "fault.h"

#include <symphony/abi/value.h>

static char scratch[32]; /* of all threads */

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    symphony_buf input;
    symphony_str text;
    (void)self;
    if (!fault_input(call, &input)) return SYMPHONY_E_NOT_FOUND;
    text = symphony_value_text(symphony_value_get(symphony_value_of(input.data, input.size), "text"));
    memset(scratch, 0, sizeof scratch);
    if (text.len < sizeof scratch && text.len > 0) memcpy(scratch, text.ptr, text.len);
    usleep(200);
    for (size_t i = 0; i < sizeof scratch; ++i) scratch[i] = (char)((scratch[i] >= 'a' && scratch[i] <= 'z') || scratch[i] == 0 ? scratch[i] : '.');
    return answer(call, scratch);
}
FAULT_PLUGIN
