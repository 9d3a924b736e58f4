/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/personality.h>

static void attack(struct attack *a) {
    surface(a, "no randomisation", personality(ADDR_NO_RANDOMIZE));
    surface(a, "reading is executing", personality(READ_IMPLIES_EXEC));
    surface(a, "32 bit", personality(PER_LINUX32));
    (void)personality(0);
}
ATTACK_PLUGIN
