/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/xattr.h>

static void attack(struct attack *a) {
    const char *const name = host_path(a, "tree", "/public.txt");
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    attempt(a, "chmod", chmod(name, 0777));
    attempt(a, "chown", chown(name, 65534, 65534));
    attempt(a, "lchown", lchown(name, 65534, 65534));
    attempt(a, "setxattr", setxattr(name, "user.attack", "x", 1, 0));
    attempt(a, "utimensat", utimensat(AT_FDCWD, name, times, 0));
    attempt(a, "removexattr", removexattr(name, "user.attack"));
}
ATTACK_PLUGIN
