/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/ptrace.h>

static void attack(struct attack *a) {
    const pid_t victim = fact_number(a, "victim");
    surface(a, "PTRACE_SEIZE of the victim", ptrace(PTRACE_SEIZE, victim, NULL, NULL));
    surface(a, "PTRACE_SEIZE of the parent", ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
    surface(a, "PTRACE_ATTACH to 1", ptrace(PTRACE_ATTACH, 2147483, NULL, NULL));
}
ATTACK_PLUGIN
