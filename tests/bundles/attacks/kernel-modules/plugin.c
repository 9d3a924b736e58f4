/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    surface(a, "init_module", syscall(SYS_init_module, NULL, 0, ""));
    surface(a, "finit_module", syscall(SYS_finit_module, -1, "", 0));
    surface(a, "delete_module", syscall(SYS_delete_module, "no-such-module", O_NONBLOCK));
    surface(a, "kexec_load", syscall(SYS_kexec_load, 0, 1000, NULL, 0));
    surface(a, "kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0, "", 0));
}
ATTACK_PLUGIN
