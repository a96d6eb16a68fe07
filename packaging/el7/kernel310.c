/* kernel310 [-r] [-k] [-a N]... CMD ARG...
 * Runs CMD (and whatever it starts) with every x86_64 system call that Linux
 * 3.10 did not have answering ENOSYS.  The last call of Linux 3.10 is
 * finit_module = 313; 314 (sched_setattr, 3.14) and up are newer.
 *   -r   the RHEL 7.9 kernel (3.10.0-1160) instead of plain 3.10: lets through the
 *        calls Red Hat backported (numbers in allow79[] below)
 *   -a N lets system call N through as well (up to 8 of them)
 *   -k   kill the process (SIGSYS, core) instead of ENOSYS: to find who calls what
 * 32-bit (i386) and x32 calls are refused whole (ENOSYS), so they are no way round.
 * Build: gcc -O2 -static -o kernel310 kernel310.c   (raw BPF, no libseccomp needed)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const int allow79[] = { 314, 315, 316, 317, 318, 319, 320, 321, 323, 326, 329, 330, 331 };

static const char usage[] = "usage: kernel310 [-r] [-k] [-a N]... CMD ARG...\n";

int main(int argc, char **argv) {
    int rhel = 0, kill = 0, i = 1, also[8], also_count = 0;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (!strcmp(argv[i], "--")) { i++; break; }
        else if (!strcmp(argv[i], "-r")) rhel = 1;
        else if (!strcmp(argv[i], "-k")) kill = 1;
        else if (!strcmp(argv[i], "-a") && i + 1 < argc && also_count < 8) also[also_count++] = atoi(argv[++i]);
        else { fprintf(stderr, "%s", usage); return 2; }
    }
    if (i >= argc) { fprintf(stderr, "%s", usage); return 2; }

    struct sock_filter f[64]; int n = 0;
    unsigned deny = kill ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | ENOSYS;
#define ADD(...) f[n++] = (struct sock_filter) __VA_ARGS__
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    /* nr == -1 (a tracer skipped the call) passes */
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffffu, 0, 1));
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 314, 1, 0));
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    if (rhel)
        for (unsigned k = 0; k < sizeof allow79 / sizeof *allow79; k++) {
            ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allow79[k], 0, 1));
            ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
        }
    for (int k = 0; k < also_count; k++) {
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)also[k], 0, 1));
        ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    ADD(BPF_STMT(BPF_RET | BPF_K, deny));
    struct sock_fprog p = { .len = (unsigned short)n, .filter = f };

    /* as root no_new_privs is not needed, and setuid programs go on working */
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, 0, 0)) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, 0, 0)) { perror("kernel310: seccomp"); return 2; }
    }
    execvp(argv[i], argv + i);
    fprintf(stderr, "kernel310: %s: %s\n", argv[i], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}
