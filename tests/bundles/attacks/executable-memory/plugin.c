/* SPDX-License-Identifier: Apache-2.0 */
#include "run_code.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static void *filled(int protection, int flags) {
    void *const at = mmap(NULL, 4096, protection, flags, -1, 0);
    if (at != MAP_FAILED) memcpy(at, code, sizeof code);
    return at;
}
static void attack(struct attack *a) {
    const int both = PROT_READ | PROT_WRITE, mine = MAP_PRIVATE | MAP_ANONYMOUS;
    call_it(a, "writable and executable", filled(both | PROT_EXEC, mine));
    call_it(a, "shared, writable and executable", filled(both | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS));
    void *at = filled(both, mine);
    call_it(a, "mprotect", mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0 ? at : NULL);
    at = filled(both, mine);
    call_it(a, "pkey_mprotect", syscall(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_EXEC, -1) == 0 ? at : NULL);
    static _Alignas(4096) unsigned char own[4096];
    memcpy(own, code, sizeof code);
    call_it(a, "mprotect of data", mprotect(own, 4096, both | PROT_EXEC) == 0 ? own : NULL);
    const uintptr_t text = (uintptr_t)&attack & ~(uintptr_t)4095;
    attempt(a, "mprotect of code", mprotect((void *)text, 4096, both | PROT_EXEC));
    const int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
    void *const shared = segment < 0 ? (void *)-1 : shmat(segment, NULL, SHM_EXEC);
    if (shared != (void *)-1) memcpy(shared, code, sizeof code);
    call_it(a, "shmat", shared == (void *)-1 ? NULL : shared);
    if (segment >= 0) (void)shmctl(segment, IPC_RMID, NULL);
}
ATTACK_PLUGIN
