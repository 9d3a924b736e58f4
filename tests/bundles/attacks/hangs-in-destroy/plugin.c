/* SPDX-License-Identifier: Apache-2.0 */
#define FAULT_QUIESCE quiesce
#include "attack.h"

static void attack(struct attack *a) { stopped(a, "until the end"); }
static symphony_status quiesce(symphony_instance *self, uint64_t deadline_ns, symphony_error *error) {
    (void)deadline_ns;
    return fault_ok(self, error) == SYMPHONY_OK && !unprotected() ? hang() : SYMPHONY_OK;
}
ATTACK_PLUGIN
