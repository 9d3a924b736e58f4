/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static struct attack early;
__attribute__((constructor)) static void hang_here(void) {
    if (access("/proc/self", F_OK) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0) return;
    for (;;) pause();
}
EARLY_ATTACK_PLUGIN
