/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <dlfcn.h>

static void load(struct attack *a, const char *what, const char *path) {
    void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) escaped(a, "%s", what);
    else stopped(a, "%s: %.60s", what, strrchr(dlerror(), ':'));
}
static void attack(struct attack *a) {
    Dl_info of;
    static char bytes[1 << 18];
    if (dladdr((const void *)(uintptr_t)&attack, &of) == 0) return;
    const int from = open(of.dli_fname, O_RDONLY);
    const long size = from < 0 ? -1 : read(from, bytes, sizeof bytes);
    if (size < 64) {
        stopped(a, "own file %s", errno_name(errno)); /* then one that libc certainly has */
        load(a, "a library of the system", "libresolv.so.2");
        return;
    }
    const int memory = (int)syscall(SYS_memfd_create, "attack", 0);
    char name[64];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
    if (memory >= 0 && write(memory, bytes, (size_t)size) == size) load(a, "memfd", name);
    else stopped(a, "memfd %s", errno_name(errno));
    const int file = open("/tmp/attack.so", O_WRONLY | O_CREAT, 0755);
    if (file >= 0 && write(file, bytes, (size_t)size) == size) load(a, "written", "/tmp/attack.so");
    else stopped(a, "/tmp/attack.so %s", errno_name(errno));
    (void)unlink("/tmp/attack.so");
}
ATTACK_PLUGIN
