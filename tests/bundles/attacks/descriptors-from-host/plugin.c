/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    symphony_status status;
    symphony_error error;
    int made = 0;
    for (; made < 5000; ++made) {
        if (broker_open(a, "workspace", str_of("granted.txt"), SYMPHONY_FS_READ, &status, &error) < 0) break;
    }
    if (made == 5000) escaped(a, "%d descriptors", made);
    else stopped(a, "%s", error.reason[0] != 0 ? error.reason : "no descriptor came");
    for (int fd = 255; fd > 2; --fd) {
        struct stat of;
        if (fstat(fd, &of) == 0 && S_ISREG(of.st_mode) && of.st_nlink == 1) (void)close(fd);
    }
}
ATTACK_PLUGIN
