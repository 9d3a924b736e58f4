/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void attack(struct attack *a) {
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    const int length = snprintf(there.sun_path + 1, sizeof there.sun_path - 1, "%s", fact(a, "abstract"));
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    attempt(a, "connect", connect(fd, (const struct sockaddr *)&there, size));
    const int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
    attempt(a, "sendto", sendto(datagrams, "attack", 6, 0, (const struct sockaddr *)&there, size));
}
ATTACK_PLUGIN
