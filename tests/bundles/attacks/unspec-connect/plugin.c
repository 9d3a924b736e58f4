/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    (void)snprintf(there.sun_path, sizeof there.sun_path, "%s", fact(a, "unix"));
    int sockets = 0;
    for (int fd = 0; fd < 256; ++fd) {
        struct stat of;
        if (fstat(fd, &of) != 0 || !S_ISSOCK(of.st_mode)) continue;
        int family = 0;
        socklen_t size = sizeof family;
        ++sockets;
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family != AF_UNIX) escaped(a, "a socket of family %d", family);
        if (unprotected()) continue;
        attempt(a, "disconnect", connect(fd, &nowhere, sizeof nowhere));
        attempt(a, "connect elsewhere", connect(fd, (const struct sockaddr *)&there, sizeof there));
        attempt(a, "bind", bind(fd, (const struct sockaddr *)&there, sizeof there));
        attempt(a, "listen", listen(fd, 1));
        attempt(a, "send elsewhere", sendto(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&there, sizeof there));
    }
    stopped(a, "%d sockets", sockets);
}
ATTACK_PLUGIN
