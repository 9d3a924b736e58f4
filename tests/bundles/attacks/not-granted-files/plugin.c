/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static const char *const roots[] = {"workspace", "selected", "config", "cache", "state", "temp", "home", "/"};
    if (service(a, SYMPHONY_HOST_FS) == NULL) {
        stopped(a, "no file service");
        return;
    }
    for (size_t i = 0; i < sizeof roots / sizeof *roots; ++i) {
        symphony_status status;
        symphony_error error;
        if (broker_open(a, roots[i], str_of("granted.txt"), SYMPHONY_FS_READ, &status, &error) >= 0) escaped(a, "%s", roots[i]);
        else stopped(a, "%s: %s", roots[i], error.reason);
    }
}
ATTACK_PLUGIN
