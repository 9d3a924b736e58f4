/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    int pair[2];
    surface(a, "AF_INET", socketpair(AF_INET, SOCK_STREAM, 0, pair));
    surface(a, "AF_TIPC", socketpair(30, SOCK_STREAM, 0, pair));
    surface(a, "AF_UNIX", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    surface(a, "AF_UNIX messages", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
}
ATTACK_PLUGIN
