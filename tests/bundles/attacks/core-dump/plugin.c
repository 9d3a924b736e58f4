/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/resource.h>

static void attack(struct attack *a) {
    struct rlimit core = {1, 1};
    if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max != 0) escaped(a, "cores of %ld bytes", (long)core.rlim_max);
    else stopped(a, "no cores");
    const struct rlimit more = {1 << 20, 1 << 20};
    attempt(a, "setrlimit", setrlimit(RLIMIT_CORE, &more));
}
ATTACK_PLUGIN
