/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netdb.h>

static void attack(struct attack *a) {
    const struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fact_number(a, "udp")), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    attempt(a, "sendto", sendto(fd, "attack", 6, MSG_NOSIGNAL, (const struct sockaddr *)&there, sizeof there));
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost.example.org", "80", NULL, &found) == 0) escaped(a, "a name was resolved");
    else stopped(a, "no names");
}
ATTACK_PLUGIN
