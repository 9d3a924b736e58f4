/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    symphony_status status;
    symphony_error error;
    const int fd = broker_open(a, "workspace", str_of("hard-link.txt"), SYMPHONY_FS_READ | SYMPHONY_FS_WRITE, &status, &error);
    if (fd < 0) stopped(a, "broker: %s", error.reason);
    else attempt(a, "write", write(fd, "attack", 6));
}
ATTACK_PLUGIN
