/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sched.h>
#include <sys/resource.h>

static void attack(struct attack *a) {
    const struct sched_param first = {1};
    const pid_t victim = fact_number(a, "victim");
    attempt(a, "setpriority", setpriority(PRIO_PROCESS, 0, -20));
    attempt(a, "SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &first));
    attempt(a, "SCHED_RR", sched_setscheduler(0, SCHED_RR, &first));
    attempt(a, "priority of the victim", setpriority(PRIO_PROCESS, (id_t)victim, 19));
    attempt(a, "ioprio_set", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
    attempt(a, "memory that is never swapped", syscall(SYS_mlockall, MCL_CURRENT | MCL_FUTURE));
    attempt(a, "affinity of the victim", sched_setaffinity(victim, sizeof(cpu_set_t), &(cpu_set_t){{1}}));
}
ATTACK_PLUGIN
