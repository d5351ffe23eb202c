// Lets every fsync and fdatasync take SYNC_DELAY_US microseconds longer: a slower disk, the same on every machine.
// Preloaded into a server by the benchmark.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_longer(void) {
    const char *text = getenv("SYNC_DELAY_US");
    long us = text ? atol(text) : 0;
    struct timespec time = {us / 1000000, (us % 1000000) * 1000};
    while (us > 0 && nanosleep(&time, &time) != 0) {
    }
}

int fsync(int fd) {
    static int (*next)(int);
    if (!next) next = dlsym(RTLD_NEXT, "fsync");
    wait_longer();
    return next(fd);
}

int fdatasync(int fd) {
    static int (*next)(int);
    if (!next) next = dlsym(RTLD_NEXT, "fdatasync");
    wait_longer();
    return next(fd);
}
