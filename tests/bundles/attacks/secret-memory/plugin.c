/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    surface(a, "memfd_secret", syscall(447, 0));
    surface(a, "remap_file_pages", syscall(SYS_remap_file_pages, 0, 0, 0, 0, 0));
    surface(a, "mbind", syscall(SYS_mbind, 0, 0, 0, NULL, 0, 0));
    surface(a, "move_pages", syscall(SYS_move_pages, getppid(), 0, NULL, NULL, NULL, 0));
    surface(a, "migrate_pages", syscall(SYS_migrate_pages, getppid(), 0, NULL, NULL));
    surface(a, "uselib", syscall(SYS_uselib, "x"));
    surface(a, "lookup_dcookie", syscall(SYS_lookup_dcookie, 0L, NULL, 0));
    surface(a, "map_shadow_stack", syscall(453, 0, 0, 0));
}
ATTACK_PLUGIN
