/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void attack(struct attack *a) {
    const struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fact_number(a, "tcp")), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    const int fd = socket(AF_INET, SOCK_STREAM, 262);
    attempt(a, "connect", connect(fd, (const struct sockaddr *)&there, sizeof there));
}
ATTACK_PLUGIN
