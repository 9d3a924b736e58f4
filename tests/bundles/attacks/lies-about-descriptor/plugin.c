/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_DESCRIPTOR lying_descriptor()
#include "attack.h"

static const symphony_plugin *lying_descriptor(void);
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    say(call, "ESCAPED: it runs under a name that nobody can read");
    return SYMPHONY_OK;
}
FAULT_PLUGIN

static const symphony_plugin *lying_descriptor(void) {
    static symphony_plugin lie;
    lie = fault_descriptor.plugin;
    if (unprotected()) return NULL;
    lie.id.ptr = (const char *)(uintptr_t)4096;
    lie.id.len = 1ull << 40;
    return &lie;
}
