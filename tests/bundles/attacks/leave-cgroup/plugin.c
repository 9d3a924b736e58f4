/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sys/mount.h>

static void attack(struct attack *a) {
    static const char *const names[] = {"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs",
                                        "/sys/fs/cgroup/pids/cgroup.procs", "/sys/fs/cgroup/cpu/tasks", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        attempt_fd(a, names[i], open(names[i], O_WRONLY));
    }
    surface(a, "mount of cgroup2", mount("none", "/tmp", "cgroup2", 0, NULL));
}
ATTACK_PLUGIN
