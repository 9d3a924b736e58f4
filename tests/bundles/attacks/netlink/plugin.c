/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/netlink.h>

static void attack(struct attack *a) {
    for (int family = 0; family < 23; ++family) {
        const int fd = socket(AF_NETLINK, SOCK_RAW, family);
        const struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = 1};
        if (fd >= 0) escaped(a, "family %d%s", family, bind(fd, (const struct sockaddr *)&all, sizeof all) == 0 ? " and its groups" : "");
        else stopped(a, "%s", errno_name(errno));
    }
}
ATTACK_PLUGIN
