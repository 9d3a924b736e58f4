/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    for (int fd = 3; fd < 256; ++fd) {
        struct ucred peer = {0, 0, 0};
        socklen_t size = sizeof peer;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid != 0) escaped(a, "peer is process %d", (int)peer.pid);
        int pidfd = -1;
        size = sizeof pidfd;
        if (getsockopt(fd, SOL_SOCKET, 77, &pidfd, &size) == 0) escaped(a, "a pidfd of the peer"); /* SO_PEERPIDFD */
    }
    stopped(a, "no peer is told");
}
ATTACK_PLUGIN
