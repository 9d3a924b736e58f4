/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    static symphony_call kept;
    (void)self;
    say(call, "stopped: only the first answer counts");
    say(call, "ESCAPED: the second answer");
    kept = *call;
    say(&kept, "ESCAPED: the third answer");
    return SYMPHONY_OK;
}
FAULT_PLUGIN
