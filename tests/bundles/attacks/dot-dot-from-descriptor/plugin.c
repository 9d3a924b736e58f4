/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const int fd = granted_file(a, SYMPHONY_FS_READ);
    attempt_fd(a, "openat ..", openat(fd, "..", O_RDONLY | O_DIRECTORY));
    attempt_fd(a, "openat ../beside.txt", openat(fd, "../beside.txt", O_RDONLY));
    attempt(a, "fchdir", fchdir(fd));
    struct stat of;
    attempt(a, "fstatat ..", fstatat(fd, "..", &of, 0));
    symphony_status status;
    symphony_error error;
    const int folder = broker_open(a, "workspace", str_of("folder"), SYMPHONY_FS_READ, &status, &error);
    if (folder >= 0) escaped(a, "a folder's descriptor");
    else stopped(a, "folder: %s", error.reason);
    const int root = broker_open(a, "workspace", str_of(""), SYMPHONY_FS_READ, &status, &error);
    if (root >= 0) escaped(a, "the root's descriptor");
    else stopped(a, "root: %s", error.reason);
}
ATTACK_PLUGIN
