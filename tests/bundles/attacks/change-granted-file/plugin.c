/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static void attack(struct attack *a) {
    const int fd = granted_file(a, SYMPHONY_FS_READ);
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    attempt(a, "fchmod", fchmod(fd, 04777));
    attempt(a, "fchown", fchown(fd, 65534, 65534));
    attempt(a, "fsetxattr", fsetxattr(fd, "user.attack", "x", 1, 0));
    attempt(a, "fremovexattr", fremovexattr(fd, "user.attack"));
    attempt(a, "futimens", futimens(fd, times));
    attempt(a, "fchmodat", fchmodat(fd, "", 0777, 0));
    attempt(a, "fchmodat2", syscall(452, fd, "", 0777, AT_EMPTY_PATH));
    attempt(a, "utimensat raw", syscall(SYS_utimensat, fd, NULL, times, 0));
    attempt(a, "setting flags", ioctl(fd, FS_IOC_SETFLAGS, &(long){FS_NODUMP_FL}));
}
ATTACK_PLUGIN
