/* SPDX-License-Identifier: Apache-2.0 */
#include "run_program.h"

static void attack(struct attack *a) {
    const int fd = (int)syscall(SYS_memfd_create, "attack", MFD_CLOEXEC);
    if (fd < 0) stopped(a, "memfd_create %s", errno_name(errno));
    else if (write(fd, program, sizeof program) > 0) run(a, "memfd", fd, NULL);
}
ATTACK_PLUGIN
