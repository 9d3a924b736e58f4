/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const int fd = granted_file(a, SYMPHONY_FS_READ);
    char name[64];
    attempt(a, "linkat of the descriptor", linkat(fd, "", AT_FDCWD, "/tmp/second", AT_EMPTY_PATH));
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    attempt(a, "linkat through procfs", linkat(AT_FDCWD, name, AT_FDCWD, "/tmp/second", AT_SYMLINK_FOLLOW));
    attempt(a, "link of a secret", link(host_path(a, "tree", "/secret.txt"), host_path(a, "workspace", "/second.txt")));
    (void)unlink("/tmp/second");
}
ATTACK_PLUGIN
