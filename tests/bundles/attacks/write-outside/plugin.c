/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    attempt_fd(a, "create", open(host_path(a, "tree", "/new.txt"), O_WRONLY | O_CREAT, 0666));
    attempt_fd(a, "open to write", open(host_path(a, "tree", "/public.txt"), O_WRONLY));
    attempt(a, "truncate", truncate(host_path(a, "tree", "/public.txt"), 0));
    attempt(a, "unlink", unlink(host_path(a, "tree", "/public.txt")));
    attempt(a, "rename", rename(host_path(a, "tree", "/secret.txt"), host_path(a, "tree", "/taken.txt")));
    attempt(a, "mkdir", mkdir(host_path(a, "tree", "/folder"), 0777));
    attempt(a, "symlink", symlink("/etc", host_path(a, "tree", "/link")));
    attempt(a, "mkfifo", mkfifo(host_path(a, "tree", "/pipe"), 0666));
    attempt(a, "chmod", chmod(host_path(a, "tree", "/public.txt"), 0777));
    attempt_fd(a, "nameless file", open(fact(a, "tree"), O_TMPFILE | O_RDWR, 0600));
}
ATTACK_PLUGIN
