/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <linux/filter.h>

static void attack(struct attack *a) {
    static struct sock_filter allow = {6, 0, 0, 0x7FFF0000u};
    static struct sock_fprog program = {1, &allow};
    surface(a, "a listener", syscall(SYS_seccomp, 1, 8, &program));
    surface(a, "undo no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? 0 : (errno = EPERM, -1));
    surface(a, "speculation", prctl(PR_SET_MM, PR_SET_MM_START_CODE, 0, 0, 0));
}
ATTACK_PLUGIN
