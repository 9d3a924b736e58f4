/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/resource.h>

static void attack(struct attack *a) {
    static const int which[] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_CORE};
    for (size_t i = 0; i < sizeof which / sizeof *which; ++i) {
        struct rlimit64 had, most = {RLIM64_INFINITY, RLIM64_INFINITY};
        if (prlimit64(0, (enum __rlimit_resource)which[i], NULL, &had) == 0 && had.rlim_max == RLIM64_INFINITY) continue; /* nothing to raise */
        if (which[i] == RLIMIT_NOFILE) most.rlim_cur = most.rlim_max = had.rlim_max + 1;
        attempt(a, "prlimit", prlimit64(0, (enum __rlimit_resource)which[i], &most, NULL));
        attempt(a, "setrlimit", syscall(SYS_setrlimit, which[i], &most));
    }
    struct rlimit64 of;
    attempt(a, "prlimit of the victim", prlimit64(fact_number(a, "victim"), RLIMIT_NOFILE, NULL, &of));
    stopped(a, "the rest has no limit to raise");
}
ATTACK_PLUGIN
