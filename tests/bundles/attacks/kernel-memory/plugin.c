/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

static void attack(struct attack *a) {
    static char page[1 << 16];
    long bytes = 0, timers = 0, locks = 0;
    int fds[2];
    for (int i = 0; i < 10000; ++i) {
        timer_t timer;
        struct sigevent nothing = {.sigev_notify = SIGEV_NONE};
        if (timer_create(CLOCK_MONOTONIC, &nothing, &timer) != 0) break;
        ++timers;
    }
    const int file = granted_file(a, SYMPHONY_FS_READ | SYMPHONY_FS_WRITE);
    for (long i = 0; file >= 0 && i < 5000; ++i) {
        const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i * 2, .l_len = 1};
        if (fcntl(file, F_SETLK, &lock) != 0) break;
        ++locks;
    }
    while (bytes < (1l << 30) && pipe2(fds, O_NONBLOCK) == 0) {
        (void)fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
        for (ssize_t n; (n = write(fds[1], page, sizeof page)) > 0;) bytes += n;
    }
    if (bytes > (1l << 29)) escaped(a, "%ld MiB in pipes", bytes >> 20);
    if (timers == 10000) escaped(a, "%ld timers", timers);
    stopped(a, "%ld MiB in pipes, %ld timers, %ld locks", bytes >> 20, timers, locks);
    for (int fd = 255; fd > 8; --fd) { /* so that we can answer */
        struct stat of;
        if (fstat(fd, &of) == 0 && S_ISFIFO(of.st_mode)) (void)close(fd);
    }
}
ATTACK_PLUGIN
