/* SPDX-License-Identifier: Apache-2.0 */
/* For attacks that try to run a program of their own. */
#pragma once

#include "attack.h"

/* The smallest program of 64 bit: exit(77). */
static const unsigned char program[] = {
    0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0,
    64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,
    0x84, 0, 0, 0, 0, 0, 0, 0, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
    0xbf, EXECUTED, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};

static void run(struct attack *a, const char *what, int fd, const char *path) {
    char *const none[] = {NULL};
    const long child = mortal_child();
    if (child < 0 && unprotected()) return;
    if (child <= 0) { /* without a child, our own process is spent on it */
        if (path != NULL) (void)execve(path, none, none);
        else (void)syscall(SYS_execveat, fd, "", none, none, AT_EMPTY_PATH);
        stopped(a, "%s %s", what, errno_name(errno));
        if (child == 0) _exit(errno == 0 ? 1 : errno);
        return;
    }
    int status = 0;
    (void)waitpid((pid_t)child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXECUTED) escaped(a, "%s", what);
    else stopped(a, "%s %s", what, WIFEXITED(status) ? errno_name(WEXITSTATUS(status)) : strsignal(WTERMSIG(status)));
}
