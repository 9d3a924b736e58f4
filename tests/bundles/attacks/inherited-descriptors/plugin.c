/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>

static void attack(struct attack *a) {
    for (int fd = 0; fd < 4096; ++fd) {
        struct stat of;
        const int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fstat(fd, &of) != 0) continue;
        const int seals = fcntl(fd, F_GET_SEALS);
        if (S_ISDIR(of.st_mode)) escaped(a, "%d is a folder", fd);
        if ((flags & O_PATH) != 0) escaped(a, "%d is a path", fd);
        if (S_ISBLK(of.st_mode)) escaped(a, "%d is a disk", fd);
        if (S_ISCHR(of.st_mode) && of.st_rdev != 0x103) escaped(a, "%d is device %lx", fd, (unsigned long)of.st_rdev);
        if (S_ISREG(of.st_mode) && of.st_nlink > 0) escaped(a, "%d is a file%s", fd, (flags & O_ACCMODE) == O_RDONLY ? "" : " to write");
        if (S_ISREG(of.st_mode) && of.st_nlink == 0 && (seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) != (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
            escaped(a, "%d is a memory file with seals %x", fd, (unsigned)seals);
        }
        if ((of.st_mode & S_IFMT) == 0) { /* eventfd, epoll, pidfd, or worse: the judge of our own system calls */
            uint64_t id = 0;
            if (ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0 || errno == ENOENT) escaped(a, "%d is a seccomp listener", fd);
            if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0) escaped(a, "%d is a process", fd);
        }
        stopped(a, "%d is %o", fd, (unsigned)(of.st_mode & S_IFMT) >> 12);
    }
}
ATTACK_PLUGIN
