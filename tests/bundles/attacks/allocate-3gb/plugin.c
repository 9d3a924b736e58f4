/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#define ALLOWED (256l << 20) /* memory_limit of the manifest */
#define ENOUGH (3l << 30)

/* Touches memory until it is stopped. Twice the limit shows that there is none, so the machine is not filled. */
static void touch(struct attack *a, const char *what, volatile unsigned char *at, long size) {
    for (long used = 0; used < size; used += 4096) {
        at[used] = 1;
        if (used > 2 * ALLOWED) {
            escaped(a, "%s: %ld MiB", what, used >> 20);
            return;
        }
    }
}

static void attack(struct attack *a) {
    unsigned char *const at = malloc((size_t)ENOUGH);
    if (at == NULL) stopped(a, "malloc %s", errno_name(errno));
    else touch(a, "malloc", at, ENOUGH);
}
ATTACK_PLUGIN
