/* The yardstick for reading: every directory in argv[1], the attributes named after it, one process, no more work. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

int main(int argc, char **argv) {
    char path[4096], value[256];
    unsigned long long total = 0;
    struct dirent *entry;
    DIR *directory = opendir(argv[1]);
    if (!directory) return 1;
    while ((entry = readdir(directory))) {
        if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        for (int name = 2; name < argc; name++) {
            ssize_t size = lgetxattr(path, argv[name], value, sizeof value);
            total += size > 0 ? (unsigned long long)size : 0;
        }
    }
    printf("%llu\n", total);
    return 0;
}
