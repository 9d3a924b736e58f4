/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/sem.h>
#include <sys/msg.h>

static void attack(struct attack *a) {
    attempt(a, "shmget of the canary", shmget(fact_number(a, "shm"), 0, 0));
    surface(a, "shmctl", shmctl(0, SHM_STAT, &(struct shmid_ds){0}));
    const int semaphores = semget(IPC_PRIVATE, 1, 0600 | IPC_CREAT), queue = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);
    surface(a, "semget", semaphores);
    surface(a, "msgget", queue);
    if (semaphores >= 0) (void)semctl(semaphores, 0, IPC_RMID);
    if (queue >= 0) (void)msgctl(queue, IPC_RMID, NULL);
    surface(a, "mq_open", syscall(SYS_mq_open, "symphony-attack", O_RDWR, 0600, NULL));
}
ATTACK_PLUGIN
