/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const pid_t victim = fact_number(a, "victim");
    const siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    attempt(a, "kill of the victim", kill(victim, 0));
    attempt(a, "SIGUSR1 to the victim", victim > 1 ? kill(victim, SIGUSR1) : -1);
    attempt(a, "its group", kill(-victim, 0));
    attempt(a, "tgkill", syscall(SYS_tgkill, victim, victim, 0));
    attempt(a, "tkill", syscall(SYS_tkill, victim, 0));
    attempt(a, "rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, victim, SIGUSR1, &info));
    attempt(a, "rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, victim, victim, SIGUSR1, &info));
    const long pidfd = syscall(SYS_pidfd_open, victim, 0);
    attempt(a, "pidfd_send_signal", pidfd < 0 ? -1 : syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, NULL, 0));
    /* Everybody whom we may signal, but for init and ourselves: in a namespace of our own, nobody. */
    attempt(a, "everybody", kill(-1, 0));
}
ATTACK_PLUGIN
