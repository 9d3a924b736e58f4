/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

/* The call is answered by the kernel and not by the filter. */
static void kernel_answers(struct attack *a, const char *what, long result) {
    if (result >= 0) escaped(a, "%s", what);
    else if (errno == EPERM || errno == ENOPROTOOPT) stopped(a, "%s %s", what, errno_name(errno));
    else escaped(a, "%s reaches the kernel (%s)", what, errno_name(errno));
}
static long send_control(int fd, int type, const void *data, size_t size) {
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(64)];
    } room = {.head = {.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = type}};
    memcpy(CMSG_DATA(&room.head), data, size);
    char byte = 'x';
    struct iovec part = {&byte, 1};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = CMSG_SPACE(size)};
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}
static void attack(struct attack *a) {
    int pair[2], other[2];
    char byte = 'x';
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        stopped(a, "no pair at all: %s", errno_name(errno));
        return;
    }
    kernel_answers(a, "a datagram pair", socketpair(AF_UNIX, SOCK_DGRAM, 0, other));
    kernel_answers(a, "a raw pair", socketpair(AF_UNIX, SOCK_RAW | SOCK_CLOEXEC, 0, other));
    kernel_answers(a, "a pair of another family", socketpair(AF_INET, SOCK_STREAM, 0, other));
    kernel_answers(a, "sending out of band", send(pair[0], "x", 1, MSG_OOB | MSG_DONTWAIT));
    kernel_answers(a, "receiving out of band", recv(pair[1], &byte, 1, MSG_OOB | MSG_DONTWAIT));
    kernel_answers(a, "the error queue", recv(pair[1], &byte, 1, MSG_ERRQUEUE | MSG_DONTWAIT));
    kernel_answers(a, "fast open", send(pair[0], "x", 1, MSG_FASTOPEN | MSG_DONTWAIT));
    static const struct {
        const char *name;
        int number;
    } options[] = {{"SO_PEERCRED", SO_PEERCRED}, {"SO_PEERSEC", SO_PEERSEC}, {"SO_PEERGROUPS", 59}, {"SO_PEERPIDFD", 77}, {"SO_PASSPIDFD", 76},
                   {"SO_PASSCRED", SO_PASSCRED}, {"SO_ATTACH_FILTER", SO_ATTACH_FILTER}, {"SO_PEEK_OFF", SO_PEEK_OFF}, {"SO_BINDTODEVICE", SO_BINDTODEVICE}};
    for (size_t i = 0; i < sizeof options / sizeof *options; ++i) {
        int value[8] = {1};
        socklen_t size = sizeof value;
        kernel_answers(a, options[i].name, getsockopt(pair[0], SOL_SOCKET, options[i].number, value, &size));
        kernel_answers(a, options[i].name, setsockopt(pair[0], SOL_SOCKET, options[i].number, value, sizeof value));
    }
    const struct ucred forged = {1, 0, 0};
    attempt(a, "forged credentials", send_control(pair[0], SCM_CREDENTIALS, &forged, sizeof forged));
    /* Sockets in flight in each other: only the kernel's collector finds them, when we are gone. */
    for (int round = 0; round < 200; ++round) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, other) != 0) break;
        (void)send_control(other[0], SCM_RIGHTS, &other[1], sizeof(int));
        (void)send_control(other[1], SCM_RIGHTS, &other[0], sizeof(int));
        (void)close(other[0]);
        (void)close(other[1]);
    }
}
ATTACK_PLUGIN
