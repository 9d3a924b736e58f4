/* SPDX-License-Identifier: Apache-2.0 */
#include "run_code.h"

static void from_file(struct attack *a, const char *what, int fd) {
    if (fd < 0 || pwrite(fd, code, sizeof code, 0) < 0) {
        stopped(a, "%s %s", what, errno_name(errno));
        return;
    }
    call_it(a, what, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
    void *const at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) call_it(a, what, mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0 ? at : NULL);
    (void)ftruncate(fd, 0);
    (void)unlink("/tmp/attack-code");
}
static void attack(struct attack *a) {
    symphony_status status;
    symphony_error error;
    from_file(a, "memfd", (int)syscall(SYS_memfd_create, "attack", 0));
    from_file(a, "/tmp", open("/tmp/attack-code", O_RDWR | O_CREAT, 0700));
    from_file(a, "a granted file", broker_open(a, "workspace", str_of("code"), SYMPHONY_FS_READ | SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE,
                                               &status, &error));
}
ATTACK_PLUGIN
