/* A vendor tool that answers from files: PROGRAM.d/ARGUMENTS, spaces and slashes as underscores.
 *
 * Beside ARGUMENTS may stand ARGUMENTS.status (exit status), .signal (what ends it after its words), .hang, .endless,
 * .stubborn (ignores SIGTERM), .delay (milliseconds before it answers) and .log (a file it writes into its working
 * directory, as they do). Each call is noted in PROGRAM.d/calls. Whatever it has no file for is "invalid input", with
 * exit status 1, as MegaCli says it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char place[8192];
static size_t base;

static int opened(const char *suffix) {
    strcpy(place + base, suffix);
    return open(place, O_RDONLY);
}

static long number(const char *suffix, long otherwise) {
    char text[32] = {0};
    int file = opened(suffix);
    if (file < 0)
        return otherwise;
    if (read(file, text, sizeof text - 1) < 0)
        text[0] = 0;
    close(file);
    return atol(text);
}

int main(int count, char **words) {
    char buffer[65536], name[4096] = "", line[4200];
    ssize_t length = readlink("/proc/self/exe", place, sizeof place - 4400);
    if (length < 0)
        return 99;
    place[length] = 0;
    strcat(place, ".d/");
    base = strlen(place);
    for (int i = 1; i < count; i++) {
        if (strlen(name) + strlen(words[i]) + 2 > sizeof name)
            return 98;
        if (i > 1)
            strcat(name, " ");
        strcat(name, words[i]);
    }
    strcpy(place + base, "calls");
    int calls = open(place, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (calls >= 0) {
        length = snprintf(line, sizeof line, "%s\n", name);
        if (write(calls, line, length) < 0)
            return 97;
        close(calls);
    }
    for (char *c = name; *c; c++)
        if (*c == ' ' || *c == '/')
            *c = '_';
    strcpy(place + base, name);
    base += strlen(name);
    long delay = number(".delay", 0);
    if (delay)
        usleep(delay * 1000);
    if (opened(".log") >= 0) {
        int log = open("MegaSAS.log", O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (log >= 0 && write(log, "log\n", 4) == 4)
            close(log);
    }
    int file = opened("");
    if (file >= 0)
        while ((length = read(file, buffer, sizeof buffer)) > 0)
            if (write(1, buffer, length) < 0)
                return 96;
    if (opened(".endless") >= 0)
        for (memset(buffer, 'x', sizeof buffer);;)
            if (write(1, buffer, sizeof buffer) < 0)
                return 95;
    if (opened(".stubborn") >= 0)
        signal(SIGTERM, SIG_IGN);
    if (opened(".hang") >= 0)
        for (;;)
            pause();
    long ends = number(".signal", 0);
    if (ends) {
        signal(ends, SIG_DFL);
        raise(ends);
    }
    if (file < 0 && number(".status", -1) < 0) {
        printf("Invalid input at or near token %s\n", count > 1 ? words[1] : "");
        return 1;
    }
    return number(".status", 0);
}
