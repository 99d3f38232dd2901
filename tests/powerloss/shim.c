/* A preloaded library that writes down what a program asks of the files below one directory, in order, so that image.py
 * can tell what of it a disk may hold after the power failed. The program's own view is not changed.
 *
 * Environment: POWERLOSS_ROOT, the directory; POWERLOSS_TRACE, the file to append records to, outside of it;
 * POWERLOSS_LIES=1, syncs are neither done nor written down: the disk that lies, for the control.
 *
 * Build: cc -shared -fPIC -O2 -o shim.so shim.c -ldl -lpthread
 *
 * A record: kind (1 byte), file descriptor (4), number (8), length of the text (4), text; numbers little-endian.
 *   O fd flags path · W fd offset data · T fd length · S fd (fsync, fdatasync) · M path · U path · R from \0 to
 * A call and its record are one step under a lock, so the order of the records is the order of the calls.
 * sync_file_range is passed on and not written down: it promises nothing. copy_file_range, sendfile and splice are
 * refused, so that the program falls back to read and write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int trace = -1, lies;
static char watched[FDS];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t real_write(int fd, const void *data, size_t length) {
    static ssize_t (*call)(int, const void *, size_t);
    if (!call) call = REAL(write);
    return call(fd, data, length);
}

__attribute__((constructor)) static void begin(void) {
    const char *directory = getenv("POWERLOSS_ROOT"), *file = getenv("POWERLOSS_TRACE"), *lying = getenv("POWERLOSS_LIES");
    if (!directory || !file || strlen(directory) >= PATH_MAX) return;
    strcpy(root, directory);
    root_length = strlen(root);
    lies = lying && *lying == '1';
    trace = REAL(open)(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void note(char kind, int fd, uint64_t number, const void *text, size_t length) {
    unsigned char *record = malloc(17 + length);
    if (!record) abort();
    int32_t descriptor = fd;
    uint32_t size = length;
    record[0] = kind;
    memcpy(record + 1, &descriptor, 4);
    memcpy(record + 5, &number, 8);
    memcpy(record + 13, &size, 4);
    memcpy(record + 17, text, length);
    if (real_write(trace, record, 17 + length) != (ssize_t)(17 + length)) abort();
    free(record);
}

/* The absolute path, if it is the root or below it. */
static const char *below(int directory, const char *path, char *buffer) {
    if (trace < 0 || !path) return NULL;
    if (path[0] != '/') {
        char base[PATH_MAX];
        ssize_t length;
        if (directory == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return NULL;
        } else {
            char link[64];
            strcpy(link, "/proc/self/fd/");
            char digits[16];
            int at = 15, n = directory;
            digits[at] = 0;
            do digits[--at] = '0' + n % 10; while (n /= 10);
            strcat(link, digits + at);
            if ((length = readlink(link, base, sizeof base - 1)) < 0) return NULL;
            base[length] = 0;
        }
        if (strlen(base) + strlen(path) + 2 > PATH_MAX) return NULL;
        strcpy(buffer, base);
        strcat(buffer, "/");
        strcat(buffer, path);
        path = buffer;
    }
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]) ? path : NULL;
}

static int opened(int directory, const char *path, int flags, int fd) {
    char buffer[PATH_MAX];
    const char *inside = fd >= 0 ? below(directory, path, buffer) : NULL;
    if (fd >= 0 && fd < FDS) watched[fd] = inside != NULL;
    if (inside) {
        if (fd >= FDS) abort();
        note('O', fd, flags, inside, strlen(inside));
    }
    return fd;
}

static int is_watched(int fd) { return trace >= 0 && fd >= 0 && fd < FDS && watched[fd]; }

#define OPEN(name)                                                              \
    int name(const char *path, int flags, ...) {                                \
        va_list rest;                                                           \
        va_start(rest, flags);                                                  \
        mode_t mode = va_arg(rest, mode_t);                                     \
        va_end(rest);                                                           \
        pthread_mutex_lock(&lock);                                              \
        int fd = opened(AT_FDCWD, path, flags, REAL(name)(path, flags, mode));  \
        pthread_mutex_unlock(&lock);                                            \
        return fd;                                                              \
    }
