/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/inotify.h>
#include <sys/fanotify.h>

static void attack(struct attack *a) {
    surface(a, "inotify", inotify_init1(0));
    surface(a, "fanotify", fanotify_init(0, 0));
}
ATTACK_PLUGIN
