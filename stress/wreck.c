/* wreck.c: see wreck.h.
 *
 * A file's bytes are kept up to the last that a step wrote; space allocated
 * ahead is only a size, so that a state costs what it holds.
 */
#include "wreck.h"

#include "stress.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void reserve(struct wreck_node *node, size_t length)
{
    if (length <= node->capacity)
        return;
    node->capacity = length + length / 2 + 4096;
    node->bytes = realloc(node->bytes, node->capacity);
    if (node->bytes == NULL) {
        fprintf(stderr, "wreck: out of memory\n");
        exit(2);
    }
}

/* Room for what a step writes up to `end`; what lies before it and was not written is zero. */
static void extend(struct wreck_node *node, size_t end)
{
    reserve(node, end);
    if (end > node->length) {
        memset(node->bytes + node->length, 0, end - node->length);
        node->length = end;
    }
    if (node->size < end)
        node->size = end;
}

static void put(struct wreck_node *node, uint64_t offset, const uint8_t *bytes, size_t length)
{
    if (length == 0)
        return;
    extend(node, (size_t)offset + length);
    memcpy(node->bytes + offset, bytes, length);
}

void wreck_start(struct wreck *wreck, const struct disk *disk)
{
    memset(wreck, 0, sizeof *wreck);
    wreck->disk = disk;
    for (int node = 0; node < disk->node_count; node++)
        if (disk->nodes[node].bytes != NULL)
            put(&wreck->nodes[node], 0, disk->nodes[node].bytes, disk->nodes[node].length);
    for (int name = 0; name < DISK_NAMES; name++)
        wreck->names[name] = name < disk->name_count ? disk->was[name] : DISK_NONE;
}

void wreck_copy(struct wreck *to, const struct wreck *from)
{
    to->disk = from->disk;
    memcpy(to->names, from->names, sizeof to->names);
    for (int i = 0; i < from->disk->node_count; i++) {
        struct wreck_node *node = &to->nodes[i];
        reserve(node, from->nodes[i].length);
        if (from->nodes[i].length != 0)
            memcpy(node->bytes, from->nodes[i].bytes, from->nodes[i].length);
        node->length = from->nodes[i].length;
        node->size = from->nodes[i].size;
        node->control = from->nodes[i].control;
    }
}

void wreck_free(struct wreck *wreck)
{
    for (int node = 0; node < DISK_NODES; node++)
        free(wreck->nodes[node].bytes);
    memset(wreck, 0, sizeof *wreck);
}

static void set_size(struct wreck_node *node, uint64_t size)
{
    if (node->length > size)
        node->length = (size_t)size;
    node->size = size;
}

static void noise(uint8_t *bytes, size_t length, uint64_t *chance)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)stress_random(chance);
}

/* A sector of the file that holds something, from as far into it. */
static void stray(const struct wreck_node *node, uint64_t offset, uint8_t *out, size_t length, uint64_t *chance)
{
    uint32_t sectors = (uint32_t)(node->length / WRECK_SECTOR);
    uint64_t from = sectors == 0 ? 0 : (uint64_t)stress_below(chance, sectors) * WRECK_SECTOR + offset % WRECK_SECTOR;
    for (size_t i = 0; i < length; i++)
        out[i] = from + i < node->length ? node->bytes[from + i] : 0xff;
}

static void apply_write(struct wreck_node *node, const struct disk_step *step, int fate, uint64_t sector,
                        uint64_t *chance)
{
    uint64_t end = step->offset + step->length;
    uint64_t from = sector * WRECK_SECTOR, to = from + WRECK_SECTOR; /* of the sector, what the write has of it */
    from = from < step->offset ? step->offset : from > end ? end : from;
    to = to > end ? end : to < from ? from : to;
    const uint8_t *bytes = step->bytes;
    uint8_t spoilt[WRECK_SECTOR] = {0};
    if (fate == WRECK_STRAY)
        stray(node, from, spoilt, (size_t)(to - from), chance);
    else if (fate == WRECK_NOISE)
        noise(spoilt, (size_t)(to - from), chance);
    if (fate == WRECK_SIZE) {
        node->size = node->size < end ? end : node->size;
        return;
    }
    if (fate != WRECK_FROM)
        put(node, step->offset, bytes, (size_t)(from - step->offset));
    if (fate == WRECK_ZEROS || fate == WRECK_NOISE || fate == WRECK_STRAY)
        put(node, from, spoilt, (size_t)(to - from));
    else if (fate == WRECK_FROM || fate == WRECK_KEPT)
        put(node, from, bytes + (from - step->offset), (size_t)(to - from));
    if (fate != WRECK_BEFORE)
        put(node, to, bytes + (to - step->offset), (size_t)(end - to));
}

