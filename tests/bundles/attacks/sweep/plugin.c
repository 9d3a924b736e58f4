/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

/* Those that would end or stop us, or wait for ever, are left out; most others fail on these arguments wherever they arrive. */
static const short left_out[] = {SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_fork, SYS_vfork, SYS_clone,
                                 SYS_close, SYS_close_range, SYS_munmap, SYS_brk, SYS_rt_sigprocmask, SYS_arch_prctl, SYS_kill, SYS_alarm,
                                 SYS_set_robust_list, SYS_rseq, SYS_set_tid_address, SYS_dup, SYS_dup2, SYS_poll, SYS_select, SYS_ppoll,
                                 SYS_pselect6, SYS_epoll_wait, SYS_restart_syscall, SYS_wait4, SYS_waitid, SYS_rt_sigtimedwait, SYS_sched_yield,
                                 SYS_shutdown, SYS_vhangup, SYS_sync, SYS_reboot, SYS_munlockall, SYS_mlockall, SYS_umask, SYS_personality,
                                 SYS_mremap, SYS_mprotect, SYS_mmap, SYS_madvise, SYS_setsid};
/* What a computation needs; everything else is answered by the filter. */
static const short computing[] = {SYS_read, SYS_write, SYS_open, SYS_stat, SYS_fstat, SYS_lstat, SYS_lseek, SYS_rt_sigaction, SYS_ioctl, SYS_pread64,
    SYS_pwrite64, SYS_readv, SYS_writev, SYS_access, SYS_pipe, SYS_pipe2, SYS_msync, SYS_mincore, SYS_dup3, SYS_nanosleep, SYS_getitimer, SYS_setitimer,
    SYS_getpid, SYS_sendfile, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_getsockname, SYS_getpeername, SYS_getsockopt,
    SYS_uname, SYS_fcntl, SYS_flock, SYS_fsync, SYS_fdatasync, SYS_truncate, SYS_ftruncate, SYS_getdents, SYS_getdents64, SYS_getcwd, SYS_chdir,
    SYS_fchdir, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_readlink, SYS_gettimeofday, SYS_getrlimit, SYS_getrusage, SYS_sysinfo, SYS_times,
    SYS_getuid, SYS_getgid, SYS_geteuid, SYS_getegid, SYS_getppid, SYS_getpgrp, SYS_getpgid, SYS_getsid, SYS_getgroups, SYS_getresuid, SYS_getresgid,
    SYS_rt_sigpending, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_sigaltstack, SYS_statfs, SYS_fstatfs, SYS_getpriority, SYS_sched_getparam, SYS_sched_getscheduler,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_setaffinity, SYS_sched_getaffinity, SYS_prctl, SYS_gettid,
    SYS_readahead, SYS_tkill, SYS_tgkill, SYS_time, SYS_futex, SYS_epoll_create, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_timer_create,
    SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep,
    SYS_openat, SYS_newfstatat, SYS_readlinkat, SYS_faccessat, SYS_faccessat2, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_mkdirat, SYS_fallocate, SYS_fadvise64,
    SYS_get_robust_list, SYS_splice, SYS_tee, SYS_eventfd, SYS_eventfd2, SYS_signalfd, SYS_signalfd4, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_timerfd_gettime, SYS_preadv, SYS_pwritev, SYS_preadv2, SYS_pwritev2, SYS_prlimit64, SYS_getcpu, SYS_getrandom, SYS_memfd_create, SYS_statx, SYS_membarrier,
    SYS_copy_file_range, SYS_mlock, SYS_munlock, SYS_mlock2, SYS_capget, SYS_openat2, SYS_epoll_pwait2, SYS_sched_getattr, SYS_sched_rr_get_interval, SYS_sched_setattr,
    SYS_sync_file_range, SYS_clone3, SYS_creat, SYS_recvmmsg, SYS_sendmmsg};

static int is_in(long number, const short *list, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (list[i] == number) return 1;
    }
    return 0;
}
static void attack(struct attack *a) {
    int answered = 0;
    for (long number = 0; number < 454; ++number) {
        if (number == SYS_getpmsg + 1 || is_in(number, left_out, sizeof left_out / sizeof *left_out)) continue;
        if (is_in(number, computing, sizeof computing / sizeof *computing)) continue;
        errno = 0;
        const long result = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
        if (result >= 0 || (errno != ENOSYS && errno != EPERM && errno != EACCES)) escaped(a, "%ld %s", number, errno_name(errno));
        else ++answered;
    }
    stopped(a, "%d calls", answered);
}
ATTACK_PLUGIN
