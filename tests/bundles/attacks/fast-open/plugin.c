/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

static void attack(struct attack *a) {
    const struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fact_number(a, "tcp")), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    attempt(a, "sendto", sendto(fd, "attack", 6, MSG_FASTOPEN | MSG_NOSIGNAL, (const struct sockaddr *)&there, sizeof there));
    struct iovec part = {(void *)(uintptr_t)"attack", 6};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)&there, .msg_namelen = sizeof there, .msg_iov = &part, .msg_iovlen = 1};
    attempt(a, "sendmsg", sendmsg(fd, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
    attempt(a, "TCP_FASTOPEN_CONNECT", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){1}, sizeof(int)));
}
ATTACK_PLUGIN
