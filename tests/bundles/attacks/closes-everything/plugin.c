/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    for (int fd = 0; fd < 4096; ++fd) (void)close(fd);
    stopped(a, "closed");
}
ATTACK_PLUGIN
