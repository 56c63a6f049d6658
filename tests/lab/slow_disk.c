/* A slow or failing disk for one process: LD_PRELOAD, told by the file that $SLOW_DISK names, which is read anew
 * before each access to a chunk. Its first line is the time in microseconds that a write of data takes; each further
 * line is a directory whose files can be neither read nor written any more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DATA 8192 /* smaller writes are headers and checksums */

/* Microseconds a write takes, or -1 if the file behind fd is on a failing disk. */
static long disk_of(int fd)
{
	char told[4096], link[64], path[PATH_MAX];
	const char *name = getenv("SLOW_DISK");
	int control = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	if (control < 0)
		return 0;
	ssize_t length = read(control, told, sizeof told - 1);
	close(control);
	if (length <= 0)
		return 0;
	told[length] = 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof path - 1);
	path[length < 0 ? 0 : length] = 0;
	char *rest, *line = strtok_r(told, "\n", &rest);
	long delay = line ? atol(line) : 0;
	while ((line = strtok_r(NULL, "\n", &rest)))
		if (strncmp(path, line, strlen(line)) == 0)
			return -1;
	return delay;
}

static ssize_t failed(void)
{
	errno = EIO;
	return -1;
}

ssize_t pread64(int fd, void *data, size_t size, off64_t at)
{
	static ssize_t (*next)(int, void *, size_t, off64_t);
	if (!next)
		next = dlsym(RTLD_NEXT, "pread64");
	return disk_of(fd) < 0 ? failed() : next(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);
	if (!next)
		next = dlsym(RTLD_NEXT, "pwrite64");
	long delay = disk_of(fd);
	if (delay < 0)
		return failed();
	if (delay > 0 && size >= DATA) {
		struct timespec rest = {delay / 1000000, delay % 1000000 * 1000};
		nanosleep(&rest, NULL);
	}
	return next(fd, data, size, at);
}
