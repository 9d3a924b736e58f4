/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static const struct {
        const char *name;
        int number;
        unsigned long value;
    } ways[] = {{"outliving its parent", PR_SET_PDEATHSIG, 0}, {"being looked into", PR_SET_DUMPABLE, 1}, {"a tracer", 0x59616d61, (unsigned long)-1},
                {"its arguments", PR_SET_MM, 8}, {"children of others", PR_SET_CHILD_SUBREAPER, 1}, {"capabilities", PR_SET_KEEPCAPS, 1},
                {"secure bits", PR_SET_SECUREBITS, 0}, {"ambient capabilities", 47, 2}, {"bounding set", PR_CAPBSET_DROP, 0}, {"clock", PR_SET_TSC, 2},
                {"speculation", 53, 0}, {"merged pages", 67, 1}, {"memory failures", 33, 0}, {"io flusher", 57, 1}, {"core scheduling", 62, 0},
                {"executable memory", 65, 1}, {"auxiliary vector", 0x41555856, 0}, {"timing", 14, 1}, {"floating point", PR_SET_FPEMU, 1},
                {"shadow stack", 72, 0}, {"futex hash", 78, 1}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) surface(a, ways[i].name, prctl(ways[i].number, ways[i].value, 0, 0, 0));
    static char bytes[64];
    static const int codes[] = {0x1001 /* ARCH_SET_GS */, 0x1002, 0x1011 /* cpuid */, 0x1012, 0x1022, 0x1023 /* tiles */, 0x2001 /* map vdso */, 0x4001, 0x5001};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; ++i) {
        if (syscall(SYS_arch_prctl, codes[i], bytes) >= 0) escaped(a, "arch_prctl %x", (unsigned)codes[i]);
    }
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) escaped(a, "it is dumpable");
    int signal_number = 0;
    /* Each thread has its own; the first one's counts. */
    const int first = syscall(SYS_gettid) == getpid();
    if (first && (prctl(PR_GET_PDEATHSIG, &signal_number, 0, 0, 0) != 0 || signal_number != SIGKILL)) escaped(a, "it outlives its parent");
}
ATTACK_PLUGIN
