/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sched.h>

static struct attack early;
__attribute__((constructor)) static void attack_here(void) {
    surface(&early, "socket", socket(AF_INET, SOCK_STREAM, 0));
    surface(&early, "unshare", unshare(CLONE_NEWUSER));
    attempt_fd(&early, "open", open("/etc/shadow", O_RDONLY));
    attempt_fd(&early, "procfs", open("/proc/self/maps", O_RDONLY));
}
EARLY_ATTACK_PLUGIN
