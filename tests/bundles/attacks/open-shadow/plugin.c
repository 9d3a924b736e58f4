/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    const uint64_t how[3] = {O_RDONLY, 0, 0};
    attempt_fd(a, "open", open("/etc/shadow", O_RDONLY));
    attempt_fd(a, "open raw", syscall(SYS_open, "/etc/shadow", O_RDONLY));
    attempt_fd(a, "openat2", syscall(SYS_openat2, AT_FDCWD, "/etc/shadow", how, sizeof how));
    attempt_fd(a, "creat", creat("/etc/shadow-", 0600));
    attempt(a, "access", access("/etc/shadow", F_OK));
    attempt(a, "truncate", truncate("/etc/shadow-", 0));
}
ATTACK_PLUGIN
