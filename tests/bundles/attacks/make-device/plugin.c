/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    surface(a, "mknod of a disk", mknod("/tmp/attack-disk", S_IFBLK | 0600, (dev_t)0x800));
    surface(a, "mknod of memory", mknod("/tmp/attack-memory", S_IFCHR | 0600, (dev_t)0x101));
    surface(a, "mknodat", mknodat(AT_FDCWD, "attack-null", S_IFCHR | 0600, (dev_t)0x103));
}
ATTACK_PLUGIN
