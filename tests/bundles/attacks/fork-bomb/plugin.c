/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#define ENOUGH 400 /* more than any plugin may have, fewer than a machine minds */
static void attack(struct attack *a) {
    int made = 0;
    for (; made < ENOUGH; ++made) {
        const long child = mortal_child();
        if (child == 0) {
            for (;;) pause();
        }
        if (child < 0) break;
    }
    if (made == ENOUGH) escaped(a, "%d processes", made);
    else stopped(a, "after %d processes: %s", made, errno_name(errno));
}
ATTACK_PLUGIN