void wreck_apply(struct wreck *wreck, const struct disk_step *step, int fate, uint64_t sector, uint64_t *chance)
{
    struct wreck_node *node = step->node == DISK_NONE ? NULL : &wreck->nodes[step->node];
    if (fate == WRECK_DROPPED)
        return;
    switch (step->what) {
    case DISK_CREATE: wreck->names[step->name] = step->node; break;
    case DISK_WRITE: apply_write(node, step, fate, sector, chance); break;
    case DISK_TRUNCATE: set_size(node, step->length); break;
    case DISK_ALLOCATE: node->size = node->size < step->length ? step->length : node->size; break;
    case DISK_RENAME:
        wreck->names[step->other] = step->node;
        if (fate != WRECK_BOTH && wreck->names[step->name] == step->node)
            wreck->names[step->name] = DISK_NONE;
        break;
    case DISK_UNLINK:
        if (wreck->names[step->name] == step->node)
            wreck->names[step->name] = DISK_NONE;
        break;
    case DISK_CONTROL: node->control = step->bytes; break;
    default: break;
    }
}

/* ---- equal or not */

static uint64_t mix(uint64_t state, uint64_t value)
{
    state = (state ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ (state >> 29);
}

static uint64_t mix_bytes(uint64_t state, const uint8_t *bytes, size_t length)
{
    while (length > 0 && bytes[length - 1] == 0) /* zeros that were written are as those that were not */
        length--;
    size_t at = 0;
    for (uint64_t word; length - at >= sizeof word; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        state = mix(state, word);
    }
    uint64_t rest = length;
    for (; at < length; at++)
        rest = rest << 8 | bytes[at];
    return mix(state, rest);
}

uint64_t wreck_hash(const struct wreck *wreck)
{
    uint64_t state = 1;
    for (int name = 0; name < wreck->disk->name_count; name++) {
        if (wreck->names[name] == DISK_NONE)
            continue;
        const struct wreck_node *node = &wreck->nodes[wreck->names[name]];
        state = mix(mix(state, (uint64_t)name + 1), node->size);
        size_t before = node->control == NULL || node->length < DISK_CONTROL_AT ? node->length : DISK_CONTROL_AT;
        size_t behind = DISK_CONTROL_AT + DISK_CONTROL_SIZE;
        state = mix_bytes(state, node->bytes, before);
        if (before != node->length && node->length > behind)
            state = mix_bytes(state, node->bytes + behind, node->length - behind);
    }
    return state;
}

/* ---- as files */

static void stop(const char *why, const char *path)
{
    perror(path);
    fprintf(stderr, "wreck: %s %s\n", why, path);
    exit(2);
}

static void write_out(const char *path, const uint8_t *bytes, size_t length, uint64_t size)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0)
        stop("cannot make", path);
    for (size_t at = 0; at < length;) {
        ssize_t count = pwrite(file, bytes + at, length - at, (off_t)at);
        if (count <= 0)
            stop("cannot write", path);
        at += (size_t)count;
    }
    if (ftruncate(file, (off_t)size) != 0)
        stop("cannot size", path);
    (void)close(file);
}

static void write_control(const char *path, const struct wreck_node *node, int control, uint64_t *chance)
{
    uint8_t page[DISK_CONTROL_SIZE] = {0};
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        stop("cannot open", path);
    if (control == WRECK_CONTROL_LAST)
        memcpy(page, node->control, DISK_CONTROL_USED);
    else if (control == WRECK_CONTROL_NOISE)
        noise(page, DISK_CONTROL_USED, chance);
    size_t length = node->size - DISK_CONTROL_AT < sizeof page ? (size_t)(node->size - DISK_CONTROL_AT) : sizeof page;
    if (pwrite(file, page, length, DISK_CONTROL_AT) != (ssize_t)length)
        stop("cannot write", path);
    (void)close(file);
}

static void clear(const char *folder)
{
    char path[512];
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        if (mkdir(folder, S_IRWXU) != 0)
            stop("cannot make", folder);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0)
            stop("cannot remove", path);
    }
    (void)closedir(entries);
}

void wreck_lay(const struct wreck *wreck, const char *folder, int control, uint64_t *chance)
{
    char path[512], other[512];
    clear(folder);
    for (int name = 0; name < wreck->disk->name_count; name++) {
        if (wreck->names[name] == DISK_NONE)
            continue;
        const struct wreck_node *node = &wreck->nodes[wreck->names[name]];
        snprintf(path, sizeof path, "%s/%s", folder, wreck->disk->names[name]);
        int first = 0;
        while (wreck->names[first] != wreck->names[name])
            first++;
        if (first < name) {
            snprintf(other, sizeof other, "%s/%s", folder, wreck->disk->names[first]);
            if (link(other, path) != 0)
                stop("cannot link", path);
            continue;
        }
        write_out(path, node->bytes, node->length, node->size);
        if (node->control != NULL && node->size > DISK_CONTROL_AT)
            write_control(path, node, control, chance);
    }
}
