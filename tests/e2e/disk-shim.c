/*
 * A disk that can be ordered to stall: loaded before libc (LD_PRELOAD) by a broker that is otherwise as it is shipped. It concerns the
 * files below OTTLA_SHIM_PATH alone, and obeys the files in the directory OTTLA_SHIM_ORDERS:
 *   stall-sync   fsync, fdatasync and writes by O_DSYNC do not return: the device does not answer
 *   stall-write  writes to the page cache do not return either: the kernel has no room for more that is not on the device
 *   stall-read   nor do reads of files below OTTLA_SHIM_COLD, which are not in the page cache; with RWF_NOWAIT they fail with EAGAIN
 *   fail-sync, fail-write, fail-read    the same calls fail with EIO
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static int is_ordered(const char *order) {
  char path[4096];
  const char *orders = getenv("OTTLA_SHIM_ORDERS");
  if (orders == NULL) return 0;
  snprintf(path, sizeof path, "%s/%s", orders, order);
  return access(path, F_OK) == 0;
}

static int lies_below(int fd, const char *variable) {
  char link[64], path[4096];
  const char *prefix = getenv(variable);
  if (prefix == NULL || fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, prefix, strlen(prefix)) == 0;
}

/* Waits as ordered. 0: go on; -1: fail, with errno. */
static int obey(int fd, const char *variable, const char *stall, const char *fail) {
  int before = errno;
  if (lies_below(fd, variable)) {
    while (is_ordered(stall)) usleep(2000);
    if (is_ordered(fail)) {
      errno = EIO;
      return -1;
    }
  }
  errno = before;
  return 0;
}

static int obey_sync(int fd) { return obey(fd, "OTTLA_SHIM_PATH", "stall-sync", "fail-sync"); }
static int obey_read(int fd) { return obey(fd, "OTTLA_SHIM_COLD", "stall-read", "fail-read"); }
static int obey_write(int fd) {
  if (obey(fd, "OTTLA_SHIM_PATH", "stall-write", "fail-write") < 0) return -1;
  int before = errno;
  int is_durable = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
  errno = before;
  return is_durable ? obey_sync(fd) : 0;
}

#define NEXT(name) \
  static __typeof__(&name) next; \
  if (next == NULL) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int fd) { NEXT(fsync); return obey_sync(fd) < 0 ? -1 : next(fd); }
int fdatasync(int fd) { NEXT(fdatasync); return obey_sync(fd) < 0 ? -1 : next(fd); }

ssize_t write(int fd, const void *from, size_t size) { NEXT(write); return obey_write(fd) < 0 ? -1 : next(fd, from, size); }
ssize_t writev(int fd, const struct iovec *views, int count) { NEXT(writev); return obey_write(fd) < 0 ? -1 : next(fd, views, count); }
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) { NEXT(pwrite); return obey_write(fd) < 0 ? -1 : next(fd, from, size, at); }
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
  NEXT(pwrite64);
  return obey_write(fd) < 0 ? -1 : next(fd, from, size, at);
}
ssize_t pwritev(int fd, const struct iovec *views, int count, off_t at) {
  NEXT(pwritev);
  return obey_write(fd) < 0 ? -1 : next(fd, views, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *views, int count, off64_t at) {
  NEXT(pwritev64);
  return obey_write(fd) < 0 ? -1 : next(fd, views, count, at);
}

ssize_t pread(int fd, void *into, size_t size, off_t at) { NEXT(pread); return obey_read(fd) < 0 ? -1 : next(fd, into, size, at); }
ssize_t pread64(int fd, void *into, size_t size, off64_t at) { NEXT(pread64); return obey_read(fd) < 0 ? -1 : next(fd, into, size, at); }
ssize_t preadv(int fd, const struct iovec *views, int count, off_t at) {
  NEXT(preadv);
  return obey_read(fd) < 0 ? -1 : next(fd, views, count, at);
}
ssize_t preadv64(int fd, const struct iovec *views, int count, off64_t at) {
  NEXT(preadv64);
  return obey_read(fd) < 0 ? -1 : next(fd, views, count, at);
}
ssize_t preadv2(int fd, const struct iovec *views, int count, off_t at, int flags) {
  NEXT(preadv2);
  if ((flags & RWF_NOWAIT) != 0 && lies_below(fd, "OTTLA_SHIM_COLD") && (is_ordered("stall-read") || is_ordered("fail-read"))) {
    errno = EAGAIN;
    return -1;
  }
  return next(fd, views, count, at, flags);
}
ssize_t sendfile(int to, int fd, off_t *at, size_t size) { NEXT(sendfile); return obey_read(fd) < 0 ? -1 : next(to, fd, at, size); }
ssize_t sendfile64(int to, int fd, off64_t *at, size_t size) {
  NEXT(sendfile64);
  return obey_read(fd) < 0 ? -1 : next(to, fd, at, size);
}
