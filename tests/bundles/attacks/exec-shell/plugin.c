/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <spawn.h>

static void attack(struct attack *a) {
    char name[] = "sh", option[] = "-c", script[] = "exit 77";
    char *const words[] = {name, option, script, NULL}, *const none[] = {NULL};
    pid_t child;
    const int spawned = posix_spawn(&child, "/bin/sh", NULL, NULL, words, none);
    if (spawned == 0) {
        int status = 0;
        (void)waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXECUTED) escaped(a, "posix_spawn");
    }
    stopped(a, "posix_spawn %s", errno_name(spawned));
    if (unprotected()) return; /* it would replace the host */
    attempt(a, "execve", execve("/bin/sh", words, none));
    attempt(a, "execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/sh", words, none, 0));
    attempt(a, "through the loader", execve("/lib64/ld-linux-x86-64.so.2", words, none));
}
ATTACK_PLUGIN
