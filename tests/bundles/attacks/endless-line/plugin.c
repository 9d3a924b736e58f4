/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static const char tricks[] = "\033[2J\033]0;attack\007\r\b\x9b" "31m\xff\xfe" "error: the host is broken\n\033[8m";
    (void)!write(1, tricks, sizeof tricks);
    (void)!write(2, tricks, sizeof tricks);
    static char block[1 << 19];
    memset(block, 'y', sizeof block);
    (void)!write(2, block, sizeof block);
    stopped(a, "written; the harness looks at what people see");
}
ATTACK_PLUGIN
