/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    static uint8_t junk[1 << 16];
    const char part = fact(a, "part")[0];
    for (size_t i = 0; i < sizeof junk; ++i) junk[i] = (uint8_t)(i * 31);
    for (int fd = 3; fd < 256; ++fd) {
        struct stat of;
        if (fstat(fd, &of) != 0 || !S_ISSOCK(of.st_mode)) continue;
        static const size_t sizes[] = {0, 1, 7, 24, 63, 64, 65, 4096, 65536};
        for (int round = 0; round < 200; ++round) {
            const size_t size = part == 'a' ? sizes[round % 9] : part == 'b' ? 0 : 64;
            if (send(fd, junk, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) break;
        }
        if (part == 'd') (void)shutdown(fd, SHUT_RDWR);
        if (part == 'e') (void)shutdown(fd, SHUT_WR);
        if (part == 'f') (void)dup2(0, fd);
    }
    stopped(a, "the host goes on");
}
ATTACK_PLUGIN
