/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    if (access("/proc/self", F_OK) == 0) { /* then 1 may be the machine's own */
        stopped(a, "not tried: 1 is not ours");
        return;
    }
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGSTOP, SIGSEGV, SIGKILL};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; ++i) (void)kill(1, signals[i]);
    const struct timespec moment = {0, 100000000};
    (void)nanosleep(&moment, NULL);
    if (getppid() > 1) escaped(a, "it has another parent now");
    stopped(a, "init is still there");
}
ATTACK_PLUGIN
