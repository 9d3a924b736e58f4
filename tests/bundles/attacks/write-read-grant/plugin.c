/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static const uint32_t ways[] = {SYMPHONY_FS_WRITE, SYMPHONY_FS_READ | SYMPHONY_FS_WRITE, SYMPHONY_FS_WRITE | SYMPHONY_FS_TRUNCATE,
                                    SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE, SYMPHONY_FS_CREATE, SYMPHONY_FS_TRUNCATE,
                                    SYMPHONY_FS_READ | SYMPHONY_FS_TRUNCATE, 0xFFFFFFFFu, 0x80000001u};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
        symphony_status status;
        symphony_error error;
        const int fd = broker_open(a, "workspace", str_of("granted.txt"), ways[i], &status, &error);
        if (fd < 0) stopped(a, "0x%x: %d %s", (unsigned)ways[i], (int)status, error.reason);
        else if (write(fd, "attack", 6) > 0 || ftruncate(fd, 0) == 0) escaped(a, "0x%x writes", (unsigned)ways[i]);
        if (fd >= 0) (void)close(fd);
    }
}
ATTACK_PLUGIN
