/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    const int many = fact(a, "part")[0] != 'a';
    long sent = 0;
    for (int fd = 3; fd < 256; ++fd) {
        struct stat of;
        if (fstat(fd, &of) != 0 || !S_ISSOCK(of.st_mode)) continue;
        for (int round = 0; round < 2000; ++round) {
            union {
                struct cmsghdr head;
                char bytes[CMSG_SPACE(200 * sizeof(int))];
            } control = {.head = {0}};
            char byte = 'x';
            struct iovec part = {&byte, 1};
            const size_t count = many ? 200 : 1;
            struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
            control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
            control.head.cmsg_level = SOL_SOCKET;
            control.head.cmsg_type = SCM_RIGHTS;
            for (size_t i = 0; i < count; ++i) memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &(int){fact(a, "part")[0] == 'c' ? fd : 0}, sizeof(int));
            if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                stopped(a, "after %ld messages %s", sent, errno_name(errno));
                break;
            }
            ++sent;
        }
    }
    stopped(a, "the host goes on");
}
ATTACK_PLUGIN
