/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything of an attack that is not the attempt. A plugin defines `static void attack(struct attack *a)`, notes in it
 * what it tried, and writes ATTACK_PLUGIN. The answer is "ESCAPED: what" when anything got through, else
 * "stopped: what errno, ...", so that the harness sees both. No attempt does harm when it succeeds: signals are signal 0
 * or go to the harness's own victim, bombs are bounded, calls that change the machine carry arguments that it refuses.
 */
#ifndef SYMPHONY_TESTS_ATTACK_H
#define SYMPHONY_TESTS_ATTACK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define FAULT_RAW
#include "fault.h"

#include <symphony/abi/services/fs.h>
#include <symphony/abi/services/log.h>
#include <symphony/abi/value.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

struct attack {
    struct symphony_instance *self; /* NULL in a constructor, and so is `call` */
    const symphony_call *call;
    char facts[4096]; /* "name=value name=value", what the harness says about the host */
    char escaped[400];
    char stopped[700];
    char tried[200];
};

/* --- notes ------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static inline void note_in(char *notes, size_t size, const char *format, ...) {
    char text[200];
    va_list more;
    va_start(more, format);
    (void)vsnprintf(text, sizeof text, format, more);
    va_end(more);
    const size_t used = strlen(notes);
    if (strstr(notes, text) != NULL || used + strlen(text) + 3 > size) return; /* said before, or enough is said */
    (void)snprintf(notes + used, size - used, "%s%s", used == 0 ? "" : ", ", text);
}
#define escaped(a, ...) note_in((a)->escaped, sizeof (a)->escaped, __VA_ARGS__)
#define stopped(a, ...) note_in((a)->stopped, sizeof (a)->stopped, __VA_ARGS__)

static inline const char *errno_name(int number) {
    const char *const name = strerrorname_np(number);
    return name != NULL ? name : "no errno";
}

/* One attempt: it got through when `result` is not negative. Returns the result. */
static inline long attempt(struct attack *a, const char *what, long result) {
    if (result >= 0) escaped(a, "%s", what);
    else stopped(a, "%s %s", what, errno_name(errno));
    return result;
}

/* One system call that no plugin may even reach, made with arguments that are refused anyway: the kernel's own complaint
 * about the arguments says that the filter let it through. */
static inline void surface_of(struct attack *a, const char *what, long result) {
    if (result >= 0) escaped(a, "%s", what);
    else if (errno == EPERM || errno == ENOSYS || errno == EACCES) stopped(a, "%s %s", what, errno_name(errno));
    else escaped(a, "%s reaches the kernel (%s)", what, errno_name(errno));
}

/* Not tried any more once something got through: a call that ends the process would take the news of it along. */
#define surface(a, what, call)                                      \
    do {                                                            \
        if ((a)->escaped[0] == 0) surface_of((a), (what), (call));  \
    } while (0)

/* A descriptor that must not have been given. */
static inline int attempt_fd(struct attack *a, const char *what, long fd) {
    if (attempt(a, what, fd) >= 0) (void)close((int)fd);
    return fd >= 0;
}

/* --- what the harness says about the host --------------------------------------------------------------------------- */

static inline const char *fact(struct attack *a, const char *name) {
    static _Thread_local char values[8][512];
    static _Thread_local unsigned next;
    char *const value = values[next++ % 8];
    const size_t length = strlen(name);
    value[0] = 0;
    for (const char *at = a->facts; at != NULL && *at != 0; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, name, length) != 0 || at[length] != '=') continue;
        const size_t size = strcspn(at + length + 1, " ");
        (void)snprintf(value, 512, "%.*s", (int)size, at + length + 1);
        break;
    }
    return value;
}
static inline int fact_number(struct attack *a, const char *name) { return atoi(fact(a, name)); }
/* A path in the harness's own tree: `fact` and `rest`. */
static inline const char *host_path(struct attack *a, const char *name, const char *rest) {
    static _Thread_local char paths[8][1024];
    static _Thread_local unsigned next;
    char *const path = paths[next++ % 8];
    (void)snprintf(path, 1024, "%s%s", fact(a, name), rest);
    return path;
}

/* Is nothing at all around us? Then what could hurt the machine is not tried. */
static inline int unprotected(void) {
    return access("/proc/self", F_OK) == 0 && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
}

/* --- host services -------------------------------------------------------------------------------------------------- */

