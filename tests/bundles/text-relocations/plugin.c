/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

/* An address in the code, which the loader has to write there. */
__asm__(".text\nfault_place: .quad fault_place\n");

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    return answer(call, "well");
}
FAULT_PLUGIN
