/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <stdio.h>

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    printf("hello from a plugin\n");
    fflush(stdout);
    return answer(call, "well");
}
FAULT_PLUGIN
