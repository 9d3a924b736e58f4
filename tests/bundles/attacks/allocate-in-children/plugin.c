/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#define ALLOWED (256l << 20) /* memory_limit of the manifest */

static void attack(struct attack *a) {
    int done[2], children = 0;
    if (pipe(done) != 0) return;
    for (; children < 12; ++children) {
        const long child = mortal_child();
        if (child < 0) break;
        if (child != 0) continue;
        volatile unsigned char *const at = malloc((size_t)ALLOWED * 3 / 4);
        for (long used = 0; at != NULL && used < ALLOWED * 3 / 4; used += 4096) at[used] = 1;
        (void)!write(done[1], "x", 1);
        for (;;) pause();
    }
    (void)close(done[1]);
    if (children == 0) {
        stopped(a, "fork %s", errno_name(errno));
        return;
    }
    char letter;
    int full = 0;
    while (full < children && read(done[0], &letter, 1) == 1) ++full;
    if (full > 2) escaped(a, "%d processes with %ld MiB each", full, ALLOWED * 3 / 4 >> 20);
    else stopped(a, "%d processes", full);
}
ATTACK_PLUGIN
