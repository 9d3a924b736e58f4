/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sys/klog.h>
#include <sys/swap.h>
#include <sys/time.h>
#include <sys/timex.h>

static void attack(struct attack *a) {
    surface(a, "reboot", syscall(SYS_reboot, 1, 2, 3, NULL));
    surface(a, "sethostname", syscall(SYS_sethostname, "x", 10000));
    surface(a, "setdomainname", syscall(SYS_setdomainname, "x", 10000));
    surface(a, "settimeofday", settimeofday(NULL, NULL));
    surface(a, "clock_settime", clock_settime(CLOCK_REALTIME, &(struct timespec){0, -1}));
    struct timex clock = {.modes = ADJ_TICK, .tick = 1};
    surface(a, "adjtimex", adjtimex(&clock));
    surface(a, "syslog", klogctl(3, (char[16]){0}, 16));
    surface(a, "acct", acct("/nowhere"));
    surface(a, "swapon", swapon("/nowhere", 0));
    surface(a, "swapoff", swapoff("/nowhere"));
    surface(a, "quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
}
ATTACK_PLUGIN
