/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sys/mount.h>

static void attack(struct attack *a) {
    surface(a, "mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    surface(a, "umount2", umount2("/tmp", MNT_DETACH));
    surface(a, "pivot_root", syscall(SYS_pivot_root, "/nowhere", "/nowhere"));
    surface(a, "chroot", chroot("/nowhere"));
    surface(a, "open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
    surface(a, "fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    surface(a, "fspick", syscall(SYS_fspick, AT_FDCWD, "/", 0));
    surface(a, "fsconfig", syscall(SYS_fsconfig, -1, 0, NULL, NULL, 0));
    surface(a, "fsmount", syscall(SYS_fsmount, -1, 0, 0));
    surface(a, "move_mount", syscall(SYS_move_mount, -1, "", -1, "", 0));
    surface(a, "mount_setattr", syscall(442, -1, "", 0, NULL, 0));
}
ATTACK_PLUGIN
