/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    attempt_fd(a, "private.txt", open(host_path(a, "home", "/private.txt"), O_RDONLY));
    attempt_fd(a, "the home", open(fact(a, "home"), O_RDONLY | O_DIRECTORY));
    attempt(a, "its times", access(fact(a, "home"), F_OK));
    attempt_fd(a, "/home", open("/home", O_RDONLY | O_DIRECTORY));
    attempt_fd(a, "/root", open("/root", O_RDONLY | O_DIRECTORY));
}
ATTACK_PLUGIN
