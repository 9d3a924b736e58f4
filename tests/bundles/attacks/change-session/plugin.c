/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sys/ioctl.h>

static void attack(struct attack *a) {
    const char letter = '\n';
    attempt_fd(a, "open /dev/tty", open("/dev/tty", O_RDWR));
    for (int fd = 0; fd < 3; ++fd) {
        attempt(a, "TIOCSTI", ioctl(fd, TIOCSTI, &letter));
        attempt(a, "TIOCSCTTY", ioctl(fd, TIOCSCTTY, 0));
        attempt(a, "TIOCLINUX", ioctl(fd, TIOCLINUX, &letter));
    }
    surface(a, "vhangup", vhangup());
}
ATTACK_PLUGIN
