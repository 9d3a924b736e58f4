/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/auxv.h>

/* The kernel lays words and environment between the random bytes and the program's name. */
static void attack(struct attack *a) {
    for (char **variable = environ; variable != NULL && *variable != NULL; ++variable) {
        if (strstr(*variable, "CANARY") != NULL) escaped(a, "environment");
        else stopped(a, "has %.40s", *variable);
    }
    const char *at = (const char *)getauxval(AT_RANDOM), *const end = (const char *)getauxval(AT_EXECFN);
    for (; at != NULL && at < end; ++at) {
        if (memcmp(at, "SYMPHONY_CANARY", 15) == 0) escaped(a, "below the stack: %.60s", at);
    }
    stopped(a, "nothing of the host");
}
ATTACK_PLUGIN
