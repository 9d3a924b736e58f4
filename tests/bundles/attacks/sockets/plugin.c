/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const char *const only = fact(a, "family"); /* one family a run, when the first attempt ends the process */
    for (int family = only[0] != 0 ? atoi(only) : 0; family < 48; ++family) {
        for (int type = 1; type <= 10; ++type) {
            const int fd = socket(family, type | SOCK_CLOEXEC, 0);
            if (fd >= 0) escaped(a, "family %d type %d", family, type);
            else if (errno != EPERM && errno != EACCES && errno != ENOSYS) escaped(a, "the kernel was asked for family %d (%s)", family, errno_name(errno));
            else stopped(a, "%s", errno_name(errno));
            if (fd >= 0) (void)close(fd);
        }
        if (only[0] != 0) break;
    }
}
ATTACK_PLUGIN
