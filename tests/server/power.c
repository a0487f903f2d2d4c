/* Writes down what a process does to the files below SHIM_FOLDER, so that a power cut can be played afterwards.
 *
 * A record of the journal (SHIM_JOURNAL): time, operation, offset, length of the path, length of the data; path; data.
 * A sync is written down twice: as it begins, and once it has returned. Only what was written before it began is safe after
 * it returned. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, SYNC_BEGINS = 3, SYNC_DONE = 4, REMOVE = 5, RENAME = 6 };

struct record {
    uint64_t at;
    uint32_t what, path_length;
    int64_t offset;
    uint64_t length;
} __attribute__((packed));

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static char folder[PATH_MAX];
static size_t folder_length;

__attribute__((constructor)) static void begin(void) {
    const char *root = getenv("SHIM_FOLDER"), *out = getenv("SHIM_JOURNAL");
    if (!root || !out) return;
    snprintf(folder, sizeof folder, "%s/", root);
    folder_length = strlen(folder);
    journal = (int)syscall(SYS_openat, AT_FDCWD, out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int ours(const char *path) { return strncmp(path, folder, folder_length) == 0; }

static int path_of(int fd, char *path) {
    char link[64];
    if (journal < 0 || fd == journal) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return ours(path);
}

/* Called with the turn taken. The journal itself is never lost: only the machine would lose it, and that keeps running. */
static void say(uint32_t what, const char *path, int64_t offset, const void *data, size_t length) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct record record = {(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, what, (uint32_t)strlen(path),
                            offset, length};
    struct iovec parts[3] = {{&record, sizeof record}, {(void *)path, record.path_length}, {(void *)data, length}};
    if (syscall(SYS_writev, journal, parts, 3) < 0) abort();
}

static ssize_t put(int fd, const void *data, size_t length, off_t offset) {
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return offset < 0 ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&turn);
    off_t at = offset;
    if (offset < 0) {
        struct stat seen;
        int append = fcntl(fd, F_GETFL) & O_APPEND;
        at = append && fstat(fd, &seen) == 0 ? seen.st_size : lseek(fd, 0, SEEK_CUR);
    }
    ssize_t done = offset < 0 ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, offset);
    if (done > 0) say(WRITE, path, at, data, (size_t)done);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return put(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return put(fd, data, length, offset); }

static int cut(int fd, off_t length) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&turn);
    int done = (int)syscall(SYS_ftruncate, fd, length);
    if (done == 0) say(TRUNCATE, path, length, "", 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int sync_file(int fd, long number) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return (int)syscall(number, fd);
    pthread_mutex_lock(&turn);
    say(SYNC_BEGINS, path, 0, "", 0);
    pthread_mutex_unlock(&turn);
    int done = (int)syscall(number, fd);
    if (done == 0) {
        pthread_mutex_lock(&turn);
        say(SYNC_DONE, path, 0, "", 0);
        pthread_mutex_unlock(&turn);
    }
    return done;
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

int unlink(const char *path) {
    if (journal < 0 || !ours(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&turn);
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0) say(REMOVE, path, 0, "", 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int rename(const char *from, const char *to) {
    if (journal < 0 || !ours(from)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&turn);
    int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (done == 0) say(RENAME, from, 0, to, strlen(to));
    pthread_mutex_unlock(&turn);
    return done;
}
