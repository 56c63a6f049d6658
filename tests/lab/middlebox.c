/* A middlebox between two interfaces: passes Ethernet frames on after a delay, and does to TCP what it is told.
 *
 * usage: middlebox INTERFACE INTERFACE DELAY_US [ACTION...]
 *   strip-syn, strip-synack   overwrite the window scale option (RFC 7323) with NOPs
 *   zero-syn, zero-synack     set its shift to 0
 *   track                     drop segments beyond the window, taken without its scale
 * SYN means from the first interface to the second, SYN-ACK the other way. IPv4 without VLANs. Prints "ready" when it
 * passes frames, and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 1600, RING = 16384, FLOWS = 4096, BATCH = 64, BUFFER = 64 << 20 };
enum { SYN = 0x02, ACK = 0x10 };
enum { NOP = 1, WINDOW_SCALE = 3 };

struct frame {
    uint64_t due; /* microseconds */
    int length;
    uint8_t bytes[FRAME_MAX];
};

/* What one side of a flow may receive, as its own segments said. */
struct window {
    int known;
    uint32_t end;
};

struct flow {
    uint32_t addresses[2];
    uint16_t ports[2];
    int used;
    struct window of[2]; /* by direction of the segments that announce it */
};

static struct frame *ring[2];
static int head[2], tail[2], sockets[2];
static int strip[2], zero[2], track; /* by direction: 0 is from the first interface */
static struct flow flows[FLOWS];

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static uint16_t get16(const uint8_t *p) { return p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }

static uint32_t sum(const uint8_t *p, int length, uint32_t start)
{
    for (; length > 1; length -= 2, p += 2)
        start += get16(p);
    return length ? start + (p[0] << 8) : start;
}

static void set_checksum(const uint8_t *ip, uint8_t *tcp, int length)
{
    tcp[16] = tcp[17] = 0;
    uint32_t total = sum(tcp, length, sum(ip + 12, 8, 6 + length));
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    tcp[16] = ~total >> 8;
    tcp[17] = ~total;
}

/* The window scale option of a segment, or NULL. */
static uint8_t *find_option(uint8_t *tcp, int header)
{
    for (uint8_t *p = tcp + 20, *end = tcp + header; p < end && *p; p += *p == NOP ? 1 : p[1]) {
        if (*p != NOP && (p + 1 >= end || p[1] < 2))
            return NULL;
        if (*p == WINDOW_SCALE)
            return p;
    }
    return NULL;
}

static struct flow *find_flow(int direction, const uint8_t *ip, const uint8_t *tcp)
{
    uint32_t from = get32(ip + 12), to = get32(ip + 16);
    uint16_t port_from = get16(tcp), port_to = get16(tcp + 2);
    struct flow key = {.addresses = {direction ? to : from, direction ? from : to},
                       .ports = {direction ? port_to : port_from, direction ? port_from : port_to}};
    unsigned at = (key.addresses[0] * 31 + key.addresses[1] * 17 + key.ports[0] * 7 + key.ports[1]) % FLOWS;
    for (int tries = 0; tries < FLOWS; tries++, at = (at + 1) % FLOWS) {
        if (!flows[at].used) {
            flows[at] = key;
            flows[at].used = 1;
            return &flows[at];
        }
        if (!memcmp(flows[at].addresses, key.addresses, sizeof key.addresses) &&
            !memcmp(flows[at].ports, key.ports, sizeof key.ports))
            return &flows[at];
    }
    exit(2);
}

/* Whether a segment lies within the window that its receiver announced, as one that ignores the scale sees it. */
static int within_window(int direction, const uint8_t *ip, const uint8_t *tcp, int payload)
{
    struct flow *flow = find_flow(direction, ip, tcp);
    struct window *receivers = &flow->of[!direction];
    if (tcp[13] & SYN)
        memset(flow->of, 0, sizeof flow->of);
    else if (payload && receivers->known && (int32_t)(get32(tcp + 4) + payload - receivers->end) > 0)
        return 0;
    if (tcp[13] & ACK) {
        flow->of[direction].known = 1;
        flow->of[direction].end = get32(tcp + 8) + get16(tcp + 14);
    }
    return 1;
}

/* Do to a frame what was asked for; 0 when it is to be dropped. */
static int pass(int direction, uint8_t *bytes, int length)
{
    uint8_t *ip = bytes + 14;
    if (length < 54 || get16(bytes + 12) != ETHERTYPE_IP || ip[9] != IPPROTO_TCP)
        return 1;
    int ip_header = (ip[0] & 15) * 4, total = get16(ip + 2), tcp_length = total - ip_header;
    uint8_t *tcp = ip + ip_header;
    int header = (tcp[12] >> 4) * 4;
    if (ip_header < 20 || header < 20 || tcp_length < header || 14 + total > length)
        return 1;
    if (track)
        return within_window(direction, ip, tcp, tcp_length - header);
    uint8_t *option = tcp[13] & SYN ? find_option(tcp, header) : NULL;
    if (option && (strip[direction] || zero[direction])) {
        if (strip[direction])
            memset(option, NOP, 3);
        else
            option[2] = 0;
        set_checksum(ip, tcp, tcp_length);
    }
    return 1;
}

static int open_interface(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), one = 1, size = BUFFER;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(name)};
    struct packet_mreq all = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    if (fd < 0 || bind(fd, (void *)&address, sizeof address) ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all)) {
        perror(name);
        exit(1);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return fd;
}

/* Send what is due; microseconds until the next frame is. */
static uint64_t send_due(void)
{
    uint64_t time = now(), wait = 100000;
    for (int from = 0; from < 2; from++) {
        for (; head[from] != tail[from]; head[from] = (head[from] + 1) % RING) {
            struct frame *frame = &ring[from][head[from]];
            if (frame->due > time) {
                wait = frame->due - time < wait ? frame->due - time : wait;
                break;
            }
            if (send(sockets[!from], frame->bytes, frame->length, 0) < 0 && errno == ENOBUFS) {
                wait = 100;
                break;
            }
        }
    }
    return wait;
}

static void take(int from, uint64_t delay)
{
    for (int count = 0; count < BATCH && (tail[from] + 1) % RING != head[from]; count++) {
        struct frame *frame = &ring[from][tail[from]];
        frame->length = recv(sockets[from], frame->bytes, FRAME_MAX, MSG_DONTWAIT);
        if (frame->length <= 0)
            return;
        if (!pass(from, frame->bytes, frame->length))
            continue;
        frame->due = now() + delay;
        tail[from] = (tail[from] + 1) % RING;
    }
}

int main(int count, char **words)
{
    if (count < 4)
        return 1;
    for (int i = 4; i < count; i++) {
        strip[0] |= !strcmp(words[i], "strip-syn");
        strip[1] |= !strcmp(words[i], "strip-synack");
        zero[0] |= !strcmp(words[i], "zero-syn");
        zero[1] |= !strcmp(words[i], "zero-synack");
        track |= !strcmp(words[i], "track");
    }
    for (int i = 0; i < 2; i++) {
        sockets[i] = open_interface(words[1 + i]);
        ring[i] = malloc(sizeof(struct frame) * RING);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        uint64_t wait = send_due();
        struct pollfd ready[3] = {{sockets[0], POLLIN, 0}, {sockets[1], POLLIN, 0}, {0, POLLIN, 0}};
        struct timespec timeout = {0, wait * 1000};
        ppoll(ready, 3, &timeout, NULL);
        for (int from = 0; from < 2; from++)
            if (ready[from].revents)
                take(from, strtoull(words[3], NULL, 10));
        if (ready[2].revents)
            return 0;
    }
}
