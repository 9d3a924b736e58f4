/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>

static void attack(struct attack *a) {
    surface(a, "setuid", setuid(0));
    surface(a, "setgid", setgid(0));
    surface(a, "setresuid", setresuid(0, 0, 0));
    surface(a, "setreuid", setreuid(0, 0));
    surface(a, "setgroups", setgroups(1, &(gid_t){0}));
    if (setfsuid(0) != setfsuid(0xFFFFFFFF)) escaped(a, "setfsuid");
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct all[2] = {{0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu}, {0x1FFu, 0x1FFu, 0x1FFu}};
    surface(a, "capset", syscall(SYS_capset, &head, all));
    surface(a, "ambient capability", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    surface(a, "securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
}
ATTACK_PLUGIN