static inline symphony_str str_of(const char *text) {
    const symphony_str str = {text, strlen(text)};
    return str;
}
static inline const void *service(struct attack *a, const char *id) {
    return a->self->host->query(a->self->host->ctx, str_of(id));
}
/* A descriptor from the file broker, or -1 with its status in *status. */
static inline int broker_open(struct attack *a, const char *root, symphony_str path, uint32_t flags, symphony_status *status,
                              symphony_error *error) {
    const symphony_host_fs *const fs = (const symphony_host_fs *)service(a, SYMPHONY_HOST_FS);
    int32_t fd = -1;
    memset(error, 0, sizeof *error);
    error->struct_size = sizeof *error;
    *status = fs == NULL ? SYMPHONY_E_NOT_GRANTED : fs->open(a->self->host->ctx, str_of(root), path, flags, &fd, error);
    return *status >= 0 ? fd : -1;
}
/* The granted file "granted.txt", which every attack with "read:workspace" or "write:workspace" may have. */
static inline int granted_file(struct attack *a, uint32_t flags) {
    symphony_status status;
    symphony_error error;
    const int fd = broker_open(a, "workspace", str_of("granted.txt"), flags, &status, &error);
    if (fd < 0) stopped(a, "no granted file: %s", error.reason);
    return fd;
}

/* --- children ------------------------------------------------------------------------------------------------------- */

/* A child that ends by itself, whatever happens to us. Returns as fork does. */
static inline long mortal_child(void) {
    const long child = fork();
    if (child == 0) (void)alarm(20);
    return child;
}
#define EXECUTED 77 /* exit status of a program that an attack was able to start */

/* --- answers -------------------------------------------------------------------------------------------------------- */

static inline void read_facts(struct attack *a) {
    symphony_wire_reader reader = symphony_wire_read(a->call->args, a->call->arg_count);
    (void)symphony_wire_string(&reader);
    const symphony_buf input = symphony_wire_payload(&reader);
    const symphony_str text = symphony_value_text(symphony_value_get(symphony_value_of(input.data, input.size), "text"));
    (void)snprintf(a->facts, sizeof a->facts, "%.*s", (int)text.len, text.len != 0 ? text.ptr : "");
}

static inline void say(const symphony_call *call, const char *text) {
    uint8_t value[1200], record[1400];
    symphony_value_writer map = {value, sizeof value, 0, 0, 0};
    symphony_value_put_map(&map, 1);
    symphony_value_put_key(&map, "text");
    symphony_value_put_text(&map, str_of(text));
    symphony_wire_writer writer = {record, sizeof record, 0, 0, 0};
    const uint64_t start = symphony_wire_begin_record(&writer);
    symphony_wire_put_payload(&writer, value, map.size);
    symphony_wire_end_record(&writer, start);
    const symphony_buf out = symphony_wire_buf(&writer);
    call->ops->complete(call->ctx, call->id, &out, 1);
}
static inline void report(const struct attack *a, const symphony_call *call) {
    char text[1150];
    if (a->escaped[0] != 0) (void)snprintf(text, sizeof text, "ESCAPED: %s; stopped: %s", a->escaped, a->stopped);
    else (void)snprintf(text, sizeof text, "stopped: %s", a->stopped[0] != 0 ? a->stopped : "nothing was tried");
    say(call, text);
}

/* The host is not told to guess: what only makes sense behind a sandbox says so instead. */
#ifdef ATTACK_DANGEROUS
#define ATTACK_GUARD                                          \
    if (unprotected()) {                                      \
        say(call, "unprotected: not tried");                  \
        return SYMPHONY_OK;                                   \
    }
#else
#define ATTACK_GUARD
#endif

/* The attempt is made in `invoke`. */
#define ATTACK_PLUGIN                                                                              \
    static symphony_status invoke(symphony_instance *self, const symphony_call *call) {            \
        static struct attack a;                                                                    \
        memset(&a, 0, sizeof a);                                                                   \
        a.self = self;                                                                             \
        a.call = call;                                                                             \
        read_facts(&a);                                                                            \
        ATTACK_GUARD                                                                               \
        attack(&a);                                                                                \
        report(&a, call);                                                                          \
        return SYMPHONY_OK;                                                                        \
    }                                                                                              \
    FAULT_PLUGIN

/* The attempt was made before, and `early` holds its notes; `invoke` only tells them. */
#define EARLY_ATTACK_PLUGIN                                                                        \
    static symphony_status invoke(symphony_instance *self, const symphony_call *call) {            \
        (void)self;                                                                                \
        report(&early, call);                                                                      \
        return SYMPHONY_OK;                                                                        \
    }                                                                                              \
    FAULT_PLUGIN

#endif
