/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static const char *const names[] = {"/sys", "/sys/kernel", "/sys/fs/cgroup", "/dev/mem", "/dev/kmsg", "/dev/port", "/dev/kvm",
                                        "/dev/fuse", "/dev/vda", "/dev/sda", "/dev/loop-control", "/dev/net/tun", "/dev/tty",
                                        "/dev/ptmx", "/dev/pts/0", "/dev/dri", "/dev/vsock", "/dev/userfaultfd", "/dev/full"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) attempt_fd(a, names[i], open(names[i], O_RDONLY | O_CLOEXEC | O_NOCTTY));
}
ATTACK_PLUGIN
