/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void attack(struct attack *a) {
    const struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_ANY)}};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    attempt(a, "listen without bind", listen(fd, 1));
    const int bound = socket(AF_INET, SOCK_STREAM, 0);
    attempt(a, "bind", bind(bound, (const struct sockaddr *)&here, sizeof here));
    const int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    attempt(a, "bind of datagrams", bind(datagrams, (const struct sockaddr *)&here, sizeof here));
}
ATTACK_PLUGIN
