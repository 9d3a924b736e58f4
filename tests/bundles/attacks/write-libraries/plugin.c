/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <dlfcn.h>

static void attack(struct attack *a) {
    Dl_info of;
    if (dladdr((const void *)(uintptr_t)&strlen, &of) == 0) return;
    attempt_fd(a, "libc", open(of.dli_fname, O_WRONLY));
    attempt_fd(a, "a neighbour", open("/usr/lib/x86_64-linux-gnu/libattack.so", O_WRONLY | O_CREAT, 0755));
    attempt_fd(a, "preload", open("/etc/ld.so.preload", O_WRONLY | O_CREAT, 0644));
    attempt_fd(a, "cache", open("/etc/ld.so.cache", O_WRONLY));
    attempt(a, "unlink", unlink("/lib64/ld-linux-x86-64.so.2"));
}
ATTACK_PLUGIN
