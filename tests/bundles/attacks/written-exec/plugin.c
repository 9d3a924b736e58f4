/* SPDX-License-Identifier: Apache-2.0 */
#include "run_program.h"

static void attack(struct attack *a) {
    static const char *const places[] = {"/tmp/attack-program", "attack-program", "/dev/shm/attack-program", "/run/attack-program"};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        const int fd = open(places[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
        if (fd < 0 || write(fd, program, sizeof program) < 0) {
            stopped(a, "%s %s", places[i], errno_name(errno));
            continue;
        }
        (void)close(fd);
        run(a, places[i], -1, places[i]);
        (void)unlink(places[i]);
    }
}
ATTACK_PLUGIN