#define OPENAT(name)                                                                       \
    int name(int directory, const char *path, int flags, ...) {                            \
        va_list rest;                                                                      \
        va_start(rest, flags);                                                             \
        mode_t mode = va_arg(rest, mode_t);                                                \
        va_end(rest);                                                                      \
        pthread_mutex_lock(&lock);                                                         \
        int fd = opened(directory, path, flags, REAL(name)(directory, path, flags, mode)); \
        pthread_mutex_unlock(&lock);                                                       \
        return fd;                                                                         \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS) watched[fd] = 0;
    int result = REAL(close)(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t write(int fd, const void *data, size_t length) {
    if (!is_watched(fd)) return real_write(fd, data, length);
    pthread_mutex_lock(&lock);
    ssize_t written = real_write(fd, data, length);
    if (written > 0) note('W', fd, lseek(fd, 0, SEEK_CUR) - written, data, written);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_watched(fd)) return REAL(writev)(fd, parts, count);
    /* A short write is allowed. */
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

#define PWRITE(name, offset_type)                                                      \
    ssize_t name(int fd, const void *data, size_t length, offset_type offset) {        \
        if (!is_watched(fd)) return REAL(name)(fd, data, length, offset);              \
        pthread_mutex_lock(&lock);                                                     \
        ssize_t written = REAL(name)(fd, data, length, offset);                        \
        if (written > 0) note('W', fd, offset, data, written);                         \
        pthread_mutex_unlock(&lock);                                                   \
        return written;                                                                \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, length_type)                       \
    int name(int fd, length_type length) {                \
        pthread_mutex_lock(&lock);                        \
        int result = REAL(name)(fd, length);              \
        if (!result && is_watched(fd)) note('T', fd, length, "", 0); \
        pthread_mutex_unlock(&lock);                      \
        return result;                                    \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                                   \
    int name(int fd) {                                               \
        if (!is_watched(fd)) return REAL(name)(fd);                  \
        if (lies) return 0;                                          \
        pthread_mutex_lock(&lock);                                   \
        int result = REAL(name)(fd);                                 \
        if (!result) note('S', fd, 0, "", 0);                        \
        pthread_mutex_unlock(&lock);                                 \
        return result;                                               \
    }
SYNC(fsync)
SYNC(fdatasync)

static int removed(int directory, const char *path, int result) {
    char buffer[PATH_MAX];
    const char *inside = result ? NULL : below(directory, path, buffer);
    if (inside) note('U', -1, 0, inside, strlen(inside));
    return result;
}

int unlink(const char *path) {
    pthread_mutex_lock(&lock);
    int result = removed(AT_FDCWD, path, REAL(unlink)(path));
    pthread_mutex_unlock(&lock);
    return result;
}

int rmdir(const char *path) {
    pthread_mutex_lock(&lock);
    int result = removed(AT_FDCWD, path, REAL(rmdir)(path));
    pthread_mutex_unlock(&lock);
    return result;
}

int unlinkat(int directory, const char *path, int flags) {
    pthread_mutex_lock(&lock);
    int result = removed(directory, path, REAL(unlinkat)(directory, path, flags));
    pthread_mutex_unlock(&lock);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    char buffer[PATH_MAX];
    pthread_mutex_lock(&lock);
    int result = REAL(mkdir)(path, mode);
    const char *inside = result ? NULL : below(AT_FDCWD, path, buffer);
    if (inside) note('M', -1, 0, inside, strlen(inside));
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    char buffers[2][PATH_MAX], both[2 * PATH_MAX];
    pthread_mutex_lock(&lock);
    int result = REAL(rename)(from, to);
    const char *old = result ? NULL : below(AT_FDCWD, from, buffers[0]);
    const char *new = result ? NULL : below(AT_FDCWD, to, buffers[1]);
    if (old && new) {
        size_t length = strlen(old) + 1;
        memcpy(both, old, length);
        strcpy(both + length, new);
        note('R', -1, 0, both, length + strlen(new));
    }
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
    (void)in, (void)from, (void)out, (void)to, (void)length, (void)flags;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int out, int in, off64_t *from, size_t length) {
    if (!is_watched(out)) return REAL(sendfile64)(out, in, from, length);
    errno = ENOSYS;
    return -1;
}

ssize_t splice(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
    if (!is_watched(out)) return REAL(splice)(in, from, out, to, length, flags);
    errno = EINVAL;
    return -1;
}
