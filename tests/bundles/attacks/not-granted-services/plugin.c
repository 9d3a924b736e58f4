/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static const char *const ids[] = {"symphony.host.net/1", "symphony.host.secrets/1", "symphony.host.models/1", "symphony.host.fs/1",
                                      "symphony.host.tasks/1", "symphony.host.timers/1", "symphony.host.fs/2", "symphony.host.", "", "\xff"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; ++i) {
        if (service(a, ids[i]) != NULL) escaped(a, "%s", ids[i]);
        else stopped(a, "%s", i < 6 ? ids[i] : "more");
    }
    const symphony_str nothing = {NULL, 1u << 30};
    (void)nothing;
}
ATTACK_PLUGIN
