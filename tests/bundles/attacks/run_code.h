/* SPDX-License-Identifier: Apache-2.0 */
/* For attacks that try to run code that they wrote into memory. */
#pragma once

#include "attack.h"

/* mov eax, 77; ret */
static const unsigned char code[] = {0xb8, EXECUTED, 0, 0, 0, 0xc3};
static sigjmp_buf back;
static void on_fault(int number) { siglongjmp(back, number); }

static void call_it(struct attack *a, const char *what, void *at) {
    int (*function)(void);
    if (at == MAP_FAILED || at == NULL) {
        stopped(a, "%s %s", what, errno_name(errno));
        return;
    }
    (void)signal(SIGSEGV, on_fault);
    (void)signal(SIGBUS, on_fault);
    memcpy(&function, &at, sizeof function);
    const int number = sigsetjmp(back, 1);
    if (number != 0) stopped(a, "%s %s", what, strsignal(number));
    else if (function() == EXECUTED) escaped(a, "%s", what);
    (void)signal(SIGSEGV, SIG_DFL);
}
