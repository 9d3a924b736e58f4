/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    static char block[1 << 16];
    memset(block, 'x', sizeof block);
    block[sizeof block - 1] = '\n';
    (void)signal(SIGPIPE, SIG_IGN);
    long written = 0;
    for (int stream = 1; stream <= 2; ++stream) {
        for (int i = 0; i < 4096; ++i) {
            const long more = write(stream, block, sizeof block);
            if (more < 0) {
                stopped(a, "%s", errno_name(errno));
                break;
            }
            written += more;
        }
    }
    if (written > 64l << 20) escaped(a, "%ld MiB", written >> 20);
}
ATTACK_PLUGIN
