/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const char *const names[] = {"/etc/shadow", "/etc/passwd", "/etc/hosts", "/root", "/var/log/dpkg.log", "/boot",
                                 host_path(a, "tree", "/secret.txt"), host_path(a, "tree", "/public.txt")};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        attempt_fd(a, i < 6 ? names[i] : "the tree", open(names[i], O_RDONLY | O_CLOEXEC));
        attempt_fd(a, "as a path", open(names[i], O_PATH | O_CLOEXEC));
    }
}
ATTACK_PLUGIN
