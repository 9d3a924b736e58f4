/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/uio.h>

static void attack(struct attack *a) {
    char text[64];
    const struct iovec here = {text, sizeof text}, there = {(void *)&environ, sizeof text};
    const pid_t pids[] = {fact_number(a, "victim"), getppid(), 1};
    for (size_t i = 0; i < 3; ++i) {
        surface(a, "process_vm_readv", process_vm_readv(pids[i], &here, 1, &there, 1, 0));
        surface(a, "process_vm_writev", process_vm_writev(pids[i], &here, 0, &there, 0, 0));
    }
}
ATTACK_PLUGIN
