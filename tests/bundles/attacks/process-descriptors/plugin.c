/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const pid_t victim = fact_number(a, "victim");
    const long of_victim = syscall(SYS_pidfd_open, victim, 0);
    attempt(a, "pidfd_open of the victim", of_victim);
    const long of_parent = syscall(SYS_pidfd_open, getppid(), 0);
    surface(a, "pidfd_getfd", syscall(SYS_pidfd_getfd, of_victim >= 0 ? of_victim : of_parent, 0, 0));
    surface(a, "kcmp", syscall(SYS_kcmp, getppid(), getpid(), 0, 0, 0));
    surface(a, "process_madvise", syscall(SYS_process_madvise, of_parent, NULL, 0, 0, 0));
}
ATTACK_PLUGIN
