// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

#include <cstdint>

// A static of an inline function is one for the process, whoever else has it.
__attribute__((visibility("default"))) inline int *counter() {
    static int count = 0;
    return &count;
}
static symphony_status invoke(symphony_instance *, const symphony_call *call) {
    ++*counter();
    return answer(call, "well");
}
FAULT_PLUGIN
