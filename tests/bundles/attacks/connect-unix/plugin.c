/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void attack(struct attack *a) {
    static const char *const names[] = {"", "/run/dbus/system_bus_socket", "/var/run/docker.sock", "/run/systemd/private"};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    for (size_t i = 0; i < 4; ++i) {
        struct sockaddr_un there = {.sun_family = AF_UNIX};
        (void)snprintf(there.sun_path, sizeof there.sun_path, "%s", i == 0 ? fact(a, "unix") : names[i]);
        attempt(a, i == 0 ? "the canary" : names[i], connect(fd, (const struct sockaddr *)&there, sizeof there));
    }
}
ATTACK_PLUGIN
