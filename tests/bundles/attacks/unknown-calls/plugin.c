/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    for (long number = 454; number < 600; ++number) {
        errno = 0;
        const long result = syscall(number, -1, -1, -1, -1, -1, -1);
        if (result >= 0 || (errno != ENOSYS && errno != EPERM)) escaped(a, "%ld: %s", number, errno_name(errno));
    }
    stopped(a, "454 to 599");
}
ATTACK_PLUGIN
